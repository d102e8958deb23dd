package dev.hyaline.analysis.investigation.alternative;

import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.investigation.Claim;
import dev.hyaline.analysis.investigation.ClaimComponent.ComponentAt;
import dev.hyaline.analysis.investigation.Expectation;
import dev.hyaline.analysis.investigation.TestedClaim;
import dev.hyaline.analysis.investigation.Treatment;
import dev.hyaline.analysis.statistics.Bootstrap;
import dev.hyaline.analysis.statistics.Heterogeneity;
import dev.hyaline.analysis.statistics.Units;
import java.util.ArrayList;
import java.util.List;

/**
 * The components prefer what comes last, or what is mentioned first, whatever the answer is. Excluded if the effect has
 * the predicted sign in every cell of a factorial: the order in which roles stand, and which token is the answer, that
 * of the clean prompt or that of the corrupted one.
 */
public record Recency() implements Alternative {
    @Override
    public String name() {
        return "recency";
    }

    @Override
    public String prediction() {
        return "the components prefer the last mention, or the first: where that is the distractor, the effect turns";
    }

    @Override
    public boolean concerns(Claim claim) {
        return Exchanged.concerns(claim);
    }

    @Override
    public AlternativeFinding test(TestedClaim claim) {
        if (!ShuffledLabels.turnsSign(claim.evidence().experiment().metric())) {
            return AlternativeFinding.notTested(this, claim, Exchanged.NO_DIFFERENCE);
        }
        Units orders = RoleOrders.of(claim.pairs());
        if (orders.count() < 2) {
            return AlternativeFinding.notTested(
                    this, claim, "the roles of all prompts stand in one order; prompts with another would tell");
        }
        List<String> against = new ArrayList<>();
        double least = Double.POSITIVE_INFINITY;
        for (boolean exchanged : new boolean[] {false, true}) {
            String answers = exchanged ? "exchanged answers" : "the answers";
            Heterogeneity levels = Heterogeneity.of(
                    exchanged ? Exchanged.values(claim) : claim.values(),
                    claim.units(),
                    orders,
                    claim.level() / 2,
                    Bootstrap.REPLICATES,
                    claim.random(claim.claim().name() + "/" + name() + "/" + answers));
            for (Heterogeneity.Level level : levels.levels()) {
                double low =
                        level.interval() == null ? Double.NaN : level.interval().low();
                least = Math.min(least, low);
                if (!(low > 0)) {
                    against.add("the effect in the order " + level.name() + " with " + answers + " is "
                            + (float) level.mean());
                }
            }
        }
        return AlternativeFinding.decided(
                this,
                claim,
                against.isEmpty(),
                "lowest end of the effect by cell",
                least,
                0,
                new double[0],
                against.isEmpty()
                        ? "the effect has the predicted sign in each of " + 2 * orders.count() + " cells"
                        : String.join("; ", against));
    }

    /** The same experiment on the corrupted prompts, on which the distractors are right. */
    static final class Exchanged {
        static final String NO_DIFFERENCE = "the metric is no difference of answer and distractor";

        private Exchanged() {}

        static boolean concerns(Claim claim) {
            return claim.treatment() instanceof Treatment.AblateComponents
                    && (claim.expectation() instanceof Expectation.Decrease
                            || claim.expectation() instanceof Expectation.Increase)
                    && claim.components().stream().noneMatch(ComponentAt.class::isInstance);
        }

        /** The effect by pair, turned so that the direction predicted of the exchanged answers is positive. */
        static double[] values(TestedClaim claim) {
            double[] before = claim.evidence().experiment().baselines().corrupted();
            double[] after = claim.evidence()
                    .edited(
                            "corrupted prompts, "
                                    + claim.claim()
                                            .treatment()
                                            .words(claim.claim().components().toString()),
                            Side.CORRUPTED,
                            List.of(claim.evidence()
                                    .edits(
                                            claim.claim().treatment(),
                                            claim.claim().components())))[0];
            double sign = claim.claim().expectation() instanceof Expectation.Decrease ? 1 : -1;
            double[] values = new double[after.length];
            for (int pair = 0; pair < values.length; pair++) {
                values[pair] = sign * (after[pair] - before[pair]);
            }
            return values;
        }
    }
}
