package dev.hyaline.analysis.sparse.train;

import dev.hyaline.engine.error.BadInputException;

/**
 * A learning rate and the penalty's coefficient, step by step. Both depend on the step alone, so that a run that is
 * resumed goes on with the values of one that was not.
 *
 * @param rate the learning rate
 * @param rateEnd what the middle part falls to; of a constant one, unused
 * @param middle what is between warm-up and decay
 * @param warmUp steps of warm-up
 * @param decay steps at the end in which the rate falls to 0
 * @param cycles of {@link Middle#WARM_RESTARTS}
 * @param coefficientWarmUp steps in which the penalty's coefficient grows from 0
 * @param fromZero whether the warm-up's first step has rate 0, as dictionary_learning's, or already a share, as
 *     SAELens's
 */
public record Schedule(
        double rate,
        double rateEnd,
        Middle middle,
        long warmUp,
        long decay,
        int cycles,
        long coefficientWarmUp,
        boolean fromZero) {
    /** The part between warm-up and decay. */
    public enum Middle {
        CONSTANT,
        COSINE,
        WARM_RESTARTS
    }

    public Schedule {
        if (!(rate > 0) || Double.isInfinite(rate)) {
            throw new BadInputException("the learning rate must be a finite number above 0, found " + rate);
        }
        if (warmUp < 0 || decay < 0 || coefficientWarmUp < 0 || cycles < 1) {
            throw new BadInputException("steps of warm-up and decay must be at least 0, and cycles at least 1");
        }
        if (middle != Middle.CONSTANT && !(rateEnd > 0 && rateEnd <= rate)) {
            throw new BadInputException(
                    "a falling rate must end above 0 and at most at the rate, found " + rateEnd + " of " + rate);
        }
    }

    /** A constant rate. */
    public static Schedule constant(double rate) {
        return new Schedule(rate, rate, Middle.CONSTANT, 0, 0, 1, 0, false);
    }

    public Schedule warmUp(long steps) {
        return new Schedule(rate, rateEnd, middle, steps, decay, cycles, coefficientWarmUp, fromZero);
    }

    public Schedule decay(long steps) {
        return new Schedule(rate, rateEnd, middle, warmUp, steps, cycles, coefficientWarmUp, fromZero);
    }

    public Schedule coefficientWarmUp(long steps) {
        return new Schedule(rate, rateEnd, middle, warmUp, decay, cycles, steps, fromZero);
    }

    /** The learning rate of a step, counted from 0, of so many. */
    public double rate(long step, long steps) {
        if (step < warmUp) {
            return rate * (fromZero ? step : step + 1) / warmUp;
        }
        long middleSteps = steps - warmUp - decay;
        if (step < warmUp + middleSteps) {
            return middle(step - warmUp, middleSteps);
        }
        if (fromZero) {
            return rate * (steps - step) / decay;
        }
        double from = middle == Middle.CONSTANT ? rate : rateEnd;
        return from * (1 - (double) (step - warmUp - middleSteps) / decay);
    }

    private double middle(long step, long steps) {
        return switch (middle) {
            case CONSTANT -> rate;
            case COSINE -> cosine((double) step / steps);
            case WARM_RESTARTS -> {
                long cycle = Math.max(1, steps / cycles);
                yield cosine((double) (step % cycle) / cycle);
            }
        };
    }

    private double cosine(double share) {
        return rateEnd + (rate - rateEnd) * (1 + Math.cos(Math.PI * share)) / 2;
    }

    /** Share of the penalty's coefficient in a step, counted from 0. */
    public double warmth(long step) {
        return coefficientWarmUp == 0 ? 1 : Math.min((double) step / coefficientWarmUp, 1);
    }
}
