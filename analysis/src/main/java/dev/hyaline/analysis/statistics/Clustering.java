package dev.hyaline.analysis.statistics;

import dev.hyaline.analysis.internal.Sums;
import dev.hyaline.engine.error.BadInputException;
import org.jspecify.annotations.Nullable;

/**
 * The likeness of the prompts of a unit, and its effect on the precision of their mean.
 *
 * <p>The variance of the mean is V = G/(G-1) Σ(S<sub>g</sub> - n<sub>g</sub> mean)² / n². Beside it the delete-one-unit
 * jackknife, (G-1)/G Σ(mean without g - mean of those)², and the naive sd/√n that takes prompts for independent. The
 * intraclass correlation is that of the analysis of variance, (MSB - MSW) / (MSB + (n0 - 1) MSW) with n0 = (n - Σn²/n)
 * / (G - 1): it may be negative, and is clipped to [0, 1] where Kish's design effect 1 + (Σn²/n - 1) ICC uses it.
 *
 * <p>Source: Cameron and Miller (2015); Donner and Koval (1980); Kish (1965).
 *
 * @param units number of units
 * @param promptMean the mean of the prompts, the estimate
 * @param unitMean the mean of the units' means
 * @param standardError clustered
 * @param jackknifeStandardError by leaving out one unit at a time
 * @param naiveStandardError as if prompts were independent; NaN of one prompt
 * @param meanSquareBetween MSB
 * @param meanSquareWithin MSW; null if every prompt is a unit
 * @param typicalSize n0
 * @param intraclassCorrelation null if every prompt is a unit or there is no spread at all
 */
public record Clustering(
        int units,
        double promptMean,
        double unitMean,
        double standardError,
        double jackknifeStandardError,
        double naiveStandardError,
        double meanSquareBetween,
        @Nullable Double meanSquareWithin,
        double typicalSize,
        @Nullable Double intraclassCorrelation,
        double designEffect) {

    /**
     * Clustering of values.
     *
     * @throws BadInputException if there is not one finite value per prompt, or there are fewer than 2 units
     */
    public static Clustering of(double[] values, Units units) {
        double[] sums = units.sums(values);
        double[] sizes = units.weights();
        int groups = units.count();
        int n = units.prompts();
        requireTwo(groups);
        double total = Sums.of(sums);
        double mean = total / n;
        double unitMean = 0;
        double between = 0;
        double squaredSizes = 0;
        double[] without = new double[groups];
        for (int g = 0; g < groups; g++) {
            unitMean += sums[g] / sizes[g] / groups;
            between += sizes[g] * Math.pow(sums[g] / sizes[g] - mean, 2);
            squaredSizes += sizes[g] * sizes[g];
            without[g] = (total - sums[g]) / (n - sizes[g]);
        }
        double within = 0;
        for (int i = 0; i < n; i++) {
            int g = units.unit(i);
            within += Math.pow(values[i] - sums[g] / sizes[g], 2);
        }
        double meanSquareBetween = between / (groups - 1);
        double typicalSize = (n - squaredSizes / n) / (groups - 1);
        Double meanSquareWithin = null;
        Double correlation = null;
        if (n > groups) {
            meanSquareWithin = within / (n - groups);
            double denominator = meanSquareBetween + (typicalSize - 1) * meanSquareWithin;
            if (denominator > 0) {
                correlation = (meanSquareBetween - meanSquareWithin) / denominator;
            }
        }
        double clipped = correlation == null ? 0 : Math.clamp(correlation, 0.0, 1.0);
        return new Clustering(
                groups,
                mean,
                unitMean,
                Math.sqrt(variance(values, units)),
                Math.sqrt((groups - 1.0) / groups * Sums.squaredDeviations(without)),
                Math.sqrt(Sums.variance(values) / n),
                meanSquareBetween,
                meanSquareWithin,
                typicalSize,
                correlation,
                1 + (squaredSizes / n - 1) * clipped);
    }

    /**
     * Two clusterings that cross, such as templates and names: V = V<sub>a</sub> + V<sub>b</sub> - V<sub>ab</sub>, and
     * where that is not positive the larger of the first two; degrees of freedom min(G<sub>a</sub>, G<sub>b</sub>) - 1.
     *
     * <p>Source: Cameron, Gelbach and Miller (2011).
     *
     * @param unitsA units of the first clustering
     * @param unitsCrossed units that share both
     * @param fellBack whether the variance is the larger of two
     * @param test null without spread
     */
    public record TwoWay(
            int unitsA,
            int unitsB,
            int unitsCrossed,
            double varianceA,
            double varianceB,
            double varianceCrossed,
            double variance,
            boolean fellBack,
            @Nullable TTest test) {

        /**
         * Two clusterings of values.
         *
         * @throws BadInputException if there is not one finite value per prompt, or a clustering has fewer than 2 units
         */
        public static TwoWay of(double[] values, Units a, Units b) {
            Units crossed = a.cross(b);
            requireTwo(Math.min(a.count(), b.count()));
            double varianceA = Clustering.variance(values, a);
            double varianceB = Clustering.variance(values, b);
            double varianceCrossed = Clustering.variance(values, crossed);
            double sum = varianceA + varianceB - varianceCrossed;
            boolean fellBack = sum <= 0;
            double variance = fellBack ? Math.max(varianceA, varianceB) : sum;
            double freedom = Math.min(a.count(), b.count()) - 1;
            TTest test = Sums.constant(values) || variance == 0
                    ? null
                    : new TTest(Sums.mean(values), Math.sqrt(variance), freedom, 0);
            return new TwoWay(
                    a.count(),
                    b.count(),
                    crossed.count(),
                    varianceA,
                    varianceB,
                    varianceCrossed,
                    variance,
                    fellBack,
                    test);
        }
    }

    private static void requireTwo(int units) {
        if (units < 2) {
            throw new BadInputException("clustering needs at least 2 units, found " + units);
        }
    }

    /** The clustered variance of the mean; NaN of one unit. */
    static double variance(double[] values, Units units) {
        double[] residuals = units.sums(values, Sums.of(units.sums(values)) / units.prompts());
        double squares = 0;
        for (double residual : residuals) {
            squares += residual * residual;
        }
        int groups = units.count();
        return groups / (groups - 1.0) * squares / units.prompts() / units.prompts();
    }
}
