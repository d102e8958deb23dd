package dev.hyaline.engine.internal.forward;

import dev.hyaline.engine.ForwardResult;
import dev.hyaline.engine.Start;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.Probe;
import java.util.List;

/**
 * A checked request.
 *
 * @param stages the boundaries at which the stages begin that are run as a whole, in order
 */
public record Plan(Batch batch, Start start, List<Boundary> stages, Output output, Probe probe) {
    private static final float[] NOTHING = {};

    /** The values that the pass leaves, {@code [rows, columns]}. */
    public sealed interface Output {
        /** The residual stream of all rows after the last stage. */
        record Residual() implements Output {}

        /**
         * Logits.
         *
         * @param rows of the batch, ascending
         */
        record Logits(int[] rows, LogitColumns columns) implements Output {}
    }

    public Plan {
        stages = List.copyOf(stages);
    }

    /** Number of values of the result. */
    public long resultSize(Gpt2Config config) {
        return (long) resultRows() * columns(config);
    }

    /**
     * An array for the result.
     *
     * @throws BadInputException if no array is as long
     */
    public float[] newResult(Gpt2Config config) {
        return resultRows() == 0 ? NOTHING : new float[Batch.arraySize(resultRows(), columns(config))];
    }

    /** The result, given the array it was written to. */
    public ForwardResult result(Gpt2Config config, float[] out) {
        return switch (output) {
            case Output.Residual residual -> new ForwardResult(NOTHING, new int[0], 0, out);
            case Output.Logits logits ->
                new ForwardResult(out, logits.rows, logits.rows.length == 0 ? 0 : columns(config), NOTHING);
        };
    }

    private int resultRows() {
        return switch (output) {
            case Output.Residual residual -> batch.rows();
            case Output.Logits logits -> logits.rows.length;
        };
    }

    private int columns(Gpt2Config config) {
        return switch (output) {
            case Output.Residual residual -> config.dModel();
            case Output.Logits logits -> logits.columns.count(config.dVocab());
        };
    }
}
