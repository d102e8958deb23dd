package dev.hyaline.analysis.investigation.alternative;

import dev.hyaline.analysis.internal.Draws;
import dev.hyaline.analysis.investigation.Claim;
import dev.hyaline.analysis.investigation.ClaimComponent;
import dev.hyaline.analysis.investigation.Expectation;
import dev.hyaline.analysis.investigation.TestedClaim;
import dev.hyaline.analysis.investigation.Treatment;
import java.util.Arrays;
import java.util.List;

/**
 * Any components would do as well: random sets with as many members in each layer, measured by the claim's own
 * experiment. Excluded if at most {@value #LARGEST_P} of them and the claimed set do as well. Where the layers have so
 * few other sets that no rank could be that small, as of one head, sets of all layers are drawn; where there are no
 * more sets than were to be drawn, all are measured, and the rank is exact.
 *
 * @param sets to draw
 */
public record RandomComponents(int sets) implements Alternative {
    /** Sets drawn by default, with which the smallest p is 0.005. */
    public static final int SETS = 199;

    /** The rank p that excludes it. */
    public static final double LARGEST_P = 0.05;

    private static final int MIN_SETS = 19;

    /** @throws dev.hyaline.engine.error.BadInputException if there are so few that p could not be small enough */
    public RandomComponents {
        Draws.require("a rank among random components needs", "set", MIN_SETS, sets);
    }

    @Override
    public String name() {
        return "random-components";
    }

    @Override
    public String prediction() {
        return "any components would do as well: random sets of as many in the same layers have as large an effect";
    }

    @Override
    public boolean concerns(Claim claim) {
        return !(claim.expectation() instanceof Expectation.NoEffect)
                && !(claim.treatment() instanceof Treatment.PatchPath)
                && !(claim.treatment() instanceof Treatment.Intervene);
    }

    @Override
    public boolean isControlOf(Claim claim) {
        return claim.components().size() > 1 && concerns(claim);
    }

    @Override
    public AlternativeFinding test(TestedClaim claim) {
        RandomSets random = RandomSets.of(
                claim.evidence().experiment().config(),
                claim.claim().components(),
                claim.evidence()::firing,
                sets,
                LARGEST_P,
                claim::random);
        if (random.sets().size() + 1 < 1 / LARGEST_P) {
            return AlternativeFinding.notTested(
                    this,
                    claim,
                    "the model has only " + random.sets().size() + " other sets like "
                            + claim.claim().components() + ", of which none could be rare");
        }
        return rank(claim, random, claim.evidence().runEach(claim.claim().treatment(), random.sets()));
    }

    /**
     * The rank of what is claimed.
     *
     * @param after the metric of each set's treated runs
     */
    AlternativeFinding rank(TestedClaim claim, RandomSets random, double[][] after) {
        double[] controls = Arrays.stream(after).mapToDouble(claim::mean).toArray();
        List<ClaimComponent> components = claim.claim().components();
        String sets = controls.length + (random.all() ? " other" : " random") + " sets of " + components.size()
                + (random.modelWide() ? " in any layer" : " in the same layers");
        return RankP.decide(this, claim, LARGEST_P, controls, sets + " do as well");
    }
}
