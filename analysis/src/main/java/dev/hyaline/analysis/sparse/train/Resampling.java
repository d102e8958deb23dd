package dev.hyaline.analysis.sparse.train;

import dev.hyaline.instrument.CounterRandom;
import java.util.Arrays;
import java.util.List;

/**
 * Gives dead latents the direction of tokens that are reconstructed badly (Bricken et al. 2023, "Towards
 * monosemanticity").
 */
final class Resampling {
    private static final double ENCODER_SHARE = 0.2;
    /** A latent's own numbers that begin at 0. */
    private static final List<String> BIASES =
            List.of(Weights.ENCODER_BIAS, Weights.GATE_BIAS, Weights.MAGNITUDE_BIAS, Weights.MAGNITUDE_SCALE);

    private Resampling() {}

    /** Draws tokens with probability proportional to a power of their loss, with replacement. */
    static int[] draw(double[] losses, int power, int count, CounterRandom random) {
        double[] sums = new double[losses.length];
        double sum = 0;
        for (int t = 0; t < losses.length; t++) {
            sum += Math.pow(losses[t], power);
            sums[t] = sum;
        }
        int[] drawn = new int[count];
        for (int i = 0; i < count; i++) {
            double wanted = random.uniform(i) * sum;
            int at = Arrays.binarySearch(sums, wanted);
            drawn[i] = Math.min(at < 0 ? -at - 1 : at + 1, losses.length - 1);
        }
        return drawn;
    }

    /**
     * Begins dead latents anew: decoder row in the direction of what is to be reconstructed of the token, encoder in
     * that of its input at a fifth of the mean length of the living ones, biases and moments 0.
     *
     * @param tokens of each dead latent, in their order
     * @param x inputs {@code [tokens, dIn]}
     * @param y what is to be reconstructed {@code [tokens, dOut]}
     * @param unit whether the direction is brought to length one before it becomes an encoder; dictionary_learning does
     *     not
     */
    static void apply(Weights w, boolean[] dead, int[] tokens, float[] x, float[] y, boolean unit) {
        Weights.Parameter encoder = w.get(Weights.ENCODER);
        Weights.Parameter decoder = w.get(Weights.DECODER);
        double lengths = 0;
        int alive = 0;
        for (int i = 0; i < w.n; i++) {
            if (!dead[i]) {
                lengths += length(encoder.value, i * w.dIn, w.dIn);
                alive++;
            }
        }
        double mean = alive == 0 ? 1 : lengths / alive;
        int next = 0;
        for (int i = 0; i < w.n; i++) {
            if (!dead[i]) {
                continue;
            }
            int token = tokens[next++];
            double length = length(x, token * w.dIn, w.dIn);
            double lengthOut = length(y, token * w.dOut, w.dOut);
            if (length == 0 || lengthOut == 0) {
                continue;
            }
            for (int c = 0; c < w.dOut; c++) {
                decoder.value[i * w.dOut + c] = (float) (y[token * w.dOut + c] / lengthOut);
            }
            for (int c = 0; c < w.dIn; c++) {
                double v = x[token * w.dIn + c];
                encoder.value[i * w.dIn + c] = (float) (ENCODER_SHARE * mean * (unit ? v / length : v));
            }
            forget(encoder, i * w.dIn, w.dIn);
            forget(decoder, i * w.dOut, w.dOut);
            for (String name : BIASES) {
                if (w.has(name)) {
                    Weights.Parameter bias = w.get(name);
                    bias.value[i] = 0;
                    forget(bias, i, 1);
                }
            }
        }
    }

    private static void forget(Weights.Parameter p, int at, int count) {
        Arrays.fill(p.m, at, at + count, 0);
        Arrays.fill(p.v, at, at + count, 0);
    }

    private static double length(float[] values, int at, int count) {
        double sum = 0;
        for (int c = at; c < at + count; c++) {
            sum += (double) values[c] * values[c];
        }
        return Math.sqrt(sum);
    }
}
