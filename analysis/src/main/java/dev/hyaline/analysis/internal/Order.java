package dev.hyaline.analysis.internal;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/** Quantiles, medians and midranks. */
public final class Order {
    private Order() {}

    /**
     * The quantile of sorted values, of type 7 (Hyndman and Fan 1996): linear between the values at the two places
     * about {@code (n - 1) p}.
     */
    public static double quantile(double[] sorted, double p) {
        double at = (sorted.length - 1) * p;
        int below = (int) Math.floor(at);
        if (below + 1 >= sorted.length) {
            return sorted[sorted.length - 1];
        }
        double part = at - below;
        // Without this an infinite neighbour that has no weight would give NaN.
        return part == 0 ? sorted[below] : sorted[below] + part * (sorted[below + 1] - sorted[below]);
    }

    /** The median; the mean of the two in the middle of an even number. */
    public static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : 0.5 * (sorted[middle - 1] + sorted[middle]);
    }

    /** Twice the rank of each value, from 2 up, equal values sharing the mean of theirs; whole numbers. */
    public static int[] doubledRanks(double[] values) {
        int[] order = IntStream.range(0, values.length)
                .boxed()
                .sorted(Comparator.comparingDouble(i -> values[i] + 0.0))
                .mapToInt(Integer::intValue)
                .toArray();
        int[] ranks = new int[values.length];
        int first = 0;
        while (first < order.length) {
            int end = first + 1;
            while (end < order.length && values[order[end]] == values[order[first]]) {
                end++;
            }
            for (int i = first; i < end; i++) {
                ranks[order[i]] = first + 1 + end;
            }
            first = end;
        }
        return ranks;
    }

    /** The midrank of each value, from 1 up. */
    public static double[] ranks(double[] values) {
        return Arrays.stream(doubledRanks(values))
                .mapToDouble(rank -> 0.5 * rank)
                .toArray();
    }

    /** Sum of t³ - t over the groups of t equal values. */
    public static double tieTerm(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        double sum = 0;
        int first = 0;
        while (first < sorted.length) {
            int end = first + 1;
            while (end < sorted.length && sorted[end] == sorted[first]) {
                end++;
            }
            double tied = end - first;
            sum += tied * tied * tied - tied;
            first = end;
        }
        return sum;
    }
}
