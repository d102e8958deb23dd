package dev.hyaline.analysis.statistics;

import dev.hyaline.analysis.internal.Sums;
import dev.hyaline.engine.error.BadInputException;
import java.util.Optional;
import java.util.OptionalDouble;
import org.apache.commons.numbers.gamma.LogGamma;

/**
 * A standardised effect: Cohen's d, its interval by inverting noncentral t, and Hedges' exact correction J(m) = Γ(m/2)
 * / (√(m/2) Γ((m-1)/2)) with m degrees of freedom.
 *
 * <p>Of pairs it is d<sub>z</sub> = mean / sd; it grows as prompts get alike, so it is never a headline beside the raw
 * effect. Of two samples it is the difference of means over the pooled sd. Assumes normal values, independent prompts
 * and, of two samples, equal variances. {@link #rankBiserial} assumes nothing.
 *
 * <p>Source: Hedges (1981); Cumming and Finch (2001); Kerby (2014).
 *
 * @param d the standardised effect
 * @param degreesOfFreedom m
 * @param scale d = t * scale
 */
public record EffectSize(double d, double degreesOfFreedom, double scale) {

    /**
     * d<sub>z</sub> of values; empty of one value or without spread.
     *
     * @throws BadInputException if there is no value, or one is not finite
     */
    public static Optional<EffectSize> paired(double[] values) {
        Optional<TTest> t = TTest.of(values, Units.each(values.length));
        double scale = 1 / Math.sqrt(values.length);
        return t.map(test -> new EffectSize(test.t() * scale, values.length - 1, scale));
    }

    /**
     * Cohen's d of two samples, x minus y; empty with fewer than 3 values together or without spread.
     *
     * @throws BadInputException if a sample is empty, or a value is not finite
     */
    public static Optional<EffectSize> ofTwo(double[] x, double[] y) {
        Units.each(x.length).sums(x);
        Units.each(y.length).sums(y);
        double freedom = x.length + y.length - 2;
        double pooled = (Sums.squaredDeviations(x) + Sums.squaredDeviations(y)) / freedom;
        if (freedom < 1 || (Sums.constant(x) && Sums.constant(y))) {
            return Optional.empty();
        }
        return Optional.of(new EffectSize(
                (Sums.mean(x) - Sums.mean(y)) / Math.sqrt(pooled),
                freedom,
                Math.sqrt(1.0 / x.length + 1.0 / y.length)));
    }

    /** Hedges' correction J; empty with one degree of freedom. */
    public OptionalDouble correction() {
        double m = degreesOfFreedom;
        return m <= 1
                ? OptionalDouble.empty()
                : OptionalDouble.of(Math.exp(LogGamma.value(m / 2) - LogGamma.value((m - 1) / 2)) / Math.sqrt(m / 2));
    }

    /** Hedges' g, d times the correction; empty with one degree of freedom. */
    public OptionalDouble corrected() {
        OptionalDouble correction = correction();
        return correction.isPresent() ? OptionalDouble.of(d * correction.getAsDouble()) : correction;
    }

    /**
     * The interval of d: the noncentralities for which the t value is a quantile, times the scale.
     *
     * @throws BadInputException if the tail is not between 0 and 1/2
     */
    public Interval interval(double tail) {
        TTest.requireTail(tail);
        double t = d / scale;
        return new Interval(
                scale * NoncentralT.noncentrality(t, degreesOfFreedom, 1 - tail),
                scale * NoncentralT.noncentrality(t, degreesOfFreedom, tail));
    }

    /**
     * The matched-pairs rank-biserial correlation, (W<sup>+</sup> - W<sup>-</sup>) / (W<sup>+</sup> + W<sup>-</sup>) of
     * {@link Wilcoxon}; empty if all values are 0.
     *
     * @throws BadInputException if there is no value, or one is not finite
     */
    public static OptionalDouble rankBiserial(double[] values) {
        Wilcoxon ranks = Wilcoxon.test(values);
        return ranks.nonzero() == 0
                ? OptionalDouble.empty()
                : OptionalDouble.of((ranks.plus() - ranks.minus()) / (ranks.plus() + ranks.minus()));
    }
}
