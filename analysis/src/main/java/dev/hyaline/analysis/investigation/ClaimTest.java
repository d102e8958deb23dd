package dev.hyaline.analysis.investigation;

import dev.hyaline.analysis.investigation.ClaimFinding.ClaimDirection;
import dev.hyaline.analysis.investigation.StudyPlan.TestDesign;
import dev.hyaline.analysis.statistics.Adjustment;
import dev.hyaline.analysis.statistics.Bootstrap;
import dev.hyaline.analysis.statistics.Equivalence;
import dev.hyaline.analysis.statistics.Heterogeneity;
import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.analysis.statistics.Ratio;
import dev.hyaline.analysis.statistics.SignFlip;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.analysis.statistics.VerdictInterval;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.CounterRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A claim's test by itself, before the other claims are taken into account. A claim of at least so much is tested by
 * the minimum-effect test of {@link SignFlip}, one of no effect by {@link Equivalence}, one of a share by its contrast.
 *
 * @param bound the claimed number, in the unit of the estimate
 * @param estimate the mean of the claimed quantity, or the share
 * @param interval at the claim's level; null with too few units or without spread
 * @param p one-sided
 * @param smallestP the smallest that so many units can give
 * @param levels the effect by level of each factor
 * @param changesSomething whether the treatment changed any value
 */
public record ClaimTest(
        Claim claim,
        double bound,
        double estimate,
        @Nullable Interval interval,
        double p,
        double smallestP,
        Map<String, Heterogeneity> levels,
        boolean changesSomething) {

    /**
     * Tests a claim.
     *
     * @param units which pairs were drawn together
     * @param factors levels of what was listed in full, such as templates, by name
     * @param gap the metric's distance that claims in shares of the gap mean: that of the discovery half, fixed before
     *     the held-out one is run
     * @throws BadInputException if a value is not finite, or there is no gap to take a share of
     */
    public static ClaimTest of(
            ClaimMeasurement measurement,
            Units units,
            Map<String, Units> factors,
            double gap,
            TestDesign design,
            long seed) {
        Claim claim = measurement.claim();
        CounterRandom random = CounterRandom.of(seed).named(claim.name());
        double level = design.level(claim.expectation());
        double[] values = measurement.values();
        Ratio ratio = measurement.ratio(units).orElse(null);
        double bound = claim.expectation().bound(gap);
        CounterRandom bootstrap = random.named("bootstrap");
        Interval interval = ratio != null
                ? ratio.interval(level, Bootstrap.REPLICATES, bootstrap).orElse(null)
                : VerdictInterval.of(values, units, level, Bootstrap.REPLICATES, bootstrap)
                        .map(VerdictInterval::interval)
                        .orElse(null);
        double p;
        double smallest;
        if (claim.expectation() instanceof Expectation.NoEffect) {
            p = Equivalence.test(values, units, bound).map(Equivalence::p).orElse(1.0);
            smallest = 0;
        } else {
            SignFlip test =
                    SignFlip.minimumEffect(values, units, ratio == null ? bound : 0, random.named("sign-flip-minimum"));
            p = test.p().greater();
            smallest = test.smallestOneSided();
        }
        Map<String, Heterogeneity> levels = new LinkedHashMap<>();
        factors.forEach((name, factor) -> levels.put(
                name,
                Heterogeneity.of(
                        values,
                        units,
                        factor,
                        level,
                        Bootstrap.REPLICATES,
                        random.named("levels").named(name))));
        return new ClaimTest(
                claim,
                bound,
                ratio != null ? ratio.value() : Arrays.stream(values).sum() / values.length,
                interval,
                p,
                smallest,
                levels,
                measurement.changesSomething());
    }

    /** Returns whether levels of a factor have effects of opposite sign. */
    public boolean isHeterogeneous() {
        return levels.values().stream().anyMatch(Heterogeneity::oppositeSigns);
    }

    /**
     * The findings of a hypothesis's claims, in their order: p values adjusted by Holm over the primary claims, and by
     * themselves over the others.
     *
     * @param controlsBeaten false of a claim where random components do as much
     */
    public static List<ClaimFinding> findings(
            List<ClaimTest> tests, TestDesign design, Predicate<Claim> controlsBeaten) {
        double[] adjusted = new double[tests.size()];
        int[] family = new int[tests.size()];
        for (boolean primary : new boolean[] {true, false}) {
            List<Integer> members = new ArrayList<>();
            for (int i = 0; i < tests.size(); i++) {
                if (tests.get(i).claim.primary() == primary) {
                    members.add(i);
                }
            }
            double[] p = Adjustment.HOLM.adjust(
                    members.stream().mapToDouble(i -> tests.get(i).p).toArray());
            for (int i = 0; i < p.length; i++) {
                adjusted[members.get(i)] = p[i];
                family[members.get(i)] = p.length;
            }
        }
        List<ClaimFinding> findings = new ArrayList<>();
        for (int i = 0; i < adjusted.length; i++) {
            ClaimTest test = tests.get(i);
            findings.add(new ClaimFinding(
                    test.claim.expectation() instanceof Expectation.NoEffect
                            ? ClaimDirection.NO_EFFECT
                            : ClaimDirection.AT_LEAST,
                    test.interval,
                    test.bound,
                    adjusted[i],
                    design.level(test.claim.expectation()),
                    Math.min(1, test.smallestP * family[i]),
                    controlsBeaten.test(test.claim),
                    test.changesSomething,
                    test.isHeterogeneous()));
        }
        return findings;
    }
}
