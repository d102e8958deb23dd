package dev.hyaline.analysis.statistics.compare;

import dev.hyaline.analysis.internal.Sums;
import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.engine.error.BadInputException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.IntStream;
import org.apache.commons.statistics.distribution.NormalDistribution;

/**
 * How well a score tells positive prompts from negative ones: the area under the receiver operating characteristic, the
 * share of pairs in which the positive scores higher, ties half.
 *
 * <p>The standard error is DeLong's: the variance of each positive's share over the positives plus that of each
 * negative's over the negatives. The interval is on the logit scale, logit(a) ± z se / (a (1 - a)). Assumes independent
 * prompts. With an area of 0 or 1, one prompt in a class, or no spread, there is no interval.
 *
 * <p>Source: DeLong, DeLong and Clarke-Pearson (1988).
 *
 * @param area from 0 to 1
 * @param standardError NaN with one prompt in a class
 */
public record Auroc(double area, double standardError) {

    /**
     * The area of scores.
     *
     * @throws BadInputException if a class is empty, or a score is not finite
     */
    public static Auroc of(double[] positive, double[] negative) {
        MeanDifference.requireFinite(positive, negative);
        double[] ofPositive = shares(positive, negative);
        double[] ofNegative = shares(negative, positive);
        double variance = Sums.variance(ofPositive) / positive.length + Sums.variance(ofNegative) / negative.length;
        return new Auroc(Sums.mean(ofPositive), Math.sqrt(variance));
    }

    /** The share of the others that each value lies above, ties half. */
    private static double[] shares(double[] values, double[] others) {
        double[] sorted = others.clone();
        Arrays.sort(sorted);
        double[] shares = new double[values.length];
        for (int i = 0; i < shares.length; i++) {
            int below = count(sorted, values[i], false);
            int upTo = count(sorted, values[i], true);
            shares[i] = 0.5 * (below + upTo) / sorted.length;
        }
        return shares;
    }

    /** The number of sorted values below a value, or up to it. */
    private static int count(double[] sorted, double value, boolean orEqual) {
        int low = 0;
        int high = sorted.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (sorted[middle] < value || (orEqual && sorted[middle] == value)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /**
     * The interval on the logit scale; empty where it is undefined.
     *
     * @throws BadInputException if the tail is not between 0 and 1/2
     */
    public Optional<Interval> interval(double tail) {
        if (!(tail > 0 && tail < 0.5)) {
            throw new BadInputException("a tail of an interval lies between 0 and 0.5, found " + tail);
        }
        if (!(standardError > 0) || area <= 0 || area >= 1) {
            return Optional.empty();
        }
        double logit = Math.log(area / (1 - area));
        double reach =
                NormalDistribution.of(0, 1).inverseSurvivalProbability(tail) * standardError / (area * (1 - area));
        return Optional.of(new Interval(1 / (1 + Math.exp(reach - logit)), 1 / (1 + Math.exp(-reach - logit))));
    }

    /**
     * Average precision, the mean over the positives of the precision at their score: Σ (R<sub>k</sub> -
     * R<sub>k-1</sub>) P<sub>k</sub> over the distinct scores from the highest down, so that tied scores count together
     * and their order changes nothing.
     *
     * @throws BadInputException if a class is empty, or a score is not finite
     */
    public static double averagePrecision(double[] positive, double[] negative) {
        MeanDifference.requireFinite(positive, negative);
        int n = positive.length + negative.length;
        double[] scores = Arrays.copyOf(positive, n);
        System.arraycopy(negative, 0, scores, positive.length, negative.length);
        int[] order = IntStream.range(0, n)
                .boxed()
                .sorted(Comparator.comparingDouble(i -> -scores[i]))
                .mapToInt(Integer::intValue)
                .toArray();
        double sum = 0;
        int found = 0;
        int at = 0;
        while (at < n) {
            double score = scores[order[at]];
            int before = found;
            while (at < n && scores[order[at]] == score) {
                found += order[at] < positive.length ? 1 : 0;
                at++;
            }
            sum += (found - before) * ((double) found / at);
        }
        return sum / positive.length;
    }
}
