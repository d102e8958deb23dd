package dev.hyaline.analysis.sparse;

import java.util.Arrays;

/**
 * Activations as {@link Normalization} brings them to the encoder, and what brings an output back.
 *
 * @param values {@code [tokens, width]}
 * @param scale by token, of an output; empty where it is 1
 * @param shift by token, added to an output; empty where it is 0
 */
record NormalizedInput(int width, float[] values, float[] scale, float[] shift) {
    private static final float[] NONE = {};

    /** Normalises a copy of activations, {@code [tokens, width]}. */
    static NormalizedInput of(Normalization normalization, float[] x, int width) {
        return switch (normalization) {
            case Normalization.None none -> new NormalizedInput(width, x.clone(), NONE, NONE);
            case Normalization.Factor(float factor) -> scaled(x, width, factor);
            case Normalization.ConstantNorm norm -> constantNorm(x, width);
            case Normalization.LayerNorm norm -> layerNorm(x, width);
        };
    }

    private static NormalizedInput scaled(float[] x, int width, float factor) {
        float[] h = x.clone();
        for (int i = 0; i < h.length; i++) {
            h[i] *= factor;
        }
        float[] scale = new float[x.length / width];
        Arrays.fill(scale, 1 / factor);
        return new NormalizedInput(width, h, scale, NONE);
    }

    private static NormalizedInput constantNorm(float[] x, int width) {
        float[] h = new float[x.length];
        float[] scale = new float[x.length / width];
        for (int t = 0; t < scale.length; t++) {
            double squares = squares(x, t * width, width, 0);
            double factor = squares == 0 ? 1 : Math.sqrt(width / squares);
            for (int c = t * width; c < (t + 1) * width; c++) {
                h[c] = (float) (x[c] * factor);
            }
            scale[t] = (float) (1 / factor);
        }
        return new NormalizedInput(width, h, scale, NONE);
    }

    private static NormalizedInput layerNorm(float[] x, int width) {
        float[] h = new float[x.length];
        float[] scale = new float[x.length / width];
        float[] shift = new float[scale.length];
        for (int t = 0; t < scale.length; t++) {
            double mean = 0;
            for (int c = t * width; c < (t + 1) * width; c++) {
                mean += x[c];
            }
            mean /= width;
            double deviation = Math.sqrt(squares(x, t * width, width, mean) / (width - 1));
            for (int c = t * width; c < (t + 1) * width; c++) {
                h[c] = (float) ((x[c] - mean) / (deviation + 1e-5));
            }
            scale[t] = (float) deviation;
            shift[t] = (float) mean;
        }
        return new NormalizedInput(width, h, scale, shift);
    }

    private static double squares(float[] x, int at, int n, double mean) {
        double sum = 0;
        for (int c = at; c < at + n; c++) {
            sum += (x[c] - mean) * (x[c] - mean);
        }
        return sum;
    }

    int tokens() {
        return values.length / width;
    }

    /** Subtracts a bias {@code [width]} from each token in place. */
    void subtract(float[] bias) {
        for (int t = 0; t < tokens(); t++) {
            for (int c = 0; c < width; c++) {
                values[t * width + c] -= bias[c];
            }
        }
    }
}
