package dev.hyaline.analysis.investigation.alternative;

import dev.hyaline.analysis.investigation.Claim;
import dev.hyaline.analysis.investigation.Expectation;
import dev.hyaline.analysis.investigation.TestedClaim;
import dev.hyaline.analysis.investigation.Treatment;
import dev.hyaline.analysis.investigation.Treatment.Replacement;
import dev.hyaline.analysis.statistics.Ratio;
import java.util.ArrayList;
import java.util.List;

/**
 * The effect comes from values that the model never has. Excluded if replacement by means, by another prompt's values
 * and by zeros gives effects of one sign within a factor of {@value #FACTOR}; else the claim is limited to the
 * replacements that agree with its own.
 */
public record OffManifold() implements Alternative {
    /** The factor within which effects agree. */
    public static final double FACTOR = 2;

    private static final List<Replacement> KINDS =
            List.of(Replacement.MEAN_BY_POSITION, Replacement.RESAMPLE, Replacement.ZERO);

    @Override
    public String name() {
        return "off-manifold";
    }

    @Override
    public String prediction() {
        return "the effect comes from values the model never has: other replacements give another one";
    }

    @Override
    public boolean concerns(Claim claim) {
        return !(claim.expectation() instanceof Expectation.NoEffect)
                && (claim.treatment() instanceof Treatment.AblateComponents
                        || claim.treatment() instanceof Treatment.KeepOnly);
    }

    private static Replacement replacement(Treatment treatment) {
        return switch (treatment) {
            case Treatment.AblateComponents ablate -> ablate.replacement();
            case Treatment.KeepOnly keep -> keep.replacement();
            default -> throw new IllegalArgumentException(treatment.word());
        };
    }

    private static Treatment with(Treatment treatment, Replacement replacement) {
        return treatment instanceof Treatment.KeepOnly keep
                ? new Treatment.KeepOnly(replacement, keep.of())
                : new Treatment.AblateComponents(replacement);
    }

    @Override
    public AlternativeFinding test(TestedClaim claim) {
        double own = effect(claim);
        Replacement replacement = replacement(claim.claim().treatment());
        List<String> agreeing = new ArrayList<>();
        List<String> all = new ArrayList<>();
        double worst = 1;
        for (Replacement kind : KINDS) {
            Claim other = new Claim(
                    claim.claim().name(),
                    with(claim.claim().treatment(), kind),
                    claim.claim().components(),
                    claim.claim().expectation(),
                    claim.claim().primary());
            double effect = kind == replacement
                    ? own
                    : effect(TestedClaim.of(
                            claim.evidence(), other, claim.gap(), claim.design(), claim.study(), claim.seed()));
            double factor = factor(own, effect);
            worst = Math.max(worst, factor);
            all.add(kind + " " + (float) effect);
            if (factor <= FACTOR) {
                agreeing.add(kind.toString());
            }
        }
        boolean excluded = agreeing.size() == KINDS.size();
        return AlternativeFinding.decided(
                this,
                claim,
                excluded,
                "largest factor between effects",
                worst,
                FACTOR,
                new double[0],
                "the effect is " + String.join(", ", all)
                        + (excluded ? "" : "; the claim is limited to " + String.join(", ", agreeing)));
    }

    /** The share where one is claimed, else the mean effect. */
    private static double effect(TestedClaim claim) {
        return claim.measurement().ratio(claim.units()).map(Ratio::value).orElseGet(claim::mean);
    }

    /** How many times as large the larger effect is; infinite of opposite signs. */
    static double factor(double a, double b) {
        if (Math.signum(a) != Math.signum(b)) {
            return Double.POSITIVE_INFINITY;
        }
        double low = Math.min(Math.abs(a), Math.abs(b));
        double high = Math.max(Math.abs(a), Math.abs(b));
        return high == 0 ? 1 : high / low;
    }
}
