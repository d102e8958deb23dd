package dev.hyaline.analysis.circuit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.weights.Checkpoint;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A model whose circuit is known, since its weights were written by hand. */
final class PlantedCircuitTest {
    private static final GoldenCircuits GOLDEN = GoldenCircuits.PLANTED;

    private static Checkpoint checkpoint;
    private static Gpt2 model;
    private static CircuitExperiment circuits;
    private static Circuit known;
    private static EdgeScores exact;

    @BeforeAll
    static void run() {
        checkpoint = Checkpoint.open(GOLDEN.folder());
        model = Gpt2.of(checkpoint.weights(), 2);
        circuits = CircuitExperiment.of(
                Experiment.start(model, pairs(model.config()), Metric.logitDifference()), Ablation.counterfactual());
        known = GraphFile.read(GOLDEN.folder().resolve("true.graph.json"), model.config())
                .circuit();
        exact = new EdgeScoring.Exact().score(circuits);
    }

    @AfterAll
    static void close() {
        model.close();
        checkpoint.close();
    }

    static PromptPairs pairs(Gpt2Config config) {
        List<PromptPair> pairs = new ArrayList<>();
        JsonNode list = JsonMapper.shared().readTree(GOLDEN.folder().resolve("pairs.json"));
        for (JsonNode pair : list.isArray() ? list : list.get("pairs")) {
            pairs.add(new PromptPair(
                    "pair " + pairs.size(),
                    integers(pair.get("clean")),
                    integers(pair.get("corrupted")),
                    new int[] {pair.get("answer").asInt()},
                    new int[] {pair.get("distractor").asInt()},
                    Map.of()));
        }
        return PromptPairs.of(config, pairs);
    }

    private static int[] integers(JsonNode list) {
        return list.valueStream().mapToInt(JsonNode::asInt).toArray();
    }

    @Test
    void theKnownCircuitIsThatOfTheReference() {
        assertThat(known.edges())
                .map(Object::toString)
                .containsExactlyInAnyOrderElementsOf(
                        GoldenCircuits.strings(GOLDEN.json().get("true_edges")));
    }

    @Test
    void exactEffectsTellTheTrueEdgesFromAllOthers() {
        GoldenCircuitTest.assertClose(exact.values(), GOLDEN.tensor("exact"), 4e-5);
        double leastTrue = known.edges().stream()
                .mapToDouble(edge -> Math.abs(exact.of(edge)))
                .min()
                .orElseThrow();
        double largestFalse = known.complement().edges().stream()
                .mapToDouble(edge -> Math.abs(exact.of(edge)))
                .max()
                .orElseThrow();
        assertThat(largestFalse)
                .isCloseTo(GOLDEN.json().get("largest_exact_of_false").asDouble(), within(1e-4))
                .isLessThan(leastTrue);
        assertThat(CircuitRecovery.of(exact, known, true).auroc()).isEqualTo(1);
        assertThat(CircuitRecovery.of(exact, known, true).averagePrecision()).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "exact",
                "eap",
                "eap_ig_inputs_5",
                "eap_ig_inputs_20",
                "eap_ig_activations_5",
                "ig_activations_own_5",
                "clean_corrupted",
                "information_flow",
                "random"
            })
    void recoveryOfGoldenScores(String name) {
        EdgeScores scores = EdgeScores.of(model.config(), name, GOLDEN.tensor(name));
        JsonNode json = GOLDEN.json();
        assertThat(CircuitRecovery.of(scores, known, true).auroc())
                .isCloseTo(json.get("auroc_absolute").get(name).asDouble(), within(1e-12));
        assertThat(CircuitRecovery.of(scores, known, false).auroc())
                .isCloseTo(json.get("auroc_signed").get(name).asDouble(), within(1e-12));
        assertThat(CircuitRecovery.of(scores, known, true).mib())
                .isCloseTo(json.get("auroc_mib").get(name).asDouble(), within(1e-12));
    }

    @Test
    void theKnownCircuitIsSufficientAndNecessary() {
        CircuitEvaluation evaluation = CircuitEvaluation.measure(circuits, known);
        JsonNode json = GOLDEN.json();
        assertThat(evaluation.meanKept()).isCloseTo(json.get("keep_only_true").asDouble(), within(4e-5));
        assertThat(evaluation.meanComplement())
                .isCloseTo(json.get("without_true").asDouble(), within(4e-5));
        assertThat(evaluation.faithfulness())
                .isCloseTo(json.get("faithfulness_of_true").asDouble(), within(1e-5));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void acdc(int number) {
        JsonNode expected = GOLDEN.json().get("acdc").get(number);
        Metric metric = expected.get("metric").asString().equals("kl")
                ? Metric.klToClean(PromptPair.END)
                : Metric.logitDifference();
        CircuitExperiment experiment =
                CircuitExperiment.of(Experiment.start(circuits.experiment().runs(), metric), Ablation.counterfactual());
        Acdc found = Acdc.search(experiment, expected.get("tau").asDouble(), false);
        assertThat(found.circuit().size()).isEqualTo(expected.get("edges").asInt());
        assertThat(found.tested()).isEqualTo(expected.get("tested").asInt());
        double[] kept = GOLDEN.tensor("acdc." + number);
        for (int e = 0; e < kept.length; e++) {
            assertThat(found.circuit().contains(e)).isEqualTo(kept[e] != 0);
        }
    }

    @Test
    void iterativeAblationFindsTheComponents() {
        IterativeAblation found = IterativeAblation.run(circuits, IterativeAblation.headsAndMlps(circuits), 0.7);
        List<String> names =
                found.byEffect().essential().stream().map(Object::toString).toList();
        // The helper, half as strong as the mover, is missed only by the mover's own share.
        assertThat(names).contains("m0", "a0.h4", "a1.h5", "m2").doesNotContain("a2.h5", "m1");
        assertThat(found.byEffect().sufficiency()).isGreaterThan(0.7);
        assertThat(found.single().essential())
                .contains(Node.parse(model.config(), "m0"), Node.parse(model.config(), "a0.h4"));
        assertThat(found.fromLogits().without()).isLessThan(0.1);
        assertThat(Arrays.stream(found.necessity()).max().orElseThrow()).isGreaterThan(0.9);
    }

    @Test
    void claimsOfTheKnownCircuit() {
        CircuitClaims.AgainstRandom random = CircuitClaims.againstRandom(circuits, known, 50, 1);
        assertThat(random.sufficiency().successes()).isEqualTo(50);
        assertThat(random.necessity().successes()).isEqualTo(50);
        assertThat(random.sufficiencyP()).isLessThan(0.01);
        assertThat(random.necessityP()).isLessThan(0.01);
        CircuitEvaluation evaluation = CircuitEvaluation.measure(circuits, known);
        // The circuit lacks nothing but noise, yet it does a little better on most pairs.
        assertThat(CircuitClaims.equivalence(evaluation, 0.1).equivalenceP()).isGreaterThan(0.05);
        assertThat(CircuitClaims.independence(evaluation, 1).p()).isBetween(0.0, 1.0);
        Map<Edge, Double> p = CircuitClaims.minimality(circuits, known, 80, 1);
        assertThat(p).hasSize(15);
        assertThat(p.get(Edge.parse(model.config(), "m2->logits"))).isLessThan(0.05);
        assertThat(CircuitEvaluation.worst(circuits, known, 1).removed()).hasSizeLessThanOrEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource({"exact, 1, 0", "eap-ig, 0.99, 0.03", "ig-activations, 0.99, 0.03", "eap, 0.93, 0.01"})
    void methodsRecoverTheKnownCircuit(String method, double least, double margin) {
        EdgeScoring scoring = switch (method) {
            case "exact" -> new EdgeScoring.Exact();
            case "eap-ig" -> new EdgeScoring.InputGradients(5, EdgeScoring.PathRule.LEFT);
            case "ig-activations" -> new EdgeScoring.ActivationGradients(5, true);
            default -> new EdgeScoring.AttributionPatching(PatchingDirection.NOISING);
        };
        assertThat(CircuitRecovery.of(scoring.score(circuits), known, true).auroc())
                .isGreaterThanOrEqualTo(least)
                .isLessThanOrEqualTo(least + margin + 1e-9);
    }
}
