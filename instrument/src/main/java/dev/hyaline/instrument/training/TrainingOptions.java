package dev.hyaline.instrument.training;

import dev.hyaline.engine.error.BadInputException;

/**
 * How a model is trained: AdamW (Loshchilov and Hutter, 2019) on clipped gradients, at a rate that rises in a straight
 * line and falls as a cosine. Immutable; each method that takes a value returns a changed copy.
 *
 * @param steps in all
 * @param warmup steps until the rate is at its peak
 * @param sequences of a step's batch
 * @param length tokens that a sequence predicts
 * @param rate the peak
 * @param leastRate the rate after the last step
 * @param beta1 share of the mean gradient that is kept each step
 * @param beta2 share of the mean square that is kept
 * @param epsilon added to the root of the mean square
 * @param decay of weights each step, times the rate; of matrices and embeddings alone, not of biases and gains
 * @param clip longest gradient of all parameters together
 * @param seed of the draw of sequences
 */
public record TrainingOptions(
        int steps,
        int warmup,
        int sequences,
        int length,
        double rate,
        double leastRate,
        double beta1,
        double beta2,
        double epsilon,
        double decay,
        double clip,
        long seed) {
    public TrainingOptions {
        require(steps >= 1, "steps", steps, "at least 1");
        require(warmup >= 0 && warmup <= steps, "warmup", warmup, "from 0 to the number of steps");
        require(sequences >= 1, "sequences", sequences, "at least 1");
        require(length >= 1, "length", length, "at least 1");
        require(rate > 0 && rate < Double.POSITIVE_INFINITY, "rate", rate, "above 0");
        require(leastRate >= 0 && leastRate <= rate, "leastRate", leastRate, "from 0 to the rate");
        require(beta1 >= 0 && beta1 < 1, "beta1", beta1, "from 0 to below 1");
        require(beta2 >= 0 && beta2 < 1, "beta2", beta2, "from 0 to below 1");
        require(epsilon > 0, "epsilon", epsilon, "above 0");
        require(decay >= 0, "decay", decay, "at least 0");
        require(clip > 0, "clip", clip, "above 0");
    }

    private static void require(boolean holds, String name, Object found, String expected) {
        if (!holds) {
            throw new BadInputException("training: " + name + " must be " + expected + ", found " + found);
        }
    }

    /** Steps at a rate of 0.001, falling to a tenth after a rise of a tenth of the steps; 16 sequences of 64 tokens. */
    public static TrainingOptions of(int steps) {
        return new TrainingOptions(steps, steps / 10, 16, 64, 1e-3, 1e-4, 0.9, 0.95, 1e-8, 0.1, 1, 1);
    }

    /** The same with batches of so many sequences, which predict so many tokens each. */
    public TrainingOptions batches(int newSequences, int newLength) {
        return new TrainingOptions(
                steps, warmup, newSequences, newLength, rate, leastRate, beta1, beta2, epsilon, decay, clip, seed);
    }

    /** The same with another rate: at its peak after {@code newWarmup} steps, and at the end. */
    public TrainingOptions rates(int newWarmup, double peak, double least) {
        return new TrainingOptions(
                steps, newWarmup, sequences, length, peak, least, beta1, beta2, epsilon, decay, clip, seed);
    }

    /** The same with another decay of weights. */
    public TrainingOptions decay(double newDecay) {
        return new TrainingOptions(
                steps, warmup, sequences, length, rate, leastRate, beta1, beta2, epsilon, newDecay, clip, seed);
    }

    /** The same with gradients cut to another length. */
    public TrainingOptions clip(double newClip) {
        return new TrainingOptions(
                steps, warmup, sequences, length, rate, leastRate, beta1, beta2, epsilon, decay, newClip, seed);
    }

    /** The same with another draw of sequences. */
    public TrainingOptions seed(long newSeed) {
        return new TrainingOptions(
                steps, warmup, sequences, length, rate, leastRate, beta1, beta2, epsilon, decay, clip, newSeed);
    }

    /** The rate of a step, from 0. */
    public double rate(int step) {
        if (step < warmup) {
            return rate * (step + 1) / warmup;
        }
        double done = steps == warmup ? 1 : (step - warmup) / (double) (steps - warmup);
        return leastRate + (rate - leastRate) * 0.5 * (1 + StrictMath.cos(Math.PI * Math.min(1, done)));
    }
}
