package dev.hyaline.analysis.statistics;

import dev.hyaline.analysis.internal.Draws;
import dev.hyaline.analysis.internal.Order;
import dev.hyaline.analysis.internal.Sums;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.CounterRandom;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.apache.commons.statistics.distribution.NormalDistribution;
import org.jspecify.annotations.Nullable;

/**
 * The bootstrap distribution of a statistic, units drawn whole and with replacement. Replicate b takes as its j-th unit
 * {@code random.with(b).index(j, units)}.
 *
 * <p>Intervals: percentile, the quantiles (type 7) of the replicates; BCa, the same at levels Φ(z0 + (z0 + z) / (1 -
 * a(z0 + z))), with z0 = Φ<sup>-1</sup>((#less + #equal / 2) / B) and a = Σu³ / (6 (Σu²)<sup>1.5</sup>), u = mean of
 * the jackknife values minus each, a unit left out at a time. Without spread, with z0 infinite or without a spread of
 * the jackknife values there is no BCa, and the percentile interval stands. Replicates within 1e-12 of the estimate's
 * scale count as equal to it.
 *
 * <p>Assumes that units are independent draws of one population. With few units both intervals are too narrow (BCa with
 * 8 skewed units errs in 14% instead of 2.5%): {@link VerdictInterval} is the one to state.
 *
 * <p>Source: Efron (1987); Efron and Tibshirani (1993); Davison and Hinkley (1997) for drawing clusters whole.
 */
public final class Bootstrap {
    /** Replicates that intervals are made of unless said otherwise. */
    public static final int REPLICATES = 10_000;

    /** Up to this many units all resamples can be enumerated: 6<sup>6</sup> = 46,656. */
    public static final int MAX_ENUMERATED_UNITS = 6;

    private final double estimate;
    private final double[] sorted;
    private final double shareBelow;
    private final @Nullable Correction correction;

    /** The bias z0 and the acceleration of the BCa interval. */
    private record Correction(double bias, double acceleration) {}

    private Bootstrap(double estimate, double[] replicates, double[] jackknife, double scale) {
        this.estimate = estimate;
        this.sorted = replicates.clone();
        Arrays.sort(sorted);
        double tolerance = 1e-12 * scale;
        double below = 0;
        for (double replicate : sorted) {
            below += replicate < estimate - tolerance ? 1 : replicate <= estimate + tolerance ? 0.5 : 0;
        }
        this.shareBelow = below / sorted.length;
        boolean spread = sorted[sorted.length - 1] - sorted[0] > tolerance;
        OptionalDouble accelerated = acceleration(jackknife, tolerance);
        boolean usable = spread && shareBelow > 0 && shareBelow < 1 && accelerated.isPresent();
        this.correction = usable
                ? new Correction(
                        NormalDistribution.of(0, 1).inverseCumulativeProbability(shareBelow), accelerated.getAsDouble())
                : null;
    }

    /**
     * Of the mean of prompts, Σ S<sub>g</sub> / Σ n<sub>g</sub>.
     *
     * @throws BadInputException if there is not one finite value per prompt, or there are none or more than a million
     *     replicates
     */
    public static Bootstrap ofMean(double[] values, Units units, int replicates, CounterRandom random) {
        return ofRatio(units.sums(values), units.weights(), replicates, random);
    }

    /**
     * Of the ratio of two means, such as a faithfulness: the ratio of the sums, never the mean of ratios.
     *
     * @throws BadInputException if there is not one finite value of each per prompt, the denominators add up to 0, or
     *     no replicate is asked for
     */
    public static Bootstrap ofRatio(
            double[] numerator, double[] denominator, Units units, int replicates, CounterRandom random) {
        return ofRatio(units.sums(numerator), units.sums(denominator), replicates, random);
    }

    private static Bootstrap ofRatio(double[] above, double[] below, int replicates, CounterRandom random) {
        requireReplicates(replicates);
        double[] values = new double[replicates];
        for (int b = 0; b < replicates; b++) {
            values[b] = replicate(above, below, random.with(b));
        }
        return ofReplicates(above, below, values);
    }

    private static double replicate(double[] above, double[] below, CounterRandom draws) {
        double numerator = 0;
        double denominator = 0;
        for (int j = 0; j < above.length; j++) {
            int unit = draws.index(j, above.length);
            numerator += above[unit];
            denominator += below[unit];
        }
        return numerator / denominator;
    }

    /** Of replicates of a ratio of sums that were made elsewhere. */
    static Bootstrap ofReplicates(double[] above, double[] below, double[] replicates) {
        double numerator = Sums.of(above);
        double denominator = Sums.of(below);
        if (denominator == 0) {
            throw new BadInputException("the denominators of a ratio add up to 0");
        }
        double[] jackknife = new double[above.length];
        double scale = 0;
        for (int g = 0; g < above.length; g++) {
            jackknife[g] = (numerator - above[g]) / (denominator - below[g]);
            scale += Math.abs(above[g]);
        }
        return new Bootstrap(numerator / denominator, replicates, jackknife, scale / Math.abs(denominator));
    }

    /**
     * Of the mean over all G<sup>G</sup> resamples of up to {@value #MAX_ENUMERATED_UNITS} units: exact, no chance in
     * it.
     *
     * @throws BadInputException if there is not one finite value per prompt, or there are more units
     */
    public static Bootstrap enumerated(double[] values, Units units) {
        int groups = units.count();
        if (groups > MAX_ENUMERATED_UNITS) {
            throw new BadInputException("all resamples of up to " + MAX_ENUMERATED_UNITS
                    + " units can be enumerated, found " + groups + " units");
        }
        double[] sums = units.sums(values);
        double[] sizes = units.weights();
        double[] replicates = new double[(int) Math.round(Math.pow(groups, groups))];
        for (int b = 0; b < replicates.length; b++) {
            double sum = 0;
            double size = 0;
            int left = b;
            for (int j = 0; j < groups; j++) {
                sum += sums[left % groups];
                size += sizes[left % groups];
                left /= groups;
            }
            replicates[b] = sum / size;
        }
        return ofReplicates(sums, sizes, replicates);
    }

    /**
     * Of any statistic of the prompts' values, such as their median.
     *
     * @param statistic takes the values of the prompts of the units drawn, one unit after the other
     * @throws BadInputException if there is not one finite value per prompt, or there are none or more than a million
     *     replicates
     */
    public static Bootstrap of(
            double[] values, Units units, ToDoubleFunction<double[]> statistic, int replicates, CounterRandom random) {
        requireReplicates(replicates);
        units.sums(values);
        int groups = units.count();
        int[][] members = IntStream.range(0, groups).mapToObj(units::promptsOf).toArray(int[][]::new);
        double[] results = new double[replicates];
        for (int b = 0; b < replicates; b++) {
            CounterRandom draws = random.with(b);
            results[b] = statistic.applyAsDouble(IntStream.range(0, groups)
                    .flatMap(j -> Arrays.stream(members[draws.index(j, groups)]))
                    .mapToDouble(prompt -> values[prompt])
                    .toArray());
        }
        double[] jackknife = new double[groups > 1 ? groups : 0];
        for (int g = 0; g < jackknife.length; g++) {
            int left = g;
            jackknife[g] = statistic.applyAsDouble(IntStream.range(0, values.length)
                    .filter(prompt -> units.unit(prompt) != left)
                    .mapToDouble(prompt -> values[prompt])
                    .toArray());
        }
        double scale = Arrays.stream(values).map(Math::abs).max().orElse(0);
        return new Bootstrap(statistic.applyAsDouble(values.clone()), results, jackknife, scale);
    }

    /**
     * Of the median of prompts.
     *
     * @throws BadInputException if there is not one finite value per prompt, or there are none or more than a million
     *     replicates
     */
    public static Bootstrap ofMedian(double[] values, Units units, int replicates, CounterRandom random) {
        return of(values, units, Order::median, replicates, random);
    }

    static void requireReplicates(int replicates) {
        Draws.require("a bootstrap needs", "replicate", 1, replicates);
    }

    private static OptionalDouble acceleration(double[] jackknife, double tolerance) {
        if (jackknife.length < 2) {
            return OptionalDouble.empty();
        }
        double mean = Sums.mean(jackknife);
        double squares = 0;
        double cubes = 0;
        double largest = 0;
        for (double value : jackknife) {
            double u = mean - value;
            squares += u * u;
            cubes += u * u * u;
            largest = Math.max(largest, Math.abs(u));
        }
        return largest > tolerance ? OptionalDouble.of(cubes / (6 * Math.pow(squares, 1.5))) : OptionalDouble.empty();
    }

    /** The statistic of the prompts themselves. */
    public double estimate() {
        return estimate;
    }

    /** Number of replicates. */
    public int replicates() {
        return sorted.length;
    }

    /** Standard deviation of the replicates, with B - 1. */
    public double standardError() {
        return Math.sqrt(Sums.variance(sorted));
    }

    /** The share of replicates below the estimate, those equal to it counting half. */
    public double shareBelow() {
        return shareBelow;
    }

    /** z0, the correction for bias; empty where there is no BCa interval. */
    public OptionalDouble bias() {
        return correction == null ? OptionalDouble.empty() : OptionalDouble.of(correction.bias());
    }

    /** The acceleration; empty where there is no BCa interval. */
    public OptionalDouble acceleration() {
        return correction == null ? OptionalDouble.empty() : OptionalDouble.of(correction.acceleration());
    }

    /**
     * The interval between the quantiles at {@code tail} and 1 - {@code tail}: 0.025 for 95%.
     *
     * @throws BadInputException if the tail is not between 0 and 1/2
     */
    public Interval percentile(double tail) {
        TTest.requireTail(tail);
        return new Interval(Order.quantile(sorted, tail), Order.quantile(sorted, 1 - tail));
    }

    /**
     * The BCa interval; empty where it is undefined.
     *
     * @throws BadInputException if the tail is not between 0 and 1/2
     */
    public Optional<Interval> bca(double tail) {
        TTest.requireTail(tail);
        if (correction == null) {
            return Optional.empty();
        }
        double z = NormalDistribution.of(0, 1).inverseSurvivalProbability(tail);
        double low = level(correction, -z);
        double high = level(correction, z);
        return low <= high
                ? Optional.of(new Interval(Order.quantile(sorted, low), Order.quantile(sorted, high)))
                : Optional.empty();
    }

    private static double level(Correction correction, double z) {
        double shifted = correction.bias() + z;
        return NormalDistribution.of(0, 1)
                .cumulativeProbability(correction.bias() + shifted / (1 - correction.acceleration() * shifted));
    }

    @Override
    public String toString() {
        return "estimate " + (float) estimate + ", " + Printable.plural(sorted.length, "draw");
    }
}
