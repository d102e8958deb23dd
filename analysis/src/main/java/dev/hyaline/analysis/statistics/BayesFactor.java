package dev.hyaline.analysis.statistics;

import dev.hyaline.engine.error.BadInputException;

/**
 * The default Bayes factor of a one-sample t test: how much likelier the t value is under an effect whose standardised
 * size is drawn from a Cauchy distribution than under none. It is shown and never decides.
 *
 * <p>BF<sub>10</sub> = ∫ (1 + n g r²)<sup>-1/2</sup> (1 + t² / ((1 + n g r²) ν))<sup>-(ν+1)/2</sup> (2π)<sup>-1/2</sup>
 * g<sup>-3/2</sup> e<sup>-1/(2g)</sup> dg over (1 + t²/ν)<sup>-(ν+1)/2</sup>, by the trapezoidal rule in log g, which
 * converges exponentially. Assumes normal and independent values.
 *
 * <p>Source: Rouder, Speckman, Sun, Morey and Iverson (2009).
 */
public final class BayesFactor {
    /** The customary scale r of the Cauchy distribution, √2/2. */
    public static final double SCALE = Math.sqrt(0.5);

    private static final double STEP = 1.0 / 64;
    private static final double LOWEST = -8;
    private static final double HIGHEST = 80;

    private BayesFactor() {}

    /**
     * BF<sub>10</sub> of a t value of {@code n} values; infinite where it is beyond the largest double.
     *
     * @throws BadInputException if there are fewer than 2 values, the scale is not above 0, or t is not finite
     */
    public static double ofT(double t, int n, double scale) {
        if (n < 2 || !(scale > 0) || !Double.isFinite(t)) {
            throw new BadInputException(
                    "a Bayes factor needs a finite t of at least 2 values and a scale above 0, found t " + t + " of "
                            + n + " values and scale " + scale);
        }
        double freedom = n - 1;
        double none = -0.5 * (freedom + 1) * Math.log1p(t * t / freedom);
        double sum = 0;
        for (int i = 0; i <= (HIGHEST - LOWEST) / STEP; i++) {
            double x = LOWEST + i * STEP;
            double spread = 1 + n * scale * scale * Math.exp(x);
            double exponent = -0.5 * Math.log(spread)
                    - 0.5 * (freedom + 1) * Math.log1p(t * t / (spread * freedom))
                    - 0.5 * x
                    - 0.5 * Math.exp(-x);
            sum += Math.exp(exponent - none);
        }
        return sum * STEP / Math.sqrt(2 * Math.PI);
    }
}
