package dev.hyaline.instrument.weights;

/** What of a later head reads what an earlier one wrote. */
public enum CompositionMode {
    Q,
    K,
    V
}
