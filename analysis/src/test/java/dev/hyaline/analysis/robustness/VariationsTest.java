package dev.hyaline.analysis.robustness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.circuit.Circuit;
import dev.hyaline.analysis.circuit.CircuitEvaluation;
import dev.hyaline.analysis.circuit.CircuitExperiment;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptEncoder;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.prompt.Task;
import dev.hyaline.analysis.sanity.BuiltInMethod;
import dev.hyaline.analysis.sanity.Subject;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.weights.Checkpoint;
import dev.hyaline.weights.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The variations that fable's indirect objects allow, in both orders of names. */
final class VariationsTest {
    private static Checkpoint checkpoint;
    private static Gpt2 model;
    private static Subject subject;
    private static List<PromptPair> abba;

    @BeforeAll
    static void open() {
        checkpoint = Checkpoint.builtIn("fable");
        Tokenizer tokenizer = checkpoint.tokenizer();
        PromptEncoder encoder =
                new PromptEncoder(tokenizer::encode, List.of(tokenizer.endOfText()), tokenizer.vocabularySize());
        model = Gpt2.of(checkpoint.weights(), 2);
        abba = Task.IOI_ABBA.draw(encoder, 8, 1);
        List<PromptPair> both = new ArrayList<>(abba);
        both.addAll(Task.IOI_ABBA.otherOrder().orElseThrow().draw(encoder, 8, 1));
        subject = new Subject(model, PromptPairs.of(model.config(), both), Metric.logitDifference(), 1);
    }

    @AfterAll
    static void close() {
        model.close();
        checkpoint.close();
    }

    @Test
    void everyFamily() {
        Circuit circuit = Circuit.ofNodes(
                model.config(),
                Circuit.full(model.config()).nodes().stream()
                        .filter(node -> !(node instanceof Node.Head head) || head.layer() < 3)
                        .toList());
        Variations variations = Variations.of(BuiltInMethod.ABLATE_MEAN, subject)
                .circuit(circuit)
                .prompts("prompts", "few", PromptPairs.of(model.config(), abba.subList(0, 3)))
                .prompts("prompts", "one order", PromptPairs.of(model.config(), abba))
                .checkpoint("the same", model);
        Map<String, Variation> done =
                variations.run().stream().collect(Collectors.toMap(of -> of.family() + ": " + of.name(), of -> of));
        assertThat(done.keySet())
                .contains(
                        "prompts: one order",
                        "names: half of the units",
                        "names: the other units",
                        "order: only IO first",
                        "order: only S1 first",
                        "ablation: zero",
                        "ablation: resample",
                        "strata: only ABBA",
                        "precision: bfloat16 weights",
                        "checkpoint: the same")
                .doesNotContain("prompts: few");
        // The order is that of the strata here, and of the prompts that are given.
        double[][] ofOrder = done.get("order: only IO first").finding().effects();
        assertThat(ofOrder)
                .isDeepEqualTo(done.get("strata: only ABBA").finding().effects());
        assertThat(ofOrder)
                .isDeepEqualTo(done.get("prompts: one order").finding().effects());
        // No unit is in both halves, and none is lost.
        List<String> half = done.get("names: half of the units").units();
        List<String> rest = done.get("names: the other units").units();
        assertThat(half).doesNotContainAnyElementsOf(rest);
        assertThat(half.size() + rest.size()).isEqualTo(16);
        Variation found = variations.finding();
        assertThat(done.get("checkpoint: the same").finding().effects())
                .isDeepEqualTo(found.finding().effects());
        CircuitEvaluation direct = CircuitEvaluation.measure(
                CircuitExperiment.of(
                        Experiment.start(model, subject.pairs(), Metric.logitDifference()), Ablation.mean()),
                circuit);
        double[] ones = new double[16];
        Arrays.fill(ones, 1);
        assertThat(found.circuit().faithfulness(ones)).isCloseTo(direct.faithfulness(), within(1e-12));
        assertThat(done.get("ablation: zero").circuit().empty())
                .isNotEqualTo(found.circuit().empty());
    }
}
