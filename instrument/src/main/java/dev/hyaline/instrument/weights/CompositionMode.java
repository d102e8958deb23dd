package dev.hyaline.instrument.weights;

/** The input of a later head that reads the output of an earlier one. */
public enum CompositionMode {
    Q,
    K,
    V
}
