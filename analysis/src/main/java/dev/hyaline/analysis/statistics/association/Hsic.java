package dev.hyaline.analysis.statistics.association;

import dev.hyaline.analysis.internal.Draws;
import dev.hyaline.analysis.internal.Order;
import dev.hyaline.analysis.internal.Sums;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.CounterRandom;
import java.util.Arrays;

/**
 * The Hilbert-Schmidt independence criterion of pairs (x, y): tr(K H L H) / (n-1)², with Gaussian kernels exp(-d² / (2
 * σ²)), σ each variable's own median distance over all pairs, and H = I - 1/n.
 *
 * <p>0 in the limit exactly where x and y are independent, whatever the shape of a dependence. The p value permutes y
 * within strata, p = (1 + count) / (draws + 1); it assumes that pairs can be exchanged within a stratum. Where more
 * than half of the distances are 0 the median of the others is taken; where all are, the criterion is 0 and p is 1.
 * Memory is two matrices of n².
 *
 * <p>Source: Gretton, Fukumizu, Teo, Song, Schölkopf and Smola (2007); Shi et al. (2024) use it to test a circuit's
 * complement.
 *
 * @param count permutations with a criterion at least as large, the observed included
 * @param draws permutations drawn
 */
public record Hsic(double value, long count, int draws) {

    /** Permutations customarily drawn. */
    public static final int DRAWS = 999;

    /** Most pairs: a matrix of them has 128 MiB. */
    public static final int MAX_PAIRS = 4096;

    /**
     * Tests independence.
     *
     * @param strata what is permuted within; {@code Units} of one name where all can be exchanged
     * @throws BadInputException if the lengths differ, there are fewer than 2 or more than {@value #MAX_PAIRS} pairs, a
     *     value is not finite, or there are none or more than a million draws
     */
    public static Hsic test(double[] x, double[] y, Units strata, int draws, CounterRandom random) {
        strata.sums(x);
        strata.sums(y);
        int n = x.length;
        if (n < 2 || n > MAX_PAIRS) {
            throw new BadInputException(
                    "independence is tested on from 2 to " + MAX_PAIRS + " pairs, found " + n + " pairs");
        }
        Draws.require("a test of independence needs", "draw", 1, draws);
        double[] first = centred(kernel(x), n);
        double[] second = kernel(y);
        int[] order = new int[n];
        for (int i = 0; i < n; i++) {
            order[i] = i;
        }
        double scale = (n - 1.0) * (n - 1.0);
        double observed = trace(first, second, order);
        double tolerance = Sums.tolerance(first);
        int[][] members = new int[strata.count()][];
        for (int s = 0; s < members.length; s++) {
            members[s] = strata.promptsOf(s);
        }
        long count = 1;
        for (int b = 0; b < draws; b++) {
            CounterRandom draw = random.with(b);
            for (int s = 0; s < members.length; s++) {
                int[] places = members[s];
                int[] permuted = (members.length == 1 ? draw : draw.with(s)).permutation(places.length);
                for (int i = 0; i < places.length; i++) {
                    order[places[i]] = places[permuted[i]];
                }
            }
            count += trace(first, second, order) >= observed - tolerance ? 1 : 0;
        }
        return new Hsic(observed / scale, count, draws);
    }

    /** The p value. */
    public double p() {
        return (double) count / (draws + 1);
    }

    private static double trace(double[] first, double[] second, int[] order) {
        int n = order.length;
        double sum = 0;
        for (int i = 0; i < n; i++) {
            int row = order[i] * n;
            for (int j = 0; j < n; j++) {
                sum += first[i * n + j] * second[row + order[j]];
            }
        }
        return sum;
    }

    private static double[] kernel(double[] values) {
        int n = values.length;
        double[] distances = new double[n * (n - 1) / 2];
        int at = 0;
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < i; j++) {
                distances[at++] = Math.abs(values[i] - values[j]);
            }
        }
        double width = Order.median(distances);
        if (width == 0) {
            double[] others = Arrays.stream(distances).filter(d -> d > 0).toArray();
            width = others.length == 0 ? 1 : Order.median(others);
        }
        double[] kernel = new double[n * n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                double distance = (values[i] - values[j]) / width;
                kernel[i * n + j] = Math.exp(-0.5 * distance * distance);
            }
        }
        return kernel;
    }

    /** H K H. */
    private static double[] centred(double[] kernel, int n) {
        double[] means = new double[n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                means[i] += kernel[i * n + j] / n;
            }
        }
        double mean = Sums.mean(means);
        double[] centred = new double[n * n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                centred[i * n + j] = kernel[i * n + j] - means[i] - means[j] + mean;
            }
        }
        return centred;
    }
}
