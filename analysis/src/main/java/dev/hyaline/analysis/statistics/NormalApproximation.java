package dev.hyaline.analysis.statistics;

import org.apache.commons.statistics.distribution.NormalDistribution;

/**
 * A statistic of ranks judged by the normal distribution, with the continuity correction 1/2.
 *
 * @param z the standardised statistic
 */
public record NormalApproximation(double z, PValues p) {
    /**
     * Of a statistic that takes steps of 1/2 or 1.
     *
     * @param deviation the statistic less its mean
     * @param spread its standard deviation, above 0
     */
    public static NormalApproximation continuityCorrected(double deviation, double spread) {
        NormalDistribution normal = NormalDistribution.of(0, 1);
        return new NormalApproximation(
                Math.signum(deviation) * Math.max(0, Math.abs(deviation) - 0.5) / spread,
                PValues.ofTails(
                        normal.survivalProbability((deviation - 0.5) / spread),
                        normal.cumulativeProbability((deviation + 0.5) / spread)));
    }
}
