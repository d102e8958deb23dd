package dev.hyaline.analysis.statistics.compare;

import dev.hyaline.analysis.internal.Sums;
import dev.hyaline.analysis.statistics.TTest;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.engine.error.BadInputException;
import java.util.Optional;

/**
 * t tests of the difference of two means, x minus y. Both assume independent and about normal values; of prompts that
 * share a unit, give the units' means.
 */
public final class MeanDifference {
    private MeanDifference() {}

    /**
     * Welch's test, which lets the variances differ: se² = s<sub>x</sub>²/n<sub>x</sub> + s<sub>y</sub>²/n<sub>y</sub>,
     * with Satterthwaite's degrees of freedom (Welch 1947). Empty if a sample has one value or neither has a spread.
     *
     * @throws BadInputException if a sample is empty, or a value is not finite
     */
    public static Optional<TTest> welch(double[] x, double[] y) {
        requireFinite(x, y);
        double vx = Sums.variance(x) / x.length;
        double vy = Sums.variance(y) / y.length;
        double variance = vx + vy;
        if (x.length < 2 || y.length < 2 || (Sums.constant(x) && Sums.constant(y))) {
            return Optional.empty();
        }
        double freedom = variance * variance / (vx * vx / (x.length - 1) + vy * vy / (y.length - 1));
        return Optional.of(new TTest(Sums.mean(x) - Sums.mean(y), Math.sqrt(variance), freedom, 0));
    }

    /**
     * Student's test, with the pooled variance. Empty with fewer than 3 values together or without spread.
     *
     * @throws BadInputException if a sample is empty, or a value is not finite
     */
    public static Optional<TTest> student(double[] x, double[] y) {
        requireFinite(x, y);
        double freedom = x.length + y.length - 2;
        if (freedom < 1 || (Sums.constant(x) && Sums.constant(y))) {
            return Optional.empty();
        }
        double pooled = (Sums.squaredDeviations(x) + Sums.squaredDeviations(y)) / freedom;
        double error = Math.sqrt(pooled * (1.0 / x.length + 1.0 / y.length));
        return Optional.of(new TTest(Sums.mean(x) - Sums.mean(y), error, freedom, 0));
    }

    static void requireFinite(double[] x, double[] y) {
        Units.each(x.length).sums(x);
        Units.each(y.length).sums(y);
    }
}
