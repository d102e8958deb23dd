package dev.hyaline.analysis.statistics.compare;

import dev.hyaline.analysis.internal.Order;
import dev.hyaline.analysis.statistics.NormalApproximation;
import dev.hyaline.analysis.statistics.PValues;
import dev.hyaline.engine.error.BadInputException;
import java.util.Arrays;
import java.util.stream.DoubleStream;
import org.jspecify.annotations.Nullable;

/**
 * The rank test of two samples. U counts the pairs in which x lies above y, ties half.
 *
 * <p>Assumes that under the null both samples come from one distribution, independently. Up to {@value #MAX_EXACT}
 * values together the distribution is exact, conditional on the midranks that there are, ties or not; the approximate
 * one is normal with tie correction and continuity correction 1/2. Two-sided p = min(1, 2 min(tails)). Cliff's delta is
 * 2 U / (n<sub>x</sub> n<sub>y</sub>) - 1.
 *
 * <p>Source: Mann and Whitney (1947); Lehmann (1975) for ties; Cliff (1993).
 *
 * @param u of x
 * @param exactP null beyond {@value #MAX_EXACT} values
 * @param approximate null if all values are equal
 */
public record MannWhitney(
        double u,
        double cliffsDelta,
        @Nullable PValues exactP,
        @Nullable NormalApproximation approximate) {

    /** Up to this many values together the distribution is exact. */
    public static final int MAX_EXACT = 60;

    /**
     * Tests two samples.
     *
     * @throws BadInputException if a sample is empty, or a value is not finite
     */
    public static MannWhitney test(double[] x, double[] y) {
        MeanDifference.requireFinite(x, y);
        double[] all = DoubleStream.concat(Arrays.stream(x), Arrays.stream(y)).toArray();
        int[] doubled = Order.doubledRanks(all);
        long rankSum = 0;
        for (int i = 0; i < x.length; i++) {
            rankSum += doubled[i];
        }
        double nx = x.length;
        double ny = y.length;
        double n = nx + ny;
        double u = 0.5 * rankSum - nx * (nx + 1) / 2;
        PValues exact = all.length <= MAX_EXACT ? exact(doubled, x.length, (int) rankSum) : null;
        double deviation = u - nx * ny / 2;
        double variance = nx * ny / 12 * (n + 1 - Order.tieTerm(all) / (n * (n - 1)));
        NormalApproximation approximate =
                variance > 0 ? NormalApproximation.continuityCorrected(deviation, Math.sqrt(variance)) : null;
        return new MannWhitney(u, 2 * u / (nx * ny) - 1, exact, approximate);
    }

    /** Counts the choices of places for x by their sum of doubled ranks. */
    private static PValues exact(int[] doubledRanks, int chosen, int rankSum) {
        int largest = Arrays.stream(doubledRanks).sum();
        double[][] ways = new double[chosen + 1][largest + 1];
        ways[0][0] = 1;
        for (int rank : doubledRanks) {
            for (int k = chosen; k >= 1; k--) {
                for (int sum = largest; sum >= rank; sum--) {
                    ways[k][sum] += ways[k - 1][sum - rank];
                }
            }
        }
        double total = 0;
        double greater = 0;
        double less = 0;
        for (int sum = 0; sum <= largest; sum++) {
            double count = ways[chosen][sum];
            total += count;
            greater += sum >= rankSum ? count : 0;
            less += sum <= rankSum ? count : 0;
        }
        return PValues.ofTails(greater / total, less / total);
    }
}
