package dev.hyaline.analysis.statistics;

import dev.hyaline.analysis.internal.Order;
import dev.hyaline.engine.error.BadInputException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Wilcoxon's signed-rank test of "the values are symmetric about 0". Zeros are dropped and counted; the absolute values
 * of the rest get midranks, and W<sup>+</sup> is the sum of the ranks of the positive ones.
 *
 * <p>Assumes that the values are independent: of prompts that share a unit, give the units' sums. The exact
 * distribution, conditional on the ranks that there are, ties or not, counts sign vectors by subset sums over doubled
 * midranks, up to {@value #MAX_EXACT} values. The approximate one is normal with mean n(n+1)/4, variance (n(n+1)(2n+1)
 * - Σ(t³-t)/2)/24 and continuity correction 1/2. Two-sided p = min(1, 2 min(tails)).
 *
 * <p>Source: Wilcoxon (1945); Pratt and Gibbons (1981), chapter 3, for the conditional distribution.
 *
 * @param nonzero values that are not 0
 * @param zeros values that are 0, which take no part
 * @param plus W<sup>+</sup>
 * @param minus the sum of the ranks of the negative values
 * @param exactP null beyond {@value #MAX_EXACT} values
 * @param approximate with the continuity correction; null if all values are 0
 */
public record Wilcoxon(
        int nonzero,
        int zeros,
        double plus,
        double minus,
        @Nullable PValues exactP,
        @Nullable NormalApproximation approximate) {

    /** Up to this many values that are not 0 the distribution is exact. */
    public static final int MAX_EXACT = 200;

    /**
     * Tests values.
     *
     * @throws BadInputException if there is no value, or one is not finite
     */
    public static Wilcoxon test(double[] values) {
        double[] nonzero = nonzero(values);
        double[] magnitudes = Arrays.stream(nonzero).map(Math::abs).toArray();
        int[] doubled = Order.doubledRanks(magnitudes);
        long plus = plus(nonzero, doubled);
        long all = nonzero.length * (nonzero.length + 1L);
        int n = nonzero.length;
        PValues exact = n <= MAX_EXACT ? exact(doubled, (int) plus) : null;
        NormalApproximation approximate = null;
        if (n > 0) {
            double deviation = 0.5 * plus - n * (n + 1.0) / 4;
            double spread = Math.sqrt((n * (n + 1.0) * (2 * n + 1.0) - Order.tieTerm(magnitudes) / 2) / 24);
            approximate = NormalApproximation.continuityCorrected(deviation, spread);
        }
        return new Wilcoxon(n, values.length - n, 0.5 * plus, 0.5 * (all - plus), exact, approximate);
    }

    /**
     * The exact p values of any number of values; takes n³ steps.
     *
     * @throws BadInputException if there is no value, or one is not finite
     */
    public static PValues exact(double[] values) {
        double[] nonzero = nonzero(values);
        int[] doubled = Order.doubledRanks(Arrays.stream(nonzero).map(Math::abs).toArray());
        return exact(doubled, (int) plus(nonzero, doubled));
    }

    private static double[] nonzero(double[] values) {
        return Arrays.stream(Units.each(values.length).sums(values))
                .filter(value -> value != 0)
                .toArray();
    }

    private static long plus(double[] nonzero, int[] doubledRanks) {
        long plus = 0;
        for (int i = 0; i < nonzero.length; i++) {
            plus += nonzero[i] > 0 ? doubledRanks[i] : 0;
        }
        return plus;
    }

    private static PValues exact(int[] doubledRanks, int plus) {
        int largest = Arrays.stream(doubledRanks).sum();
        double[] probability = new double[largest + 1];
        probability[0] = 1;
        int reached = 0;
        for (int rank : doubledRanks) {
            reached += rank;
            for (int sum = reached; sum >= 0; sum--) {
                probability[sum] = 0.5 * (probability[sum] + (sum >= rank ? probability[sum - rank] : 0));
            }
        }
        double less = 0;
        for (int sum = 0; sum <= plus; sum++) {
            less += probability[sum];
        }
        double greater = 0;
        for (int sum = largest; sum >= plus; sum--) {
            greater += probability[sum];
        }
        return PValues.ofTails(Math.min(1, greater), Math.min(1, less));
    }
}
