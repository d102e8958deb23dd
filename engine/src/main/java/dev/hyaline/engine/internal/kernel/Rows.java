package dev.hyaline.engine.internal.kernel;

/**
 * Rows of floats in an array. The vector kernels take it apart at once, so that C2 allocates none.
 *
 * @param at index of the first row's first value
 * @param stride distance between rows
 */
public record Rows(float[] values, int at, int stride) {
    /** Index of a row's first value. */
    public int at(int row) {
        return at + row * stride;
    }
}
