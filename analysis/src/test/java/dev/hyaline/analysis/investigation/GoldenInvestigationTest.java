package dev.hyaline.analysis.investigation;

import static dev.hyaline.analysis.investigation.GoldenStudy.HEADS;
import static dev.hyaline.analysis.investigation.GoldenStudy.circuit;
import static dev.hyaline.analysis.investigation.GoldenStudy.components;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.investigation.ClaimComponent.HeadComponent;
import dev.hyaline.analysis.investigation.StudyPlan.CircuitSearch;
import dev.hyaline.analysis.investigation.StudyPlan.TestDesign;
import dev.hyaline.analysis.investigation.Treatment.Candidates;
import dev.hyaline.analysis.investigation.Treatment.Replacement;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** A whole study of fable's indirect objects, prompt by prompt, against PyTorch in float64. */
final class GoldenInvestigationTest {
    private static final double TOLERANCE = 1e-4;

    private static JsonNode golden;
    private static Gpt2 model;
    private static List<PromptPair> pairs;
    private static Evidence evidence;

    @BeforeAll
    static void open() {
        golden = GoldenStudy.values();
        model = GoldenStudy.model();
        pairs = GoldenStudy.pairs();
        evidence = GoldenStudy.evidence(model, IntStream.range(0, pairs.size()).toArray());
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static void agrees(double[] values, JsonNode expected) {
        assertThat(values)
                .containsExactly(
                        expected.valueStream()
                                .mapToDouble(JsonNode::doubleValue)
                                .toArray(),
                        within(TOLERANCE));
    }

    private static void agrees(Treatment treatment, List<ClaimComponent> components, String name) {
        agrees(evidence.run(treatment, components), golden.get("values").get(name));
    }

    /** One head treated at a time. */
    private static void agreesByHead(Treatment treatment, String role, String name) {
        for (int head = 0; head < HEADS.size(); head++) {
            agrees(
                    evidence.run(treatment, components(List.of(HEADS.get(head) + role))),
                    golden.get("values").get(name).get(head));
        }
    }

    @Test
    void everythingReplaced() {
        JsonNode values = golden.get("values");
        agrees(evidence.clean(), values.get("clean"));
        agrees(evidence.empty(Replacement.MEAN_BY_POSITION, Candidates.HEADS), values.get("empty"));
        agrees(evidence.empty(Replacement.ZERO, Candidates.HEADS), values.get("empty_zero"));
        agrees(evidence.empty(Replacement.RESAMPLE, Candidates.HEADS), values.get("empty_resample"));
    }

    @Test
    void oneHeadReplaced() {
        agreesByHead(new Treatment.AblateComponents(Replacement.MEAN_BY_POSITION), "", "ablate_mean");
        agreesByHead(new Treatment.AblateComponents(Replacement.ZERO), "", "ablate_zero");
        agreesByHead(new Treatment.AblateComponents(Replacement.RESAMPLE), "", "ablate_resample");
    }

    @Test
    void aCircuitKeptAndKnockedOut() {
        for (Replacement replacement : List.of(Replacement.MEAN_BY_POSITION, Replacement.ZERO, Replacement.RESAMPLE)) {
            String suffix = replacement == Replacement.MEAN_BY_POSITION ? "" : "_" + replacement;
            agrees(new Treatment.KeepOnly(replacement, Candidates.HEADS), circuit(), "keep_only" + suffix);
            agrees(new Treatment.AblateComponents(replacement), circuit(), "knock_out" + suffix);
        }
        agrees(
                new Treatment.KeepOnly(Replacement.MEAN_BY_POSITION, Candidates.HEADS),
                components(HEADS),
                "keep_only_single");
    }

    @Test
    void headsPatchedBothWays() {
        Treatment breaking = new Treatment.PatchComponents(PatchingDirection.NOISING);
        Treatment restoring = new Treatment.PatchComponents(PatchingDirection.DENOISING);
        agreesByHead(breaking, "", "donor_all");
        agreesByHead(breaking, "@end", "donor_at_end");
        agreesByHead(restoring, "@end", "restore_at_end");
        agrees(breaking, circuit(), "donor_circuit");
        agrees(restoring, circuit(), "restore_circuit");
    }

    @Test
    void headsMadeToLookAtARole() {
        agreesByHead(new Treatment.LookAt("end", "S1"), "", "look_S1");
        List<ClaimComponent> last = circuit().stream()
                .filter(component -> ((HeadComponent) component).layer() == 2)
                .toList();
        for (String role : List.of("IO", "S1", "S2")) {
            agrees(new Treatment.LookAt("end", role), last, "look_last_layer_" + role);
        }
    }

    @Test
    void attentionOfHeads() {
        agreesByHead(new Treatment.Attend("end", "S2"), "", "attention_S2");
    }

    @Test
    void verdictsOnTheHeldOutHalf() {
        int[] heldOut = GoldenStudy.half("held-out");
        Evidence held = GoldenStudy.evidence(model, heldOut);
        Investigation investigation = Investigation.parse("the study's claims", """
            {"format": "hyaline-investigation/1", "model": "fable", "behaviour": {"task": "ioi"},
             "claims": [
              {"name": "needed", "do": "ablate", "components": "circuit",
               "expect": {"decrease": 0.5, "unit": "gap"}},
              {"name": "enough", "do": "keep-only", "components": "circuit",
               "expect": {"faithfulness_at_least": 0.8}},
              {"name": "1.3", "do": "ablate", "components": "1.3", "expect": {"decrease": 1}},
              {"name": "1.0", "do": "ablate", "components": "1.0", "expect": {"decrease": 1}},
              {"name": "2.6", "do": "ablate", "components": "2.6", "expect": {"decrease": 1}},
              {"name": "2.4", "do": "ablate", "components": "2.4", "expect": {"decrease": 1}}]}
            """);
        List<HeadComponent> circuit = GoldenStudy.circuitHeads();
        Map<String, Units> factors = new LinkedHashMap<>();
        for (String factor : List.of("template", "order")) {
            factors.put(
                    factor,
                    Units.of(Arrays.stream(heldOut)
                            .mapToObj(pair -> golden.get(factor).get(pair).asString())
                            .toList()));
        }
        Units units = held.experiment().pairs().units().orElseThrow();
        List<ClaimTest> tests = investigation.claims().stream()
                .map(claim -> ClaimTest.of(
                        held.measure(claim.of(circuit)),
                        units,
                        factors,
                        golden.get("gap_discovery").doubleValue(),
                        investigation.design(),
                        investigation.seed()))
                .toList();
        List<ClaimFinding> findings = ClaimTest.findings(
                tests, new TestDesign(0.05), claim -> !claim.name().equals("2.6"));
        for (int i = 0; i < findings.size(); i++) {
            JsonNode expected = golden.get("claims").get(i);
            ClaimFinding finding = findings.get(i);
            double estimate = expected.get("estimate").doubleValue();
            double low = expected.get("low").doubleValue();
            double high = expected.get("high").doubleValue();
            assertThat(tests.get(i).estimate()).isCloseTo(estimate, within(TOLERANCE));
            assertThat(finding.bound()).isCloseTo(expected.get("sesoi").doubleValue(), within(1e-9));
            assertThat(finding.smallestP()).isCloseTo(expected.get("smallest_p").doubleValue(), within(1e-12));
            assertThat(finding.adjustedP()).isCloseTo(expected.get("adjusted_p").doubleValue(), within(0.03));
            // The reference drew fewer replicates.
            assertThat(finding.interval().low()).isCloseTo(low, within(0.06 * (high - low)));
            assertThat(finding.interval().high()).isCloseTo(high, within(0.06 * (high - low)));
            assertThat(finding.heterogeneous())
                    .isEqualTo(expected.get("heterogeneous").booleanValue());
            assertThat(finding.verdict()).isEqualTo(VerdictTest.verdict(expected));
        }
    }

    @Test
    void theSamePathOfRemovals() {
        CircuitDiscovery found = CircuitDiscovery.run(
                GoldenStudy.evidence(model, GoldenStudy.half("discovery")),
                new CircuitSearch(Candidates.HEADS, Replacement.MEAN_BY_POSITION, 0.1));
        assertThat(found.gap()).isCloseTo(golden.get("gap_discovery").doubleValue(), within(TOLERANCE));
        assertThat(found.circuit()).isEqualTo(circuit());
        assertThat(found.path()).hasSize(32);
        for (int step = 0; step < 32; step++) {
            JsonNode expected = golden.get("path").get(step);
            CircuitDiscovery.Removal removal = found.path().get(step);
            // Every margin is wider than the tolerance.
            assertThat(removal.removed()).hasToString(expected.get(0).asString());
            assertThat(removal.margin()).isCloseTo(expected.get(1).doubleValue(0), within(2 * TOLERANCE));
        }
        assertThat(found.path().getLast().runnerUp()).isNull();
    }

    @Test
    void aTreatmentThatChangesNothingIsNoEvidence() {
        Claim claim = new Claim(
                "idle",
                new Treatment.AblateComponents(Replacement.ZERO),
                components(List.of("1.3")),
                new Expectation.NoEffect(new Expectation.EffectAmount(1, Expectation.EffectUnit.METRIC)),
                true);
        ClaimMeasurement measurement =
                new ClaimMeasurement(claim, new double[] {1, 2, 3}, new double[] {1, 2, 3}, new double[] {1, 2, 3});
        ClaimTest test = ClaimTest.of(measurement, Units.each(3), Map.of(), 1, new TestDesign(0.05), 1);
        assertThat(ClaimTest.findings(List.of(test), new TestDesign(0.05), other -> true)
                        .getFirst()
                        .verdict())
                .hasToString("inconclusive (sanity)");
    }

    @Test
    void whatIsNotThereIsNamed() {
        assertThatThrownBy(() ->
                        evidence.run(new Treatment.AblateComponents(Replacement.ZERO), components(List.of("1.3@S3"))))
                .isInstanceOf(BadInputException.class)
                .hasMessage("pair 0: there is no role S3; there are IO, S1, S2, end, end");
        assertThatThrownBy(() -> evidence.run(new Treatment.LookAt("S1", "S2"), components(List.of("1.3"))))
                .isInstanceOf(BadInputException.class)
                .hasMessage("pair 0: the role S2 is at position 10, behind the query at 4, which does not see it");
    }
}
