package dev.hyaline.analysis.statistics;

import dev.hyaline.analysis.internal.Order;
import dev.hyaline.analysis.internal.Sums;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.CounterRandom;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The interval of a mean that a verdict uses: from the lowest lower to the highest upper end of the BCa (or, where that
 * is undefined, percentile), the clustered t and the studentised bootstrap interval.
 *
 * <p>The studentised one is [mean - q(1-tail) se, mean - q(tail) se] with q the quantiles of t<sub>b</sub> =
 * (mean<sub>b</sub> - mean) / se<sub>b</sub>, each resample's own clustered standard error; a resample without spread
 * has t<sub>b</sub> = ±∞ (0 if its mean is the estimate), and where a quantile is infinite there is no studentised
 * interval. The tail is a fifth where the units are few and skewed, |skewness of S<sub>g</sub> - n<sub>g</sub> mean| /
 * √G > 0.25. The skewness is the third moment over the 1.5th power of the second, with n.
 *
 * <p>Chance of a false "confirmed" at the boundary for a nominal 2.5%: normal units 2-3%, exponential ones 6% with 8
 * units and 1-3% from 16 on. Fewer than 3 units, or no spread: no interval and so no verdict.
 *
 * @param tail left on each side
 * @param skewed whether the tail is a fifth of the one asked for
 * @param bca null where undefined
 * @param studentised null where undefined
 * @param interval the hull, which is the interval to state
 */
public record VerdictInterval(
        int units,
        double estimate,
        double skewness,
        boolean skewed,
        double tail,
        Interval percentile,
        @Nullable Interval bca,
        Interval clusteredT,
        @Nullable Interval studentised,
        Interval interval) {

    /** Tail on each side for a claim with a direction: 95%. */
    public static final double DIRECTED_TAIL = 0.025;

    /** Tail on each side for a claim of no effect: 90%. */
    public static final double NO_EFFECT_TAIL = 0.05;

    /** Fewer units than this have no interval. */
    public static final int MIN_UNITS = 3;

    private static final double SKEWED = 0.25;

    /**
     * The interval of a mean.
     *
     * @param tail {@link #DIRECTED_TAIL} or {@link #NO_EFFECT_TAIL}, or a share of it
     * @param random the numbers of this quantity's bootstrap
     * @return empty with fewer than {@value #MIN_UNITS} units or without spread
     * @throws BadInputException if there is not one finite value per prompt, the tail is not between 0 and 1/2, or no
     *     replicate is asked for
     */
    public static Optional<VerdictInterval> of(
            double[] values, Units units, double tail, int replicates, CounterRandom random) {
        TTest.requireTail(tail);
        Bootstrap.requireReplicates(replicates);
        double[] sums = units.sums(values);
        Optional<TTest> t = TTest.of(values, units);
        if (units.count() < MIN_UNITS || t.isEmpty()) {
            return Optional.empty();
        }
        double mean = t.get().estimate();
        double[] residuals = units.sums(values, mean);
        double skewness = skewness(residuals);
        boolean skewed = Math.abs(skewness) / Math.sqrt(units.count()) > SKEWED;
        double used = skewed ? tail / 5 : tail;

        double[] sizes = units.weights();
        MeanReplicates drawn = MeanReplicates.draw(residuals, sizes, mean, replicates, random);
        Bootstrap bootstrap = Bootstrap.ofReplicates(sums, sizes, drawn.means());
        double[] ratios = drawn.ratios();
        Arrays.sort(ratios);
        double high = Order.quantile(ratios, 1 - used);
        double low = Order.quantile(ratios, used);
        double error = t.get().standardError();
        Interval studentised = Double.isFinite(high) && Double.isFinite(low)
                ? new Interval(mean - high * error, mean - low * error)
                : null;

        Interval percentile = bootstrap.percentile(used);
        Interval bca = bootstrap.bca(used).orElse(null);
        Interval clustered = t.get().interval(used);
        Interval hull = (bca == null ? percentile : bca).hull(clustered);
        return Optional.of(new VerdictInterval(
                units.count(),
                mean,
                skewness,
                skewed,
                used,
                percentile,
                bca,
                clustered,
                studentised,
                studentised == null ? hull : hull.hull(studentised)));
    }

    private static double skewness(double[] values) {
        double mean = Sums.mean(values);
        double squares = 0;
        double cubes = 0;
        for (double value : values) {
            double deviation = value - mean;
            squares += deviation * deviation;
            cubes += deviation * deviation * deviation;
        }
        double variance = squares / values.length;
        return variance == 0 ? 0 : cubes / values.length / Math.pow(variance, 1.5);
    }
}
