package dev.hyaline.analysis.statistics.compare;

import dev.hyaline.analysis.internal.Draws;
import dev.hyaline.analysis.internal.Sums;
import dev.hyaline.analysis.statistics.PValues;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.CounterRandom;
import java.util.Arrays;
import java.util.stream.DoubleStream;

/**
 * The permutation test of the difference of two means, x minus y: the share of ways to divide all values into samples
 * of these sizes that give a difference at least as large.
 *
 * <p>Assumes that under the null both samples come from one distribution. Up to {@value #MAX_EXACT} ways all are
 * counted; beyond, permutation b of the draws puts its first n<sub>x</sub> places into x, and p = (1 + count) / (draws
 * + 1). Differences within 1e-12 of the sum of absolute values are equal. Two-sided p are by the absolute difference.
 *
 * <p>Source: Fisher (1935); Phipson and Smyth (2010).
 *
 * @param exact whether all ways were counted
 * @param difference of the means
 * @param total ways counted, the observed included
 */
public record PermutationTest(boolean exact, double difference, long total, long twoSided, long greater, long less) {

    /** Up to this many ways all are counted. */
    public static final int MAX_EXACT = 100_000;

    /**
     * Tests two samples.
     *
     * @param draws used where not all ways are counted
     * @throws BadInputException if a sample is empty, a value is not finite, or there are none or more than a million
     *     draws
     */
    public static PermutationTest test(double[] x, double[] y, int draws, CounterRandom random) {
        MeanDifference.requireFinite(x, y);
        Draws.require("a permutation test needs", "draw", 1, draws);
        double[] all = DoubleStream.concat(Arrays.stream(x), Arrays.stream(y)).toArray();
        Counter counter = new Counter(all, x.length);
        boolean exact = combinations(all.length, x.length) <= MAX_EXACT;
        if (exact) {
            counter.countAll(0, 0, 0);
        } else {
            counter.count(Sums.of(x));
            for (int b = 0; b < draws; b++) {
                int[] order = random.with(b).permutation(all.length);
                double sum = 0;
                for (int i = 0; i < x.length; i++) {
                    sum += all[order[i]];
                }
                counter.count(sum);
            }
        }
        return new PermutationTest(
                exact, Sums.mean(x) - Sums.mean(y), counter.total, counter.twoSided, counter.greater, counter.less);
    }

    /** The p values. */
    public PValues p() {
        return new PValues((double) twoSided / total, (double) greater / total, (double) less / total);
    }

    private static double combinations(int n, int k) {
        double ways = 1;
        for (int i = 1; i <= Math.min(k, n - k); i++) {
            ways = ways * (n - i + 1) / i;
        }
        return ways;
    }

    /** Counts divisions by the sum of x, which orders them as the difference of means does. */
    private static final class Counter {
        private final double[] all;
        private final int chosen;
        private final double expected;
        private final double observed;
        private final double tolerance;
        private long total;
        private long twoSided;
        private long greater;
        private long less;

        Counter(double[] all, int chosen) {
            this.all = all;
            this.chosen = chosen;
            this.expected = Sums.of(all) * chosen / all.length;
            this.observed = Sums.of(Arrays.copyOf(all, chosen)) - expected;
            this.tolerance = Sums.tolerance(all);
        }

        void count(double sumOfX) {
            double deviation = sumOfX - expected;
            total++;
            twoSided += Math.abs(deviation) >= Math.abs(observed) - tolerance ? 1 : 0;
            greater += deviation >= observed - tolerance ? 1 : 0;
            less += deviation <= observed + tolerance ? 1 : 0;
        }

        void countAll(int from, int taken, double sum) {
            if (taken == chosen) {
                count(sum);
                return;
            }
            for (int i = from; i <= all.length - (chosen - taken); i++) {
                countAll(i + 1, taken + 1, sum + all[i]);
            }
        }
    }
}
