package dev.hyaline.analysis.circuit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.Fable;
import dev.hyaline.analysis.GoldenIoi;
import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.weights.Checkpoint;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Scores, circuits and curves of fable's greater-than task, whose answers are dozens of tokens, and scores of four tiny
 * models, against reference values in float64.
 */
final class GoldenScoresTest {
    private static final GoldenCircuits GOLDEN = GoldenCircuits.GREATER_THAN;
    private static final List<String> ABLATIONS = List.of("zero", "mean", "mean-positional");

    private static Gpt2 model;
    private static Experiment experiment;

    @BeforeAll
    static void run() {
        model = Fable.open();
        JsonNode pairs = JsonMapper.shared()
                .readTree(GOLDEN.folder().resolve("fable-greater-than.pairs.json"))
                .get("pairs");
        experiment = Experiment.start(
                model, GoldenCircuits.pairs(model.config(), pairs), Metric.probabilityDifference(PromptPair.END));
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static CircuitExperiment circuits(String ablation) {
        return CircuitExperiment.of(experiment, GoldenCircuits.ablation(ablation));
    }

    private static void requireScores(GoldenCircuits golden, CircuitExperiment circuits, String name) {
        double[] expected = golden.tensor(name);
        double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
        EdgeScores scores = GoldenCircuits.scoring(name).score(circuits);
        double error = 0;
        for (int e = 0; e < expected.length; e++) {
            error = Math.max(error, Math.abs(expected[e] - scores.of(e)));
        }
        assertThat(error).as(name).isLessThan(1e-5 * largest);
        if (name.startsWith("eap") && !name.contains("ig") && !name.endsWith(".mean")) {
            double[] nodes = golden.tensor("node_" + name);
            double most = Arrays.stream(nodes).map(Math::abs).max().orElseThrow();
            GoldenCircuitTest.assertClose(scores.bySender(), nodes, 1e-4 * most);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"tiny-a", "tiny-odd", "tiny-variant", "tiny-relu"})
    void tinyModels(String name) {
        GoldenCircuits golden = new GoldenCircuits(GOLDEN.folder(), name);
        try (Checkpoint tiny = Checkpoint.open(
                        Path.of("../weights-loader/src/test/resources/golden").resolve(name));
                Gpt2 of = Gpt2.of(tiny.weights(), 2)) {
            JsonNode json = golden.json();
            Experiment pairs = Experiment.start(
                    of, GoldenCircuits.pairs(of.config(), json.get("pairs")), Metric.logitDifference());
            GoldenCircuitTest.assertClose(pairs.baselines().clean(), GoldenCircuits.doubles(json.get("clean")), 1e-5);
            GoldenCircuitTest.assertClose(
                    pairs.baselines().corrupted(), GoldenCircuits.doubles(json.get("corrupted")), 1e-5);
            CircuitExperiment circuits = CircuitExperiment.of(pairs, Ablation.counterfactual());
            assertThat(circuits.full().edges())
                    .map(Object::toString)
                    .isEqualTo(GoldenCircuits.strings(json.get("edges")));
            for (String method : List.of(
                    "exact",
                    "eap",
                    "eap_ig_inputs_5",
                    "eap_ig_inputs_20",
                    "eap_ig_activations_5",
                    "ig_activations_own_5",
                    "clean_corrupted",
                    "information_flow")) {
                requireScores(golden, circuits, method);
            }
            for (String ablation : ABLATIONS) {
                CircuitExperiment ablated = CircuitExperiment.of(pairs, GoldenCircuits.ablation(ablation));
                requireScores(golden, ablated, "exact." + ablation);
                requireScores(golden, ablated, "eap." + ablation);
            }
        }
    }

    @Test
    void scoresOfGreaterThan() {
        GoldenCircuitTest.assertClose(
                experiment.baselines().clean(),
                GoldenCircuits.doubles(GOLDEN.json().get("clean")),
                2e-6);
        for (String method : List.of(
                "exact",
                "eap",
                "eap_ig_inputs_5",
                "eap_ig_inputs_20",
                "eap_ig_inputs_5_right",
                "eap_ig_inputs_5_midpoint",
                "eap_ig_activations_5",
                "ig_activations_own_5",
                "clean_corrupted",
                "information_flow")) {
            requireScores(GOLDEN, circuits("counterfactual"), method);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"zero", "mean", "mean-positional"})
    void scoresOfGreaterThanUnderOtherAblations(String ablation) {
        for (String method : List.of("exact.", "eap.", "eap_ig_activations_5.")) {
            requireScores(GOLDEN, circuits(ablation), method + ablation);
        }
    }

    @Test
    void inputGradientsAddUpToTheWholeEffect() {
        JsonNode expected = GOLDEN.json().get("completeness_of_input_edges");
        CircuitExperiment circuits = circuits("counterfactual");
        double whole = circuits.mean(circuits.full()) - circuits.mean(circuits.empty());
        assertThat(whole).isCloseTo(expected.get("total_effect").asDouble(), within(1e-5));
        double before = Double.POSITIVE_INFINITY;
        for (int steps : new int[] {5, 20}) {
            double left = ofInput(circuits, new EdgeScoring.InputGradients(steps, EdgeScoring.PathRule.LEFT));
            double middle = ofInput(circuits, new EdgeScoring.InputGradients(steps, EdgeScoring.PathRule.MIDPOINT));
            assertThat(left).isCloseTo(expected.get("left_" + steps).asDouble(), within(1e-5));
            assertThat(middle).isCloseTo(expected.get("midpoint_" + steps).asDouble(), within(1e-5));
            assertThat(Math.abs(left - whole)).isLessThan(before);
            before = Math.abs(left - whole);
        }
    }

    private static double ofInput(CircuitExperiment circuits, EdgeScoring scoring) {
        return scoring.score(circuits).bySender()[0];
    }

    @Test
    void curves() {
        GOLDEN.requireCurves(GoldenScoresTest::circuits);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void acdc(int number) {
        GOLDEN.requireSearch(experiment, number);
    }

    @Test
    void evaluationOfTheReferenceCircuit() {
        JsonNode expected = GOLDEN.json().get("circuit");
        Circuit circuit = CircuitSelection.TOP
                .select(
                        EdgeScores.of(model.config(), "golden", GOLDEN.tensor("eap_ig_inputs_5")),
                        expected.get("n").asInt())
                .pruned();
        CircuitExperiment circuits = circuits("counterfactual");
        assertThat(circuit.edges()).map(Object::toString).isEqualTo(GoldenCircuits.strings(expected.get("edges")));
        CircuitEvaluation evaluation = CircuitEvaluation.measure(circuits, circuit);
        assertThat(evaluation.meanKept()).isCloseTo(expected.get("keep_only").asDouble(), within(GoldenIoi.TOLERANCE));
        assertThat(evaluation.meanComplement())
                .isCloseTo(expected.get("complement").asDouble(), within(GoldenIoi.TOLERANCE));
        CircuitEvaluation.minimality(circuits, circuit)
                .forEach((Edge edge, Double change) -> assertThat(change)
                        .as(edge.toString())
                        .isCloseTo(
                                Math.abs(expected.get("minimality")
                                        .get(edge.toString())
                                        .asDouble()),
                                within(GoldenIoi.TOLERANCE)));
    }
}
