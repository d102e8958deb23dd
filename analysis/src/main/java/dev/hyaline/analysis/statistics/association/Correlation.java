package dev.hyaline.analysis.statistics.association;

import dev.hyaline.analysis.internal.Order;
import dev.hyaline.analysis.internal.Sums;
import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.engine.error.BadInputException;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalDouble;
import org.apache.commons.statistics.distribution.NormalDistribution;
import org.apache.commons.statistics.distribution.TDistribution;
import org.jspecify.annotations.Nullable;

/**
 * Correlations of pairs (x, y), which are assumed independent: of prompts that share a unit, give the units' means.
 * Without spread in x or in y, or with fewer than 3 pairs, there is none.
 */
public final class Correlation {
    /** Up to this many pairs Spearman's p counts all orders. */
    public static final int MAX_EXACT_SPEARMAN = 8;

    private static final int MAX_EXACT_KENDALL = 33;

    private Correlation() {}

    /**
     * The product-moment correlation.
     *
     * @param twoSidedP of t = r √((n-2) / (1-r²)) with n - 2 degrees of freedom; 0 where |r| is 1
     */
    public record Pearson(double r, int pairs, double twoSidedP) {

        /**
         * Fisher's interval, tanh(atanh r ± z / √(n-3)), for about normal pairs; empty with fewer than 4 pairs or where
         * |r| is 1.
         */
        public Optional<Interval> interval(double tail) {
            if (pairs < 4 || Math.abs(r) >= 1) {
                return Optional.empty();
            }
            double z = 0.5 * Math.log((1 + r) / (1 - r));
            double reach = NormalDistribution.of(0, 1).inverseSurvivalProbability(tail) / Math.sqrt(pairs - 3.0);
            return Optional.of(new Interval(Math.tanh(z - reach), Math.tanh(z + reach)));
        }
    }

    /**
     * The correlation of midranks.
     *
     * @param twoSidedT p by the t distribution
     * @param orders null beyond {@value #MAX_EXACT_SPEARMAN} pairs
     */
    public record Spearman(
            double rho,
            int pairs,
            double twoSidedT,
            @Nullable Orders orders) {

        /** p over all orders up to {@value #MAX_EXACT_SPEARMAN} pairs, by the t distribution beyond. */
        public double twoSidedP() {
            return orders == null ? twoSidedT : (double) orders.atLeast() / orders.total();
        }
    }

    /**
     * All orders of the pairs.
     *
     * @param atLeast those with |rho| at least as large
     * @param total n!
     */
    public record Orders(long atLeast, long total) {}

    /**
     * Concordant minus discordant pairs, tau-b, which allows for ties.
     *
     * @param twoSidedP exact without ties for up to 33 pairs or where at most one pair of pairs disagrees with the
     *     rest; otherwise normal with the variance under ties (Kendall 1970)
     */
    public record Kendall(double tauB, long concordant, long discordant, double twoSidedP) {}

    /**
     * Pearson's correlation.
     *
     * @throws BadInputException if the lengths differ or a value is not finite
     */
    public static Optional<Pearson> pearson(double[] x, double[] y) {
        OptionalDouble r = coefficient(x, y);
        return r.isEmpty()
                ? Optional.empty()
                : Optional.of(new Pearson(r.getAsDouble(), x.length, tP(r.getAsDouble(), x.length)));
    }

    /**
     * Spearman's correlation (Spearman 1904).
     *
     * @throws BadInputException if the lengths differ or a value is not finite
     */
    public static Optional<Spearman> spearman(double[] x, double[] y) {
        requirePairs(x, y);
        double[] ranksX = Order.ranks(x);
        double[] ranksY = Order.ranks(y);
        OptionalDouble rho = coefficient(ranksX, ranksY);
        if (rho.isEmpty()) {
            return Optional.empty();
        }
        Orders orders =
                x.length <= MAX_EXACT_SPEARMAN ? new OrderCount(centred(ranksX), centred(ranksY)).count() : null;
        return Optional.of(new Spearman(rho.getAsDouble(), x.length, tP(rho.getAsDouble(), x.length), orders));
    }

    /**
     * Kendall's correlation (Kendall 1938).
     *
     * @throws BadInputException if the lengths differ or a value is not finite
     */
    public static Optional<Kendall> kendall(double[] x, double[] y) {
        requirePairs(x, y);
        long concordant = 0;
        long discordant = 0;
        long tiedX = 0;
        long tiedY = 0;
        for (int i = 0; i < x.length; i++) {
            for (int j = 0; j < i; j++) {
                double sign = Math.signum(x[i] - x[j]) * Math.signum(y[i] - y[j]);
                concordant += sign > 0 ? 1 : 0;
                discordant += sign < 0 ? 1 : 0;
                tiedX += x[i] == x[j] ? 1 : 0;
                tiedY += y[i] == y[j] ? 1 : 0;
            }
        }
        long pairs = (long) x.length * (x.length - 1) / 2;
        if (x.length < 3 || tiedX == pairs || tiedY == pairs) {
            return Optional.empty();
        }
        double tau = (concordant - discordant) / Math.sqrt((double) (pairs - tiedX) * (pairs - tiedY));
        boolean exact = tiedX == 0
                && tiedY == 0
                && (x.length <= MAX_EXACT_KENDALL || Math.min(discordant, pairs - discordant) <= 1);
        return Optional.of(new Kendall(
                tau,
                concordant,
                discordant,
                exact
                        ? exactKendall(x.length, discordant, pairs)
                        : normalKendall(x, y, (double) (concordant - discordant))));
    }

    private static double exactKendall(int n, long discordant, long pairs) {
        int fewer = (int) Math.min(discordant, pairs - discordant);
        // Chance of each number of inversions of a random order, built up one value at a time.
        double[] chance = new double[fewer + 1];
        chance[0] = 1;
        for (int size = 2; size <= n; size++) {
            double[] next = new double[fewer + 1];
            double window = 0;
            for (int inversions = 0; inversions <= fewer; inversions++) {
                window += chance[inversions];
                if (inversions >= size) {
                    window -= chance[inversions - size];
                }
                next[inversions] = window / size;
            }
            chance = next;
        }
        return Math.min(1, 2 * Sums.of(chance));
    }

    private static double normalKendall(double[] x, double[] y, double difference) {
        double n = x.length;
        double[] tiesX = tieTerms(x);
        double[] tiesY = tieTerms(y);
        double pairs = n * (n - 1);
        double variance = (pairs * (2 * n + 5) - tiesX[2] - tiesY[2]) / 18
                + 2 * tiesX[0] * tiesY[0] / pairs
                + tiesX[1] * tiesY[1] / (9 * pairs * (n - 2));
        return 2 * NormalDistribution.of(0, 1).survivalProbability(Math.abs(difference) / Math.sqrt(variance));
    }

    /** Over the groups of t equal values: Σ t(t-1)/2, Σ t(t-1)(t-2), Σ t(t-1)(2t+5). */
    private static double[] tieTerms(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        double[] terms = new double[3];
        int first = 0;
        while (first < sorted.length) {
            int end = first + 1;
            while (end < sorted.length && sorted[end] == sorted[first]) {
                end++;
            }
            double t = end - first;
            terms[0] += t * (t - 1) / 2;
            terms[1] += t * (t - 1) * (t - 2);
            terms[2] += t * (t - 1) * (2 * t + 5);
            first = end;
        }
        return terms;
    }

    private static OptionalDouble coefficient(double[] x, double[] y) {
        requirePairs(x, y);
        if (x.length < 3 || Sums.constant(x) || Sums.constant(y)) {
            return OptionalDouble.empty();
        }
        double[] u = centred(x);
        double[] v = centred(y);
        double uv = 0;
        double uu = 0;
        double vv = 0;
        for (int i = 0; i < u.length; i++) {
            uv += u[i] * v[i];
            uu += u[i] * u[i];
            vv += v[i] * v[i];
        }
        return OptionalDouble.of(Math.clamp(uv / Math.sqrt(uu * vv), -1.0, 1.0));
    }

    private static double[] centred(double[] values) {
        double mean = Sums.mean(values);
        return Arrays.stream(values).map(value -> value - mean).toArray();
    }

    private static double tP(double r, int n) {
        double rest = (1 - r) * (1 + r);
        return rest <= 0 ? 0 : 2 * TDistribution.of(n - 2).survivalProbability(Math.abs(r) * Math.sqrt((n - 2) / rest));
    }

    private static void requirePairs(double[] x, double[] y) {
        if (x.length != y.length) {
            throw new BadInputException(
                    "a correlation is of pairs, but there are " + x.length + " values of x and " + y.length + " of y");
        }
        Units.each(x.length).sums(x);
        Units.each(y.length).sums(y);
    }

    /** Counts the orders of y whose product with x is at least as far from 0. */
    private static final class OrderCount {
        private final double[] x;
        private final double[] y;
        private final double observed;
        private final double tolerance;
        private int used;
        private long total;
        private long atLeast;

        OrderCount(double[] x, double[] y) {
            this.x = x;
            this.y = y;
            double[] terms = new double[x.length];
            for (int i = 0; i < x.length; i++) {
                terms[i] = x[i] * y[i];
            }
            this.observed = Math.abs(Sums.of(terms));
            // Ranks are halves: sums of their products that differ do so by far more.
            this.tolerance = 1e-9;
        }

        Orders count() {
            count(0, 0);
            return new Orders(atLeast, total);
        }

        private void count(int place, double sum) {
            if (place == x.length) {
                total++;
                atLeast += Math.abs(sum) >= observed - tolerance ? 1 : 0;
                return;
            }
            for (int i = 0; i < y.length; i++) {
                if ((used >> i & 1) == 0) {
                    used |= 1 << i;
                    count(place + 1, sum + x[place] * y[i]);
                    used &= ~(1 << i);
                }
            }
        }
    }
}
