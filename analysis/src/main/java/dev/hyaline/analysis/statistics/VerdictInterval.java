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
        double[] means = new double[replicates];
        double[] ratios = new double[replicates];
        resample(residuals, sizes, mean, random, means, ratios);
        Bootstrap bootstrap = Bootstrap.ofReplicates(sums, sizes, means);
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

    /**
     * Draws each replicate's mean and its t value. Residuals about the mean are drawn, so that the sums of squares lose
     * no digits to a mean that is large against the spread.
     */
    private static void resample(
            double[] residuals, double[] sizes, double mean, CounterRandom random, double[] means, double[] ratios) {
        double size = evenSize(sizes);
        // A replicate is a method of its own so that it is compiled before the first cell of a table is done.
        for (int b = 0; b < means.length; b++) {
            if (size > 0) {
                replicate(residuals, sizes, size, mean, random.with(b), b, means, ratios);
            } else {
                replicate(residuals, sizes, mean, random.with(b), b, means, ratios);
            }
        }
    }

    /**
     * The size of every unit if it is the same power of two, else 0. The sums over a resample that are of sizes alone
     * are then known, and products with them have the digits of what they multiply.
     */
    private static double evenSize(double[] sizes) {
        double size = sizes[0];
        for (double other : sizes) {
            if (other != size) {
                return 0;
            }
        }
        return Long.bitCount((long) size) == 1 ? size : 0;
    }

    /** One replicate of units of one size; the same bits as of any sizes. */
    private static void replicate(
            double[] residuals,
            double[] sizes,
            double each,
            double mean,
            CounterRandom draws,
            int b,
            double[] means,
            double[] ratios) {
        int groups = residuals.length;
        double sum = 0;
        double squares = 0;
        for (int j = 0; j < groups; j++) {
            double residual = residuals[draws.index(j, groups)];
            sum += residual;
            squares += residual * residual;
        }
        finish(
                residuals,
                sizes,
                mean,
                draws,
                b,
                means,
                ratios,
                sum,
                groups * each,
                squares,
                sum * each,
                groups * each * each);
    }

    private static void replicate(
            double[] residuals,
            double[] sizes,
            double mean,
            CounterRandom draws,
            int b,
            double[] means,
            double[] ratios) {
        int groups = residuals.length;
        double sum = 0;
        double size = 0;
        double squares = 0;
        double products = 0;
        double squaredSizes = 0;
        for (int j = 0; j < groups; j++) {
            int unit = draws.index(j, groups);
            double residual = residuals[unit];
            double weight = sizes[unit];
            sum += residual;
            size += weight;
            squares += residual * residual;
            products += residual * weight;
            squaredSizes += weight * weight;
        }
        finish(residuals, sizes, mean, draws, b, means, ratios, sum, size, squares, products, squaredSizes);
    }

    private static void finish(
            double[] residuals,
            double[] sizes,
            double mean,
            CounterRandom draws,
            int b,
            double[] means,
            double[] ratios,
            double sum,
            double size,
            double squares,
            double products,
            double squaredSizes) {
        double shift = sum / size;
        double deviations = squares - 2 * shift * products + shift * shift * squaredSizes;
        if (deviations <= 1e-10 * squares) {
            deviations = exactDeviations(residuals, sizes, shift, draws);
        }
        double correction = residuals.length / (residuals.length - 1.0);
        means[b] = mean + shift;
        ratios[b] = deviations > 0
                ? shift / (Math.sqrt(correction * deviations) / size)
                : shift == 0 ? 0 : Math.copySign(Double.POSITIVE_INFINITY, shift);
    }

    /** Σ (R - n shift)² of one resample, term by term; 0 if it is only rounding. */
    private static double exactDeviations(double[] residuals, double[] sizes, double shift, CounterRandom draws) {
        double sum = 0;
        double squares = 0;
        for (int j = 0; j < residuals.length; j++) {
            int unit = draws.index(j, residuals.length);
            double deviation = residuals[unit] - sizes[unit] * shift;
            sum += deviation * deviation;
            squares += residuals[unit] * residuals[unit];
        }
        return sum <= 1e-24 * squares ? 0 : sum;
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
