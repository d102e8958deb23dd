package dev.hyaline.analysis.investigation.mechanism;

import dev.hyaline.analysis.investigation.ClaimFinding;
import dev.hyaline.analysis.investigation.ClaimFinding.ClaimDirection;
import dev.hyaline.analysis.investigation.ClaimVerdict;
import dev.hyaline.analysis.investigation.ClaimVerdict.ClaimOutcome;
import dev.hyaline.analysis.investigation.ClaimVerdict.ClaimReason;
import dev.hyaline.analysis.statistics.Bootstrap;
import dev.hyaline.analysis.statistics.Equivalence;
import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.analysis.statistics.Proportion;
import dev.hyaline.analysis.statistics.SignFlip;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.analysis.statistics.VerdictInterval;
import dev.hyaline.files.RecordText;
import dev.hyaline.instrument.CounterRandom;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The result of a sub-claim's test.
 *
 * @param estimate the mean over prompts; of a rank, the number itself
 * @param bound the number that it is compared with; of a rank, the largest of the controls
 * @param interval null of a rank, or with too few units
 * @param p one-sided; of the equivalence test where no effect is claimed; the rank p of a rank
 * @param values by prompt, turned so that the predicted direction is positive; of a rank, the controls
 */
public record SubClaimFinding(
        String name,
        String sentence,
        double estimate,
        double bound,
        @Nullable Interval interval,
        double p,
        List<Double> values,
        ClaimVerdict verdict) {

    public SubClaimFinding {
        values = List.copyOf(values);
    }

    /**
     * Tests a sub-claim.
     *
     * @param label begins the labels of what is drawn
     */
    static SubClaimFinding of(SubClaim subClaim, MechanismStudy study, String label) {
        return switch (subClaim) {
            case SubClaim.OfPrompts prompts ->
                of(prompts, prompts.measure().of(study), study, study.random(label + "/" + prompts.name()));
            case SubClaim.OfRank rank -> of(rank, rank.measure().of(study));
        };
    }

    private static SubClaimFinding of(
            SubClaim.OfPrompts subClaim, SubClaim.Sample sample, MechanismStudy study, CounterRandom random) {
        double[] values = sample.values();
        Units units = sample.units();
        double bound = subClaim.bound().applyAsDouble(study);
        boolean none = subClaim.direction() == ClaimDirection.NO_EFFECT;
        double level = none ? study.design().alpha() : study.design().alpha() / 2;
        Interval interval = VerdictInterval.of(values, units, level, Bootstrap.REPLICATES, random.named("bootstrap"))
                .map(VerdictInterval::interval)
                .orElseGet(() -> withoutSpread(values, units, level, !none));
        double p;
        double smallest;
        if (none) {
            p = Equivalence.test(values, units, bound)
                    .map(Equivalence::p)
                    .orElseGet(() -> Math.abs(values[0]) < bound ? 0.0 : 1.0);
            smallest = 0;
        } else {
            SignFlip flips = SignFlip.minimumEffect(values, units, bound, random.named("sign-flip-minimum"));
            p = flips.p().greater();
            smallest = flips.smallestOneSided();
        }
        ClaimFinding finding = new ClaimFinding(
                subClaim.direction(),
                interval,
                bound,
                p,
                level,
                smallest,
                /* controlsBeaten= */ true,
                /* sanity= */ true,
                /* heterogeneous= */ false);
        return new SubClaimFinding(
                subClaim.name(),
                subClaim.sentence(),
                Arrays.stream(values).sum() / values.length,
                bound,
                interval,
                p,
                Arrays.stream(values).boxed().toList(),
                finding.verdict());
    }

    /**
     * The interval of values that are all alike: of a share of prompts that is 0 or 1 that of Clopper and Pearson over
     * units, else the value itself. Null with too few units.
     *
     * @param shares whether values of 0 and 1 may be shares
     */
    private static @Nullable Interval withoutSpread(double[] values, Units units, double tail, boolean shares) {
        if (units.count() < VerdictInterval.MIN_UNITS) {
            return null;
        }
        boolean alike = Arrays.stream(values).allMatch(value -> value == values[0]);
        if (!alike) {
            // Every unit has the same mean, though its prompts differ.
            double mean = Arrays.stream(values).sum() / values.length;
            return new Interval(mean, mean);
        }
        if (shares && (values[0] == 0 || values[0] == 1)) {
            return new Proportion(values[0] == 1 ? units.count() : 0, units.count()).clopperPearson(tail);
        }
        return new Interval(values[0], values[0]);
    }

    private static SubClaimFinding of(SubClaim.OfRank subClaim, SubClaim.Ranked ranked) {
        double[] controls = ranked.controls();
        long as = Arrays.stream(controls)
                .filter(control -> control >= ranked.observed())
                .count();
        double p = (1.0 + as) / (controls.length + 1);
        boolean holds = p <= subClaim.largestP();
        return new SubClaimFinding(
                subClaim.name(),
                subClaim.sentence(),
                ranked.observed(),
                Arrays.stream(controls).max().orElse(Double.NEGATIVE_INFINITY),
                null,
                p,
                Arrays.stream(controls).boxed().toList(),
                holds
                        ? new ClaimVerdict(ClaimOutcome.CONFIRMED, null)
                        : new ClaimVerdict(ClaimOutcome.INCONCLUSIVE, ClaimReason.CONTROLS_AS_LARGE));
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
