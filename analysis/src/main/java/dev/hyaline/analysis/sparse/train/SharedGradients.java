package dev.hyaline.analysis.sparse.train;

import dev.hyaline.engine.internal.kernel.Rows;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** The gradient of what is not one latent's: the decoder's bias and the linear path around the latents. */
final class SharedGradients {
    private static final int COLUMNS_PER_TASK = 64;

    private final Dictionary dictionary;
    private final int[] allLatents;

    SharedGradients(Dictionary dictionary) {
        this.dictionary = dictionary;
        allLatents = IntStream.range(0, dictionary.n).toArray();
    }

    /**
     * Computes both.
     *
     * @param preActivationSums of each latent the sum over tokens of the gradient of its pre-activation
     */
    void of(List<ReconstructionPath> paths, Batch batch, float[] preActivationSums) {
        int dOut = dictionary.dOut;
        float[] gradient = dictionary.w.get(Weights.DECODER_BIAS).gradient;
        double[] sums = new double[dOut];
        for (ReconstructionPath path : paths) {
            if (path.biased()) {
                float[] rows = path.gradients()[0];
                for (int t = 0; t < batch.tokens(); t++) {
                    for (int c = 0; c < dOut; c++) {
                        sums[c] += rows[t * dOut + c];
                    }
                }
            }
        }
        for (int c = 0; c < dOut; c++) {
            gradient[c] = (float) sums[c];
        }
        if (dictionary.subtracts) {
            throughEncoder(gradient, preActivationSums);
        }
        if (dictionary.w.has(Weights.SKIP)) {
            skip(paths, batch);
        }
    }

    /** The part of a bias that is subtracted from the input: summed over tokens before it is multiplied. */
    private void throughEncoder(float[] gradient, float[] preActivationSums) {
        int dIn = dictionary.dIn;
        float[] factors = preActivationSums.clone();
        for (int i = 0; i < factors.length; i++) {
            factors[i] = -factors[i];
        }
        float[] rows = dictionary.w.get(Weights.ENCODER).value;
        dictionary.pool.run(Math.ceilDiv(dIn, COLUMNS_PER_TASK), (worker, b) -> {
            int at = b * COLUMNS_PER_TASK;
            int width = Math.min(COLUMNS_PER_TASK, dIn - at);
            Rows columns = new Rows(rows, at, dIn);
            dictionary.sparse.addScaledRows(gradient, at, width, factors, allLatents, 0, dictionary.n, columns);
        });
    }

    private void skip(List<ReconstructionPath> paths, Batch batch) {
        int dIn = dictionary.dIn;
        int dOut = dictionary.dOut;
        float[] gradient = dictionary.w.get(Weights.SKIP).gradient;
        Arrays.fill(gradient, 0);
        int[] all = IntStream.range(0, batch.tokens()).toArray();
        dictionary.pool.run(dOut, (worker, o) -> {
            float[] factors = new float[batch.tokens()];
            for (ReconstructionPath path : paths) {
                if (path.skipped()) {
                    for (int t = 0; t < factors.length; t++) {
                        factors[t] = path.gradients()[0][t * dOut + o];
                    }
                    Rows rows = new Rows(batch.x(), 0, dIn);
                    dictionary.sparse.addScaledRows(gradient, o * dIn, dIn, factors, all, 0, all.length, rows);
                }
            }
        });
    }

    /** Squared length of the gradient of all but encoder and decoder. */
    double squares() {
        double sum = 0;
        for (Map.Entry<String, Weights.Parameter> entry : dictionary.w.all().entrySet()) {
            if (!entry.getKey().equals(Weights.ENCODER) && !entry.getKey().equals(Weights.DECODER)) {
                float[] gradient = entry.getValue().gradient;
                sum += Dictionary.squares(gradient, 0, gradient.length);
            }
        }
        return sum;
    }
}
