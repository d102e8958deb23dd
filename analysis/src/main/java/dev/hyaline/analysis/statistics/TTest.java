package dev.hyaline.analysis.statistics;

import dev.hyaline.analysis.internal.Sums;
import dev.hyaline.engine.error.BadInputException;
import java.util.Optional;
import org.apache.commons.statistics.distribution.TDistribution;

/**
 * A t test and the interval that belongs to it: t = (estimate - against) / standard error, by Student's t distribution.
 *
 * <p>Assumes that the units' sums are about normal; with few and skewed units it is too sure. Without spread, or with
 * one unit, there is none. Ties and zeros need no care.
 *
 * @param estimate the mean, or the difference of two
 * @param standardError of the estimate
 * @param degreesOfFreedom above 0; not always whole
 * @param against the value of the null hypothesis
 */
public record TTest(double estimate, double standardError, double degreesOfFreedom, double against) {

    /**
     * The mean of prompts by unit, against 0. The standard error is clustered, V = G/(G-1) Σ(S<sub>g</sub> -
     * n<sub>g</sub> mean)² / n², with G - 1 degrees of freedom; with a prompt per unit it is the ordinary sd/√n. Empty
     * without spread or with one unit.
     *
     * <p>Source: Liang and Zeger (1986); Cameron and Miller (2015).
     *
     * @throws BadInputException if there is not one finite value per prompt
     */
    public static Optional<TTest> of(double[] values, Units units) {
        double mean = Sums.of(units.sums(values)) / units.prompts();
        double variance = Clustering.variance(values, units);
        return units.count() < 2 || Sums.constant(values) || variance == 0
                ? Optional.empty()
                : Optional.of(new TTest(mean, Math.sqrt(variance), units.count() - 1, 0));
    }

    /** The same test against another value. */
    public TTest against(double value) {
        return new TTest(estimate, standardError, degreesOfFreedom, value);
    }

    /** The t value. */
    public double t() {
        return (estimate - against) / standardError;
    }

    /** The p values. */
    public PValues p() {
        TDistribution distribution = TDistribution.of(degreesOfFreedom);
        return PValues.ofTails(distribution.survivalProbability(t()), distribution.cumulativeProbability(t()));
    }

    /**
     * The interval that leaves {@code tail} on each side: 0.025 for 95%.
     *
     * @throws BadInputException if the tail is not between 0 and 1/2
     */
    public Interval interval(double tail) {
        requireTail(tail);
        double reach = TDistribution.of(degreesOfFreedom).inverseSurvivalProbability(tail) * standardError;
        return new Interval(estimate - reach, estimate + reach);
    }

    static void requireTail(double tail) {
        if (!(tail > 0 && tail < 0.5)) {
            throw new BadInputException("a tail of an interval lies between 0 and 0.5, found " + tail);
        }
    }
}
