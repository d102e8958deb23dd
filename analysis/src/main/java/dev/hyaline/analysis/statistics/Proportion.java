package dev.hyaline.analysis.statistics;

import dev.hyaline.engine.error.BadInputException;
import org.apache.commons.statistics.distribution.BetaDistribution;
import org.apache.commons.statistics.distribution.BinomialDistribution;
import org.apache.commons.statistics.distribution.NormalDistribution;

/**
 * A share: successes of independent trials.
 *
 * <p>Source: Wilson (1927); Clopper and Pearson (1934); Agresti and Coull (1998) compare the two.
 */
public record Proportion(int successes, int trials) {

    /** @throws BadInputException if there is no trial, or successes are not from 0 to the trials */
    public Proportion {
        if (trials < 1 || successes < 0 || successes > trials) {
            throw new BadInputException("a share needs at least 1 trial and from 0 to as many successes, found "
                    + successes + " of " + trials);
        }
    }

    /** The share. */
    public double value() {
        return (double) successes / trials;
    }

    /**
     * Wilson's interval, (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n): near its nominal coverage on average.
     *
     * @throws BadInputException if the tail is not between 0 and 1/2
     */
    public Interval wilson(double tail) {
        TTest.requireTail(tail);
        double z = NormalDistribution.of(0, 1).inverseSurvivalProbability(tail);
        double p = value();
        double n = trials;
        double centre = p + z * z / (2 * n);
        double reach = z * Math.sqrt(p * (1 - p) / n + z * z / (4 * n * n));
        double scale = 1 + z * z / n;
        return new Interval(
                successes == 0 ? 0 : (centre - reach) / scale, successes == trials ? 1 : (centre + reach) / scale);
    }

    /**
     * The exact interval of Clopper and Pearson, by quantiles of beta distributions: never below its nominal coverage.
     *
     * @throws BadInputException if the tail is not between 0 and 1/2
     */
    public Interval clopperPearson(double tail) {
        TTest.requireTail(tail);
        double low = successes == 0
                ? 0
                : BetaDistribution.of(successes, trials - successes + 1.0).inverseCumulativeProbability(tail);
        double high = successes == trials
                ? 1
                : BetaDistribution.of(successes + 1.0, trials - successes).inverseSurvivalProbability(tail);
        return new Interval(low, high);
    }

    /** The exact binomial p values against a chance of success; two-sided is twice the smaller tail. */
    public PValues against(double chance) {
        if (!(chance >= 0 && chance <= 1)) {
            throw new BadInputException("a chance lies in [0, 1], found " + chance);
        }
        BinomialDistribution binomial = BinomialDistribution.of(trials, chance);
        return PValues.ofTails(binomial.survivalProbability(successes - 1), binomial.cumulativeProbability(successes));
    }
}
