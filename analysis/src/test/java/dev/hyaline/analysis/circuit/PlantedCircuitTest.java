package dev.hyaline.analysis.circuit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.Experiment;
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
        GOLDEN.json()
                .get("exact_of_true")
                .forEachEntry((edge, effect) -> assertThat(exact.of(Edge.parse(model.config(), edge)))
                        .isCloseTo(effect.asDouble(), within(4e-5)));
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

    @ParameterizedTest
    @CsvSource({
        "counterfactual, exact eap eap_ig_inputs_5 eap_ig_inputs_20 eap_ig_inputs_5_right eap_ig_inputs_5_midpoint"
                + " eap_ig_activations_5 ig_activations_own_5 clean_corrupted information_flow",
        "zero, exact.zero eap.zero eap_ig_activations_5.zero",
        "mean, exact.mean eap.mean eap_ig_activations_5.mean",
        "mean-positional, exact.mean-positional eap.mean-positional eap_ig_activations_5.mean-positional"
    })
    void scoresOfTheReference(String ablation, String names) {
        CircuitExperiment ablated = CircuitExperiment.of(circuits.experiment(), GoldenCircuits.ablation(ablation));
        for (String name : names.split(" ", -1)) {
            GOLDEN.requireScores(ablated, name);
        }
    }

    @Test
    void everyPairIsAnsweredRight() {
        GoldenCircuitTest.assertClose(
                circuits.experiment().baselines().clean(),
                GoldenCircuits.doubles(GOLDEN.json().get("clean")),
                4e-5);
        GoldenCircuitTest.assertClose(
                circuits.experiment().baselines().corrupted(),
                GoldenCircuits.doubles(GOLDEN.json().get("corrupted")),
                4e-5);
        assertThat(Experiment.start(circuits.experiment().runs(), GoldenCircuits.metric("accuracy"))
                        .baselines()
                        .meanClean())
                .isEqualTo(GOLDEN.json().get("accuracy").asDouble());
    }

    @Test
    void sumsOfTheInputsEdgesAndRankCorrelations() {
        GOLDEN.requireCompleteness(circuits);
        GOLDEN.requireSpearman();
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
    @CsvSource({
        "exact, 1",
        "eap_ig_inputs_5, 0.998",
        "eap_ig_inputs_20, 0.996",
        "eap_ig_activations_5, 0.991",
        "ig_activations_own_5, 0.999",
        "clean_corrupted, 0.920",
        "eap, 0.932",
        "information_flow, 0.813"
    })
    void methodsRecoverTheKnownCircuit(String method, double auroc) {
        EdgeScores scores = GoldenCircuits.scoring(method).score(circuits);
        assertThat(CircuitRecovery.of(scores, known, true).auroc())
                .isCloseTo(auroc, within(6e-4))
                .isGreaterThan(CircuitRecovery.of(new EdgeScoring.Random(1).score(circuits), known, true)
                                .auroc()
                        + 0.2);
    }
}
