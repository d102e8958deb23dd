package dev.hyaline.engine;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.tensor.Tensor;
import java.util.Arrays;
import java.util.List;

/**
 * The result of a pass. The arrays belong to the caller.
 *
 * @param logits {@code [rows.length, columns]}, row-major; empty when none were asked for
 * @param rows the batch rows the logits belong to
 * @param columns logits a row
 * @param residual {@code [tokens, dModel]} at the boundary where the pass was told to stop; empty otherwise
 */
public record ForwardResult(float[] logits, int[] rows, int columns, float[] residual) {
    /** The logits as a tensor, {@code [row, token]}. */
    public Tensor tensor() {
        return Tensor.view("logits", List.of("row", "token"), List.of(rows.length, columns), logits);
    }

    /** The logits of the {@code index}-th selected row, {@code [columns]}. */
    public float[] row(int index) {
        BadInputException.requireIndex("row", index, rows.length);
        return Arrays.copyOfRange(logits, index * columns, (index + 1) * columns);
    }

    /** The shapes of what was asked for. */
    @Override
    public String toString() {
        return "logits [" + rows.length + ", " + columns + "], residual [" + residual.length + "]";
    }
}
