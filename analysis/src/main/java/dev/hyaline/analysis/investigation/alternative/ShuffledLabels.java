package dev.hyaline.analysis.investigation.alternative;

import dev.hyaline.analysis.investigation.Claim;
import dev.hyaline.analysis.investigation.Expectation;
import dev.hyaline.analysis.investigation.TestedClaim;
import dev.hyaline.analysis.investigation.Treatment;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.statistics.SignFlip;

/**
 * The effect is as large where answer and distractor are exchanged by a fair coin, unit by unit. The exchange turns the
 * sign of a difference metric, so that the test is {@link SignFlip}'s: excluded if the observed mean is among the
 * largest {@value #LARGEST_P}.
 */
public record ShuffledLabels() implements Alternative {
    /** The p that excludes it. */
    public static final double LARGEST_P = 0.01;

    @Override
    public String name() {
        return "shuffled-labels";
    }

    @Override
    public String prediction() {
        return "the effect has nothing to do with the answers: exchanged by a coin, they give as large a mean";
    }

    @Override
    public boolean concerns(Claim claim) {
        return (claim.expectation() instanceof Expectation.Decrease
                        || claim.expectation() instanceof Expectation.Increase)
                && !(claim.treatment() instanceof Treatment.Attend);
    }

    @Override
    public boolean isRequiredBy(Claim claim) {
        return claim.primary() && concerns(claim);
    }

    /** Returns whether exchanging answers and distractors turns a metric's sign. */
    static boolean turnsSign(Metric metric) {
        return metric.name().equals(Metric.logitDifference().name())
                || metric.name().equals(Metric.probabilityDifference("end").name());
    }

    @Override
    public AlternativeFinding test(TestedClaim claim) {
        Metric metric = claim.evidence().experiment().metric();
        if (!turnsSign(metric)) {
            return AlternativeFinding.notTested(
                    this, claim, "exchanging answers does not turn the sign of " + metric.quantity());
        }
        SignFlip flips = SignFlip.test(
                claim.values(), claim.units(), claim.random(claim.claim().name() + "/" + name()));
        if (flips.smallestOneSided() > LARGEST_P) {
            return AlternativeFinding.notTested(
                    this, claim, "with " + flips.units() + " units no mean lies beyond 99% of the exchanges");
        }
        double p = flips.p().greater();
        return AlternativeFinding.decided(
                this,
                claim,
                p <= LARGEST_P,
                "p of the coin",
                p,
                LARGEST_P,
                new double[0],
                flips.greater() + " of " + flips.total()
                        + " exchanges, the true labels among them, give as large a mean");
    }
}
