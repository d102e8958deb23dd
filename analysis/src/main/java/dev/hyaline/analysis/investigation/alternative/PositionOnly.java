package dev.hyaline.analysis.investigation.alternative;

import dev.hyaline.analysis.investigation.Claim;
import dev.hyaline.analysis.investigation.ClaimComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.HeadComponent;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.Expectation;
import dev.hyaline.analysis.investigation.TestedClaim;
import dev.hyaline.analysis.investigation.Treatment;
import dev.hyaline.analysis.statistics.Bootstrap;
import dev.hyaline.analysis.statistics.Heterogeneity;
import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.analysis.statistics.VerdictInterval;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The components go by the index of a position, not by what stands there. Excluded if, in every order in which the
 * roles of the prompts stand, the effect has the predicted sign, and each head that is claimed to attend to a role, or
 * made to, attends to it more than to any other; and if the same holds of the prompts with a sentence before them,
 * where every index is another.
 *
 * @param after evidence of the same pairs with a sentence before them; null to leave that out
 */
public record PositionOnly(@Nullable Evidence after) implements Alternative {
    /** By the orders alone. */
    public PositionOnly() {
        this(null);
    }

    @Override
    public String name() {
        return "position-only";
    }

    @Override
    public String prediction() {
        return "the components go by position: where roles stand in another order, they keep to the index";
    }

    @Override
    public boolean concerns(Claim claim) {
        return !(claim.expectation() instanceof Expectation.NoEffect);
    }

    @Override
    public AlternativeFinding test(TestedClaim claim) {
        Units orders = RoleOrders.of(claim.pairs());
        if (orders.count() < 2) {
            return AlternativeFinding.notTested(
                    this, claim, "the roles of all prompts stand in one order; prompts with another would tell");
        }
        List<String> against = new ArrayList<>();
        double least = Double.POSITIVE_INFINITY;
        Heterogeneity levels = Heterogeneity.of(
                claim.values(),
                claim.units(),
                orders,
                claim.level(),
                Bootstrap.REPLICATES,
                claim.random(claim.claim().name() + "/" + name()));
        for (Heterogeneity.Level level : levels.levels()) {
            double low =
                    level.interval() == null ? Double.NaN : level.interval().low();
            least = Math.min(least, low);
            if (!(low > 0)) {
                against.add("the effect in the order " + level.name() + " is " + (float) level.mean()
                        + (level.interval() == null ? "" : ", of which the interval reaches " + (float) low));
            }
        }
        attention(claim, orders, against);
        if (after != null) {
            least = Math.min(least, afterSentence(claim, after, orders, against));
        }
        return AlternativeFinding.decided(
                this,
                claim,
                against.isEmpty(),
                "lowest end of the effect by order",
                least,
                0,
                new double[0],
                against.isEmpty()
                        ? "the effect has the predicted sign in each of " + orders.count() + " orders"
                                + (after == null ? "" : ", and with a sentence before the prompts")
                        : String.join("; ", against));
    }

    /** The lower end of the effect with a sentence before the prompts; adds what is against the claim there. */
    private double afterSentence(TestedClaim claim, Evidence moved, Units orders, List<String> against) {
        TestedClaim there =
                TestedClaim.of(moved, claim.claim(), claim.gap(), claim.design(), claim.study(), claim.seed());
        List<String> found = new ArrayList<>();
        Interval interval = VerdictInterval.of(
                        there.values(),
                        claim.units(),
                        claim.level(),
                        Bootstrap.REPLICATES,
                        claim.random(claim.claim().name() + "/" + name() + "/after"))
                .map(VerdictInterval::interval)
                .orElse(null);
        double low = interval == null ? Double.NaN : interval.low();
        if (!(low > 0)) {
            found.add("the effect is " + (float) there.mean()
                    + (interval == null ? "" : ", of which the interval reaches " + (float) low));
        }
        attention(there, orders, found);
        found.forEach(what -> against.add("with a sentence before the prompts " + what));
        return low;
    }

    /** Adds each head and order in which another role draws more attention. */
    private static void attention(TestedClaim claim, Units orders, List<String> against) {
        String from;
        String at;
        if (claim.claim().treatment() instanceof Treatment.Attend attend) {
            from = attend.from();
            at = attend.at();
        } else if (claim.claim().treatment() instanceof Treatment.LookAt look) {
            from = look.from();
            at = look.at();
        } else {
            return;
        }
        for (ClaimComponent component : claim.claim().components()) {
            if (component instanceof HeadComponent) {
                double[] own = byOrder(claim, component, from, at, orders);
                for (String other : RoleOrders.others(claim.pairs(), at, from)) {
                    double[] rival = byOrder(claim, component, from, other, orders);
                    for (int order = 0; order < own.length; order++) {
                        if (rival[order] >= own[order]) {
                            against.add(component + " attends to " + other + " with " + (float) rival[order]
                                    + " and to " + at + " with " + (float) own[order] + " in the order "
                                    + orders.names().get(order));
                        }
                    }
                }
            }
        }
    }

    private static double[] byOrder(TestedClaim claim, ClaimComponent component, String from, String at, Units orders) {
        double[] means = orders.sums(claim.evidence().run(new Treatment.Attend(from, at), List.of(component)));
        int[] sizes = orders.sizes();
        Arrays.setAll(means, order -> means[order] / sizes[order]);
        return means;
    }
}
