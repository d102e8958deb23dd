package dev.hyaline.analysis.circuit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.Fable;
import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.MetricObjective;
import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.files.Digests;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.gradient.Gradients;
import dev.hyaline.weights.Checkpoint;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

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
        experiment = Experiment.start(
                model, GoldenCircuits.greaterThan(model.config()), Metric.probabilityDifference(PromptPair.END));
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static CircuitExperiment circuits(String ablation) {
        return CircuitExperiment.of(experiment, GoldenCircuits.ablation(ablation));
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
                golden.requireScores(circuits, method);
            }
            golden.requireCompleteness(circuits);
            golden.requireSpearman();
            for (String ablation : ABLATIONS) {
                CircuitExperiment ablated = CircuitExperiment.of(pairs, GoldenCircuits.ablation(ablation));
                golden.requireScores(ablated, "exact." + ablation);
                golden.requireScores(ablated, "eap." + ablation);
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
            GOLDEN.requireScores(circuits("counterfactual"), method);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"zero", "mean", "mean-positional"})
    void scoresOfGreaterThanUnderOtherAblations(String ablation) {
        for (String method : List.of("exact.", "eap.", "eap_ig_activations_5.")) {
            GOLDEN.requireScores(circuits(ablation), method + ablation);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"zero", "mean"})
    void scoresWhereTheInputHasPositions(String ablation) {
        CircuitExperiment circuits =
                CircuitExperiment.of(experiment, GoldenCircuits.ablation(ablation), InputMeaning.TOKENS_AND_POSITIONS);
        String name = ablation + ".input_with_positions";
        GOLDEN.requireClose(
                "exact." + name, new EdgeScoring.Exact().score(circuits).values(), 1e-5);
        assertThat(circuits.mean(circuits.empty()))
                .isCloseTo(GOLDEN.json().get("empty." + name).asDouble(), within(2e-6));
    }

    @Test
    void scoresByDivergence() {
        GOLDEN.requireScores(
                CircuitExperiment.of(
                        Experiment.start(experiment.runs(), Metric.klToClean(PromptPair.END)),
                        Ablation.counterfactual()),
                "eap_ig_inputs_5.kl");
        GOLDEN.requireHalfOpenMasks(experiment);
    }

    @Test
    void metricsOfEveryPair() {
        GOLDEN.requireMetrics(experiment);
    }

    /** Of sets of answers and distractors. */
    @ParameterizedTest
    @ValueSource(strings = {"logit-diff", "log-prob", "prob-diff", "kl", "cross-entropy"})
    void gradientsOfMetrics(String name) {
        Side side = name.equals("kl") ? Side.CORRUPTED : Side.CLEAN;
        HookPoint embedded = HookPoint.of(Site.RESID_PRE, 0);
        HookPoint last = HookPoint.of(Site.LN_FINAL_NORMALIZED);
        Gradients gradients = Gradients.of(
                model,
                side.prompts(experiment.pairs(), model.config()),
                MetricObjective.of(model, experiment.pairs(), side, GoldenCircuits.metric(name)),
                Capture.of(List.of(embedded, last)));
        GOLDEN.requireClose(
                "metric." + name + ".grad." + embedded, all(pair -> gradients.values(embedded, pair)), 1e-5);
        double[] atTheEnd = all(
                pair -> gradients.row(last, pair, experiment.pairs().get(pair).end()));
        if (name.equals("cross-entropy")) {
            assertThat(atTheEnd).as("of a token after which none comes").containsOnly(0);
        } else {
            GOLDEN.requireClose("metric." + name + ".grad." + last, atTheEnd, 1e-5);
        }
    }

    private static double[] all(IntFunction<float[]> ofPair) {
        return IntStream.range(0, experiment.pairs().size())
                .mapToObj(ofPair)
                .flatMapToDouble(values -> IntStream.range(0, values.length).mapToDouble(i -> values[i]))
                .toArray();
    }

    @Test
    void inputGradientsAddUpToTheWholeEffect() {
        GOLDEN.requireCompleteness(circuits("counterfactual"));
    }

    @Test
    void rankCorrelationsAndStability() {
        GOLDEN.requireSpearman();
        GOLDEN.requireStability(model.config());
    }

    /** The reference's file is told by its hash alone: it is as large as all of this test's other files. */
    @Test
    void graphFileOfTheReference() {
        Circuit circuit = CircuitSelection.TOP
                .select(GOLDEN.scores(model.config(), "eap_ig_inputs_5"), 30)
                .pruned();
        String json = GraphFile.of(circuit, GOLDEN.scores(model.config(), "eap_ig_inputs_5"))
                .json();
        assertThat(HexFormat.of().formatHex(Digests.sha256().digest(json.getBytes(StandardCharsets.UTF_8))))
                .isEqualTo("11ff22abffaf2c718f2d14417a6aa4c5e2e7108a2490a2a5adcde743e3c3c33e");
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
        GOLDEN.requireEvaluation(circuits("counterfactual"));
    }
}
