package dev.hyaline.analysis.superposition;

import dev.hyaline.engine.error.BadInputException;

/**
 * Two features of equal importance in one dimension, the smallest case of superposition, solved exactly: what each way
 * of using the dimension loses.
 */
public final class TwoFeatures {
    /** The probability below which superposition loses less: 4/7. */
    public static final double CROSSING = 4.0 / 7;

    private TwoFeatures() {}

    /**
     * The loss with both features in opposite directions and no bias, {@code p^2 / 3}: only where both are present is
     * anything lost.
     *
     * @param density probability that a feature is present
     */
    public static double lossOfBoth(double density) {
        require(density);
        return density * density / 3;
    }

    /**
     * The loss with one feature kept and the mean of the other predicted, {@code p/3 - p^2/4}: the variance of the
     * other.
     *
     * @param density probability that a feature is present
     */
    public static double lossOfOne(double density) {
        require(density);
        return density / 3 - density * density / 4;
    }

    private static void require(double density) {
        if (!(density >= 0 && density <= 1)) {
            throw new BadInputException("a probability is from 0 to 1, found " + density);
        }
    }
}
