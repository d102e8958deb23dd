package dev.hyaline.analysis.circuit;

import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.instrument.weights.Matrix;
import dev.hyaline.instrument.weights.ModelWeights;

/** The weights that are needed to add up what a receiver reads: heads' output matrices, biases and positions. */
final class OutputWeights {
    private final Gpt2Config config;
    /** By layer and head, {@code [dHead, dModel]}. */
    private final float[][][] wO;
    /** By layer, the sum of the attention biases up to it. */
    private final double[][] biases;
    /** {@code [nCtx, dModel]}. */
    private final Matrix positions;

    OutputWeights(Gpt2Weights weights) {
        config = weights.config();
        ModelWeights parameters = ModelWeights.of(weights);
        positions = parameters.wPos();
        wO = new float[config.nLayers()][config.nHeads()][];
        biases = new double[config.nLayers()][];
        double[] sum = new double[config.dModel()];
        for (int layer = 0; layer < config.nLayers(); layer++) {
            for (int head = 0; head < config.nHeads(); head++) {
                wO[layer][head] = narrowed(parameters.wO(layer, head).values());
            }
            double[] bias = parameters.bO(layer);
            for (int i = 0; i < sum.length; i++) {
                sum[i] += bias[i];
            }
            biases[layer] = sum.clone();
        }
    }

    private static float[] narrowed(double[] values) {
        float[] narrow = new float[values.length];
        for (int i = 0; i < narrow.length; i++) {
            narrow[i] = (float) values[i];
        }
        return narrow;
    }

    /** Writes {@code z W_O} of one head at one position. */
    void write(int layer, int head, float[] z, int zOffset, float[] out, int outOffset) {
        int d = config.dModel();
        double[] sum = new double[d];
        float[] w = wO[layer][head];
        for (int k = 0; k < config.dHead(); k++) {
            double factor = z[zOffset + k];
            for (int i = 0; i < d; i++) {
                sum[i] += factor * w[k * d + i];
            }
        }
        for (int i = 0; i < d; i++) {
            out[outOffset + i] = (float) sum[i];
        }
    }

    /** Takes a gradient at what a head writes back to its z at one position. */
    void pullBack(int layer, int head, double[] gradient, float[] ofZ, int offset) {
        int d = config.dModel();
        float[] w = wO[layer][head];
        for (int k = 0; k < config.dHead(); k++) {
            double sum = 0;
            for (int i = 0; i < d; i++) {
                sum += gradient[i] * w[k * d + i];
            }
            ofZ[offset + k] = (float) sum;
        }
    }

    /**
     * A new sum that begins with what no sender owns: the biases of the attentions before a stage, and the position's
     * embedding.
     *
     * @param stage as {@link GraphIndex} counts them
     */
    double[] constant(int stage, int position, boolean withPosition) {
        int attentions = (stage + 1) / 2; // stages 2 l and 2 l + 1 follow l and l + 1 attentions
        double[] sum = attentions == 0 ? new double[config.dModel()] : biases[attentions - 1].clone();
        if (withPosition) {
            double[] embedding = positions.values();
            int from = position * sum.length;
            for (int i = 0; i < sum.length; i++) {
                sum[i] += embedding[from + i];
            }
        }
        return sum;
    }
}
