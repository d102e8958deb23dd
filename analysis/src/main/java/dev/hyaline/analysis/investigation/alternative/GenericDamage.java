package dev.hyaline.analysis.investigation.alternative;

import dev.hyaline.analysis.investigation.Claim;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.Expectation;
import dev.hyaline.analysis.investigation.TestedClaim;
import dev.hyaline.analysis.investigation.Treatment;
import dev.hyaline.analysis.investigation.Treatment.Candidates;
import dev.hyaline.analysis.statistics.Bootstrap;
import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.analysis.statistics.Ratio;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The model is damaged in general. Excluded if on every other behaviour the share of its own gap that the ablation
 * costs is, with its interval, below half of the share that it costs here.
 */
public final class GenericDamage implements Alternative {
    private static final int MIN_BEHAVIOURS = 2;
    private static final double HALF = 0.5;

    private final Map<String, Evidence> others;
    private final Candidates candidates;

    private GenericDamage(Map<String, Evidence> others, Candidates candidates) {
        this.others = others;
        this.candidates = candidates;
    }

    /**
     * On evidence of other behaviours of the same model, such as capitals, words that repeat, and plain text.
     *
     * @param candidates that are all ablated for the gap
     * @throws BadInputException if there are fewer than {@value #MIN_BEHAVIOURS}
     */
    public static GenericDamage on(Map<String, Evidence> others, Candidates candidates) {
        if (others.size() < MIN_BEHAVIOURS) {
            throw new BadInputException("damage is generic or not by at least " + MIN_BEHAVIOURS
                    + " other behaviours, found " + others.size());
        }
        return new GenericDamage(new LinkedHashMap<>(others), candidates);
    }

    @Override
    public String name() {
        return "generic-damage";
    }

    @Override
    public String prediction() {
        return "the model is damaged in general: other behaviours lose as large a share of their own gap";
    }

    @Override
    public boolean concerns(Claim claim) {
        return claim.treatment() instanceof Treatment.AblateComponents
                && claim.expectation() instanceof Expectation.Decrease;
    }

    @Override
    public boolean isRequiredBy(Claim claim) {
        return claim.primary() && concerns(claim);
    }

    /** The share of its gap that a behaviour loses, and the upper end of its interval. */
    private record Lost(double share, double upTo) {}

    @Override
    public AlternativeFinding test(TestedClaim claim) {
        double here = lost(claim, claim.evidence(), "").share;
        List<String> found = new ArrayList<>();
        double worst = Double.NEGATIVE_INFINITY;
        for (Map.Entry<String, Evidence> other : others.entrySet()) {
            Lost lost = lost(claim, other.getValue(), other.getKey());
            worst = Math.max(worst, lost.upTo);
            found.add(other.getKey() + " " + (float) lost.share);
        }
        return AlternativeFinding.decided(
                this,
                claim,
                worst < HALF * here,
                "highest end of the share lost elsewhere",
                worst,
                HALF * here,
                new double[0],
                "it costs " + (float) here + " of the gap here, and elsewhere: " + String.join(", ", found));
    }

    private Lost lost(TestedClaim claim, Evidence evidence, String behaviour) {
        Treatment.AblateComponents ablate =
                (Treatment.AblateComponents) claim.claim().treatment();
        Units units = evidence.experiment()
                .pairs()
                .units()
                .orElse(Units.each(evidence.experiment().pairs().size()));
        Ratio kept = Ratio.of(
                evidence.clean(),
                evidence.empty(ablate.replacement(), candidates),
                evidence.run(ablate, claim.claim().components()),
                units);
        Interval interval = kept.interval(
                        claim.level(),
                        Bootstrap.REPLICATES,
                        claim.random(claim.claim().name() + "/" + name() + "/" + behaviour))
                .orElse(new Interval(Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY));
        return new Lost(1 - kept.value(), 1 - interval.low());
    }

    @Override
    public String toString() {
        return "generic damage, measured on " + Printable.listed(others.keySet());
    }
}
