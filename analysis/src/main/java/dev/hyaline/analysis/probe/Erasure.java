package dev.hyaline.analysis.probe;

/** A way to find the map that erases a concept: afterwards no linear probe tells its classes apart. */
@FunctionalInterface
public interface Erasure {
    /** The map that erases from rows what tells their classes apart. */
    AffineMap fit(LabelledRows rows);
}
