package dev.hyaline.analysis.superposition;

import dev.hyaline.analysis.sparse.train.Schedule;
import dev.hyaline.engine.error.BadInputException;
import java.util.function.Consumer;

/**
 * How a toy model is trained. Each feature of a sample is present with a probability, and then evenly distributed from
 * 0 to 1.
 *
 * @param features number of features, {@code n}
 * @param hidden dimensions that they are squeezed through, {@code m}
 * @param density probability that a feature is present, {@code 1 - S} in the paper
 * @param decay importance of each feature as a share of the one before it; the first has 1
 * @param linear whether there is no relu
 * @param steps number of batches
 * @param batch samples of a batch
 * @param schedule of the learning rate
 * @param seed what weights and samples depend on
 */
public record ToySetting(
        int features,
        int hidden,
        double density,
        double decay,
        boolean linear,
        int steps,
        int batch,
        Schedule schedule,
        long seed) {
    /** Most values of the weights: a toy. */
    public static final int MAX_WEIGHTS = 1 << 20;

    private static final int STEPS = 3000;
    private static final int BATCH = 512;
    private static final double RATE = 0.01;

    public ToySetting {
        if (features < 1 || hidden < 1 || (long) features * hidden > MAX_WEIGHTS) {
            throw new BadInputException("a toy model has at least 1 feature and 1 dimension, and at most " + MAX_WEIGHTS
                    + " weights, found " + features + " features in " + hidden + " dimensions");
        }
        if (!(density > 0 && density <= 1)) {
            throw new BadInputException(
                    "the probability that a feature is present is above 0 and at most 1, found " + density);
        }
        if (!(decay > 0 && decay <= 1)) {
            throw new BadInputException(
                    "a feature's importance is a share above 0 and at most 1 of the one before it, found " + decay);
        }
        if (steps < 1 || batch < 1 || (long) batch * features > Integer.MAX_VALUE) {
            throw new BadInputException("a toy model is trained on at least 1 batch of at least 1 and at most "
                    + Integer.MAX_VALUE / features + " samples, found " + steps + " batches of " + batch);
        }
    }

    /**
     * Features of equal importance, with a relu, 3,000 batches of 512 and a rate of .01 that falls to 0 over the second
     * half.
     *
     * @throws BadInputException if a number makes no model
     */
    public static ToySetting of(int features, int hidden, double density) {
        return new ToySetting(features, hidden, density, 1, false, STEPS, BATCH, rate(RATE, STEPS), 1);
    }

    private static Schedule rate(double rate, int steps) {
        return Schedule.constant(rate).decay(steps / 2);
    }

    public ToySetting density(double other) {
        return with(draft -> draft.density = other);
    }

    public ToySetting decay(double other) {
        return with(draft -> draft.decay = other);
    }

    /** The same without the relu. */
    public ToySetting withoutRelu() {
        return with(draft -> draft.linear = true);
    }

    /** So many batches; the rate falls over the second half of them. */
    public ToySetting steps(int other) {
        return with(draft -> {
            draft.steps = other;
            draft.schedule = rate(schedule.rate(), other);
        });
    }

    public ToySetting batch(int other) {
        return with(draft -> draft.batch = other);
    }

    public ToySetting schedule(Schedule other) {
        return with(draft -> draft.schedule = other);
    }

    public ToySetting seed(long other) {
        return with(draft -> draft.seed = other);
    }

    /** The importance of each feature, {@code [features]}. */
    public float[] importance() {
        float[] importance = new float[features];
        for (int i = 0; i < features; i++) {
            importance[i] = (float) StrictMath.pow(decay, i);
        }
        return importance;
    }

    /** The fields of a copy that is about to be made. */
    private static final class Draft {
        private double density;
        private double decay;
        private boolean linear;
        private int steps;
        private int batch;
        private Schedule schedule;
        private long seed;

        Draft(ToySetting from) {
            density = from.density;
            decay = from.decay;
            linear = from.linear;
            steps = from.steps;
            batch = from.batch;
            schedule = from.schedule;
            seed = from.seed;
        }
    }

    private ToySetting with(Consumer<Draft> change) {
        Draft draft = new Draft(this);
        change.accept(draft);
        return new ToySetting(
                features,
                hidden,
                draft.density,
                draft.decay,
                draft.linear,
                draft.steps,
                draft.batch,
                draft.schedule,
                draft.seed);
    }
}
