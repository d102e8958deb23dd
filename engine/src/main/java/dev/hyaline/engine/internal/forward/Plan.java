package dev.hyaline.engine.internal.forward;

import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.ForwardResult;
import dev.hyaline.engine.Gpt2Config;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;

/**
 * A checked request. A pass has two steps a layer: step {@code 2 l} is the attention of layer {@code l}, step {@code 2
 * l + 1} its MLP.
 *
 * @param residual {@code [rows, dModel]} to begin with, or null to begin with the embedding
 * @param reached the site of the first step's branch at which to begin, or null to run the whole step
 * @param branch the values there
 * @param from the first step
 * @param to the step not run any more
 * @param stops whether the residual after the last step is the result; otherwise logits are
 * @param logitRows rows to unembed, ascending
 * @param logitColumns token ids to form logits of, or null for all
 */
public record Plan(
        Batch batch,
        float[] residual,
        Site reached,
        float[] branch,
        int from,
        int to,
        boolean stops,
        int[] logitRows,
        int[] logitColumns,
        Probe probe) {

    private static final float[] NOTHING = {};

    /** Values of the result: logits, or residual rows. */
    public long resultSize(Gpt2Config config) {
        return (long) resultRows() * columns(config);
    }

    /**
     * An array for the result.
     *
     * @throws BadInputException if no array is as long
     */
    public float[] room(Gpt2Config config) {
        return resultRows() == 0 ? NOTHING : new float[Batch.arraySize(resultRows(), columns(config))];
    }

    /** The result, given the array it was written to. */
    public ForwardResult result(Gpt2Config config, float[] out) {
        return stops
                ? new ForwardResult(NOTHING, new int[0], 0, out)
                : new ForwardResult(out, logitRows, resultRows() == 0 ? 0 : columns(config), NOTHING);
    }

    private int resultRows() {
        return stops ? batch.rows() : logitRows.length;
    }

    private int columns(Gpt2Config config) {
        if (stops) {
            return config.dModel();
        }
        return logitColumns == null ? config.dVocab() : logitColumns.length;
    }
}
