package dev.hyaline.analysis.investigation.alternative;

import dev.hyaline.analysis.investigation.Claim;
import dev.hyaline.analysis.investigation.ClaimComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.HeadComponent;
import dev.hyaline.analysis.investigation.Expectation;
import dev.hyaline.analysis.investigation.TestedClaim;
import dev.hyaline.analysis.investigation.Treatment;
import dev.hyaline.analysis.statistics.Bootstrap;
import dev.hyaline.analysis.statistics.Heterogeneity;
import dev.hyaline.analysis.statistics.Units;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The components go by the index of a position, not by what stands there. Excluded if, in every order in which the
 * roles of the prompts stand, the effect has the predicted sign, and each head that is claimed to attend to a role, or
 * made to, attends to it more than to any other. Prompts with a sentence before them are tested as any others, as
 * evidence of their own.
 */
public record PositionOnly() implements Alternative {
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
                        : String.join("; ", against));
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
