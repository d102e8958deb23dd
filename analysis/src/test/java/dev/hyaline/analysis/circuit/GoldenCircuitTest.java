package dev.hyaline.analysis.circuit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.Fable;
import dev.hyaline.analysis.GoldenIoi;
import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.statistics.association.Correlation;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Exact scores, circuits and curves on fable, against EAP-IG's and MIB's values in float64. */
final class GoldenCircuitTest {
    private static final GoldenCircuits GOLDEN = GoldenCircuits.FABLE;
    private static final double TOLERANCE = GoldenIoi.TOLERANCE;

    private static Gpt2 model;
    private static Experiment experiment;
    private static final Map<String, CircuitExperiment> CIRCUITS = new HashMap<>();

    @BeforeAll
    static void run() {
        model = Fable.open();
        experiment = Fable.goldenIoi(model);
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static CircuitExperiment circuits(String ablation) {
        return CIRCUITS.computeIfAbsent(
                ablation, name -> CircuitExperiment.of(experiment, GoldenCircuits.ablation(name)));
    }

    private static EdgeScores golden(String name) {
        return GOLDEN.scores(model.config(), name);
    }

    static void assertClose(double[] found, double[] expected, double tolerance) {
        assertThat(found).hasSameSizeAs(expected);
        double largest = 0;
        for (int i = 0; i < found.length; i++) {
            largest = Math.max(largest, Math.abs(found[i] - expected[i]));
        }
        assertThat(largest).isLessThan(tolerance);
    }

    @Test
    void edgesAreInTheOrderOfTheReference() {
        assertThat(circuits("counterfactual").full().edges())
                .map(Object::toString)
                .isEqualTo(GoldenCircuits.strings(GOLDEN.json().get("edges")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"counterfactual", "zero", "mean", "mean-positional"})
    void exactEffects(String ablation) {
        EdgeScores scores = new EdgeScoring.Exact().score(circuits(ablation));
        assertClose(
                scores.values(),
                GOLDEN.tensor(ablation.equals("counterfactual") ? "exact" : "exact." + ablation),
                TOLERANCE);
        if (ablation.equals("counterfactual")) {
            double[] perPair = GOLDEN.tensor("exact_per_pair");
            double[] found = new double[perPair.length];
            for (int pair = 0; pair < scores.pairs(); pair++) {
                System.arraycopy(scores.pair(pair), 0, found, pair * scores.size(), scores.size());
            }
            assertClose(found, perPair, TOLERANCE);
            assertThat(Arrays.stream(scores.values()).filter(score -> score == 0))
                    .hasSize(10);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"zero", "mean"})
    void exactEffectsWhereTheInputHasPositions(String ablation) {
        CircuitExperiment circuits =
                CircuitExperiment.of(experiment, GoldenCircuits.ablation(ablation), InputMeaning.TOKENS_AND_POSITIONS);
        assertClose(
                new EdgeScoring.Exact().score(circuits).values(),
                GOLDEN.tensor("exact." + ablation + ".input_with_positions"),
                TOLERANCE);
        assertThat(circuits.mean(circuits.empty()))
                .isCloseTo(
                        GOLDEN.json()
                                .get("empty." + ablation + ".input_with_positions")
                                .asDouble(),
                        within(TOLERANCE));
    }

    @Test
    void informationFlow() {
        assertClose(
                new EdgeScoring.InformationFlow()
                        .score(circuits("counterfactual"))
                        .values(),
                GOLDEN.tensor("information_flow"),
                1e-6);
    }

    @Test
    void curves() {
        GOLDEN.requireCurves(GoldenCircuitTest::circuits);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 5, 6})
    void acdc(int number) {
        GOLDEN.requireSearch(experiment, number);
    }

    /** Of the search that tries the most edges by far. */
    @Test
    void lossOfTheLongestSearch() {
        GOLDEN.requireLossOfSearch(circuits("counterfactual"), 4);
    }

    @Test
    void evaluationOfTheReferenceCircuit() {
        GOLDEN.requireEvaluation(circuits("counterfactual"));
    }

    @Test
    void metricsOfEveryPair() {
        GOLDEN.requireMetrics(experiment);
    }

    @Test
    void sumsOfTheInputsEdges() {
        GOLDEN.requireCompleteness(circuits("counterfactual"));
    }

    @Test
    void rankCorrelations() {
        GOLDEN.requireSpearman();
    }

    /** By the area of the curve the order is own stage, inputs, plain; by rank correlation of all edges another one. */
    @Test
    void methodsInTheOrderOfTheReference() {
        CircuitExperiment circuits = circuits("counterfactual");
        Map<String, Double> cpr = new HashMap<>();
        Map<String, Double> cmd = new HashMap<>();
        Map<String, Double> rho = new HashMap<>();
        double[] exact = GOLDEN.tensor("exact");
        for (String name : List.of("ig_activations_own_5", "eap_ig_inputs_5", "eap")) {
            EdgeScores scores = GoldenCircuits.scoring(name).score(circuits);
            for (CircuitSelection selection : List.of(CircuitSelection.TOP, CircuitSelection.TOP_ABSOLUTE)) {
                CircuitCurve curve = CircuitCurve.measure(circuits, scores, selection, true, CircuitCurve.fractions());
                JsonNode expected = GOLDEN.json()
                        .get("curves")
                        .get(name + "|counterfactual|" + (selection.isAbsolute() ? "absolute" : "signed"));
                assertThat(curve.area())
                        .as(name)
                        .isCloseTo(expected.get("area_under").asDouble(), within(1e-3));
                assertThat(curve.areaFromOne())
                        .as(name)
                        .isCloseTo(expected.get("area_from_1").asDouble(), within(1e-3));
                (selection.isAbsolute() ? cmd : cpr)
                        .put(name, selection.isAbsolute() ? curve.areaFromOne() : curve.area());
            }
            rho.put(
                    name,
                    Correlation.spearman(scores.values(), exact).orElseThrow().rho());
        }
        assertThat(cpr.get("ig_activations_own_5")).isGreaterThan(cpr.get("eap_ig_inputs_5"));
        assertThat(cpr.get("eap_ig_inputs_5")).isGreaterThan(cpr.get("eap"));
        assertThat(cmd.get("ig_activations_own_5")).isLessThan(cmd.get("eap_ig_inputs_5"));
        assertThat(cmd.get("eap_ig_inputs_5")).isLessThan(cmd.get("eap"));
        assertThat(rho.get("eap")).isGreaterThan(rho.get("ig_activations_own_5"));
        assertThat(rho.get("ig_activations_own_5")).isGreaterThan(rho.get("eap_ig_inputs_5"));
    }

    @Test
    void graphFileOfTheReference() throws IOException {
        Path file = GOLDEN.folder().resolve("fable-ioi.graph.json");
        GraphFile graph = GraphFile.read(file, model.config());
        assertThat(graph.json()).isEqualTo(Files.readString(file));
        assertThat(graph.circuit())
                .isEqualTo(CircuitSelection.TOP
                        .select(golden("eap_ig_inputs_5"), 30)
                        .pruned());
        assertThat(graph.scores("file").values())
                .isEqualTo(golden("eap_ig_inputs_5").values());
        assertThat(GraphFile.of(graph.circuit(), graph.scores("file")).json()).isEqualTo(Files.readString(file));
    }

    @ParameterizedTest
    @CsvSource({
        "eap, counterfactual",
        "eap.zero, zero",
        "eap.mean, mean",
        "eap.mean-positional, mean-positional",
        "eap_ig_inputs_5, counterfactual",
        "eap_ig_inputs_20, counterfactual",
        "eap_ig_inputs_5_right, counterfactual",
        "eap_ig_inputs_5_midpoint, counterfactual",
        "eap_ig_activations_5, counterfactual",
        "eap_ig_activations_5.zero, zero",
        "eap_ig_activations_5.mean, mean",
        "eap_ig_activations_5.mean-positional, mean-positional",
        "ig_activations_own_5, counterfactual",
        "clean_corrupted, counterfactual",
        "eap_ig_inputs_5.kl, counterfactual"
    })
    void scoresByGradients(String name, String ablation) {
        GOLDEN.requireScores(
                name.endsWith(".kl")
                        ? CircuitExperiment.of(
                                Experiment.start(experiment.runs(), Metric.klToClean(PromptPair.END)),
                                Ablation.counterfactual())
                        : circuits(ablation),
                name);
    }

    @Test
    void attributionByKlIsRefused() {
        CircuitExperiment circuits = CircuitExperiment.of(
                Experiment.start(experiment.runs(), Metric.klToClean(PromptPair.END)), Ablation.counterfactual());
        assertThatThrownBy(() -> new EdgeScoring.AttributionPatching(PatchingDirection.NOISING).score(circuits))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("eap-ig");
        assertThatThrownBy(() -> new EdgeScoring.CleanCorrupted().score(circuits("zero")))
                .hasMessageContaining("counterfactual");
        assertThatThrownBy(() -> new EdgeScoring.InputGradients(0, EdgeScoring.PathRule.LEFT))
                .hasMessageContaining("at least one step");
    }

    @Test
    void stabilityOfTheReferencesDraws() {
        GOLDEN.requireStability(model.config());
        EdgeScores scores = GOLDEN.perPair(model.config());
        ScoreStability own = ScoreStability.measure(scores, CircuitSelection.TOP, 30, 20, 1);
        assertThat(own.bootstrap().meanPairwise()).isBetween(0.6, 0.95);
        assertThat(own.halves()).isBetween(0.4, 1.0);
        assertThat(own).isEqualTo(ScoreStability.measure(scores, CircuitSelection.TOP, 30, 20, 1));
    }

    @Test
    void gradientsOfMasks() {
        GOLDEN.requireHalfOpenMasks(experiment);
        // At whole edges it is attribution patching.
        assertClose(LearnedMasks.gradient(circuits("counterfactual"), 1).values(), GOLDEN.tensor("eap"), 5e-5);
    }

    @ParameterizedTest
    @EnumSource
    void learnedMasksFindTheLargestEdges(LearnedMasks.Relaxation relaxation) {
        CircuitExperiment byKl = CircuitExperiment.of(
                Experiment.start(experiment.runs(), Metric.klToClean(PromptPair.END)), Ablation.counterfactual());
        LearnedMasks.Settings settings = LearnedMasks.Settings.of(relaxation, 15, 1);
        EdgeScores scores = LearnedMasks.learn(byKl, settings);
        assertThat(scores.values()).isEqualTo(LearnedMasks.learn(byKl, settings).values());
        Circuit top = CircuitSelection.TOP.select(scores, 300);
        assertThat(top.contains(Edge.parse(model.config(), "input->m0"))).isTrue();
        assertThat(top.contains(Edge.parse(model.config(), "m3->logits"))).isTrue();
    }
}
