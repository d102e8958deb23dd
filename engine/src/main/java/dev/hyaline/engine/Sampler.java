package dev.hyaline.engine;

import dev.hyaline.engine.error.HyalineException;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Draws tokens from logits. Its own arithmetic is in double and in a fixed order, so a seed gives the same tokens on
 * every machine.
 */
final class Sampler {
    private final Sampling sampling;
    private final SplittableRandom random;

    Sampler(Sampling sampling, SplittableRandom random) {
        this.sampling = sampling;
        this.random = random;
    }

    /**
     * A token from the {@code n} logits from {@code at}. A logit of infinity wins over all that are finite.
     *
     * @throws HyalineException if a logit is not a number
     */
    int draw(float[] logits, int at, int n) {
        int likeliest = at;
        for (int i = at; i < at + n; i++) {
            if (Float.isNaN(logits[i])) {
                throw new HyalineException("the logit of token " + (i - at) + ", to draw from, is not a number");
            }
            if (logits[i] > logits[likeliest]) {
                likeliest = i;
            }
        }
        return sampling.temperature() == 0 ? likeliest - at : drawFrom(candidates(logits, at, n), logits, at);
    }

    /** Token ids that top-k leaves, by falling logit and rising id. */
    private int[] candidates(float[] logits, int at, int n) {
        // A long orders as its logit, falling, then as its id.
        long[] keys = new long[n];
        for (int i = 0; i < n; i++) {
            int bits = Float.floatToIntBits(logits[at + i] + 0f);
            int ascending = bits >= 0 ? bits : bits ^ Integer.MAX_VALUE;
            keys[i] = (long) ~ascending << 32 | i;
        }
        Arrays.sort(keys);
        int kept = sampling.topK() == 0 ? n : Math.min(n, sampling.topK());
        int[] ids = new int[kept];
        for (int i = 0; i < kept; i++) {
            ids[i] = (int) keys[i];
        }
        return ids;
    }

    private int drawFrom(int[] candidates, float[] logits, int at) {
        double[] mass = new double[candidates.length];
        double largest = logits[at + candidates[0]];
        double total = 0;
        for (int i = 0; i < candidates.length; i++) {
            double logit = logits[at + candidates[i]];
            mass[i] = logit == largest ? 1 : StrictMath.exp((logit - largest) / sampling.temperature());
            total += mass[i];
        }
        int kept = 0;
        double keptMass = 0;
        while (kept < candidates.length && keptMass < sampling.topP() * total) {
            keptMass += mass[kept++];
        }
        double left = random.nextDouble() * keptMass;
        for (int i = 0; i < kept; i++) {
            left -= mass[i];
            if (left < 0) {
                return candidates[i];
            }
        }
        return candidates[kept - 1];
    }
}
