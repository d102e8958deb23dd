package dev.hyaline.engine;

import dev.hyaline.engine.error.BadInputException;

/**
 * The result of a pass. The arrays belong to the caller.
 *
 * @param logits {@code [rows.length, columns]}, row-major; empty when none were asked for
 * @param rows the batch rows the logits belong to
 * @param columns logits a row
 * @param residual {@code [tokens, dModel]} at the boundary where the pass was told to stop; empty otherwise
 */
public record ForwardResult(float[] logits, int[] rows, int columns, float[] residual) {
    /** The logits of the {@code index}-th selected row, {@code [columns]}. */
    public float[] row(int index) {
        BadInputException.requireIndex("row", index, rows.length);
        return java.util.Arrays.copyOfRange(logits, index * columns, (index + 1) * columns);
    }
}
