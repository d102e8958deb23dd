package dev.hyaline.analysis.circuit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.causal.SweepOptions;
import dev.hyaline.analysis.graph.ComputationGraph;
import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.TensorSource;
import dev.hyaline.engine.TensorSpec;
import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.fixtures.CallingProbe;
import dev.hyaline.engine.fixtures.RandomModels;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.gradient.Gradients;
import dev.hyaline.instrument.gradient.Objective;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Faults that other tools for circuits had, each as a test that this one has not. */
final class KnownFaultsTest {
    private static final Gpt2Config CONFIG =
            new Gpt2Config(2, 3, 12, 20, 16, 23, 1e-5f, ActivationFunction.GELU_NEW, true, false, true);

    private static Gpt2 model;
    private static CircuitExperiment byMean;
    private static CircuitExperiment circuits;

    @BeforeAll
    static void run() {
        model = Gpt2.of(RandomModels.weights(CONFIG, 3), 2);
        Experiment experiment = Experiment.start(model, pairs(CONFIG, 5, 8), Metric.logitDifference());
        byMean = CircuitExperiment.of(experiment, Ablation.mean());
        circuits = CircuitExperiment.of(experiment, Ablation.counterfactual());
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static PromptPairs pairs(Gpt2Config config, int... lengths) {
        Random random = new Random(7);
        List<PromptPair> pairs = new ArrayList<>();
        for (int length : lengths) {
            pairs.add(new PromptPair(
                    "pair " + pairs.size(),
                    random.ints(length, 0, config.dVocab()).toArray(),
                    random.ints(length, 0, config.dVocab()).toArray(),
                    new int[] {1},
                    new int[] {2},
                    Map.of()));
        }
        return PromptPairs.of(config, pairs);
    }

    /** EAP-IG gave every node one vector, from the last tokens alone. */
    @Test
    void theMeanOfANodeIsItsOwnOverAllTokens() {
        List<HookPoint> points = List.of(HookPoint.of(Site.Z, 1), HookPoint.of(Site.MLP_OUT, 0));
        ActivationCache cache = ActivationCache.record(model, byMean.pairs().clean(CONFIG), Capture.of(points));
        for (HookPoint point : points) {
            double[] mean = new double[CONFIG.dModel()];
            for (int pair = 0; pair < 2; pair++) {
                float[] values = cache.values(point, pair);
                for (int i = 0; i < values.length; i++) {
                    mean[i % mean.length] += values[i] / 13.0;
                }
            }
            int nodes = point.site() == Site.Z ? CONFIG.nHeads() : 1;
            for (int node = 0; node < nodes; node++) {
                Node of = point.site() == Site.Z ? new Node.Head(1, node) : new Node.Mlp(0);
                float[] row = byMean.edits().ablated(1).row(byMean.index().sender(of), 6);
                for (int i = 0; i < row.length; i++) {
                    assertThat((double) row[i])
                            .isCloseTo(mean[node * row.length + i], within(1e-5))
                            .isNotZero();
                }
            }
        }
    }

    /** Whoever waited for gradients waited for all passes, even after having cancelled. */
    @Test
    void aPassBackEndsWhereItsProgressThrows() {
        EdgeScoring scoring = new EdgeScoring.InputGradients(3, EdgeScoring.PathRule.LEFT);
        List<String> told = new ArrayList<>();
        EdgeScores whole = scoring.score(byMean, SweepOptions.none().progress((done, all) -> {
            told.add(done + " of " + all);
        }));
        int pairs = byMean.pairs().size();
        assertThat(told).startsWith("0 of " + 3 * pairs).endsWith(3 * pairs + " of " + 3 * pairs);
        // Often within the first pass.
        assertThat(told.stream().filter(("0 of " + 3 * pairs)::equals).count()).isGreaterThan(CONFIG.nLayers());
        int[] calls = {0};
        assertThatThrownBy(() -> scoring.score(byMean, SweepOptions.none().progress((done, all) -> {
                    if (++calls[0] == 2) {
                        throw new IllegalStateException("nobody waits");
                    }
                })))
                .hasMessage("nobody waits");
        assertThat(calls[0]).isEqualTo(2);
        // The model is none the worse.
        assertThat(scoring.score(byMean).values()).isEqualTo(whole.values());
    }

    /** EAP-IG went from the clean values to zero where it should have gone to the mean. */
    @Test
    void thePathOfActivationsEndsAtTheAblatedValues() {
        EdgeGradients gradients = new EdgeGradients(byMean, (done, total) -> {}, 1);
        HookPoint point = HookPoint.of(Site.MLP_OUT, 0);
        int sender = byMean.index().sender(new Node.Mlp(0));
        for (double own : new double[] {0, 0.25, 1}) {
            gradients
                    .held(1, own)
                    .reading(new CallingProbe(point::equals, (at, values) -> {
                        for (int i = 0; i < CONFIG.dModel(); i++) {
                            float clean = byMean.edits().clean(0).row(sender, 3)[i];
                            float ablated = byMean.edits().ablated(0).row(sender, 3)[i];
                            assertThat((double) values.values()[values.offset(0) + 3 * CONFIG.dModel() + i])
                                    .isCloseTo(own * clean + (1 - own) * ablated, within(1e-5));
                            assertThat(ablated).isNotZero();
                        }
                    }))
                    .forward(0, 1, LogitSelection.none(), Probe.NONE);
        }
    }

    /** EAP-IG pruned its graph after the first node, so that all others had the same effect. */
    @Test
    void exactEffectsOfNodesDoNotDependOnTheirOrder() {
        List<Node> nodes = new ArrayList<>(IterativeAblation.headsAndMlps(circuits));
        double[] necessity = IterativeAblation.run(circuits, nodes, 0.5).necessity();
        Collections.reverse(nodes);
        assertThat(IterativeAblation.run(circuits, nodes, 0.5).necessity()).isEqualTo(necessity);
        assertThat(Arrays.stream(necessity).distinct().count()).isEqualTo(nodes.size());
    }

    /** MIB counted an edge that a file lacks as found. */
    @Test
    void anEdgeThatAFileLacksIsNotFound() {
        String json = "{\"cfg\": {\"n_layers\": 2, \"n_heads\": 3, \"parallel_attn_mlp\": false, \"d_model\": 12},"
                + " \"nodes\": {\"input\": {\"in_graph\": true}, \"m0\": {\"in_graph\": true}, \"logits\":"
                + " {\"in_graph\": true}}, \"edges\": {\"input->m0\": {\"score\": 2.0, \"in_graph\": true}}}";
        GraphFile file = GraphFile.parse("file", json.getBytes(StandardCharsets.UTF_8), CONFIG);
        Circuit known = Circuit.of(CONFIG, List.of(Edge.parse(CONFIG, "input->m0"), Edge.parse(CONFIG, "m0->logits")));
        assertThat(file.circuit().contains(Edge.parse(CONFIG, "m0->logits"))).isFalse();
        // One of two is found; the other is drawn among all edges of score 0.
        assertThat(CircuitRecovery.of(file.scores("file"), known, true).auroc()).isCloseTo(0.75, within(1e-12));
    }

    /** The fix of keys once took the pattern of the query's fix. */
    @Test
    void theFixOfAKeyIsASoftmaxWithThatKeyReplaced() {
        AttributionPatches patches = AttributionPatches.measure(circuits.experiment());
        Prompts clean = circuits.pairs().clean(CONFIG);
        List<HookPoint> points =
                List.of(HookPoint.of(Site.Q, 1), HookPoint.of(Site.K, 1), HookPoint.of(Site.PATTERN, 1));
        ActivationCache own = ActivationCache.record(model, clean, Capture.of(points));
        ActivationCache other = ActivationCache.record(model, circuits.pairs().corrupted(CONFIG), Capture.of(points));
        Gradients gradients = Gradients.of(
                model,
                clean,
                Objective.logitDifference(clean, new int[][] {{1}, {1}}, new int[][] {{2}, {2}}),
                Capture.of(points));
        int length = 8;
        int d = CONFIG.dHead();
        float[] q = own.values(points.get(0), 1);
        float[] k = own.values(points.get(1), 1);
        float[] otherK = other.values(points.get(1), 1);
        float[] pattern = own.values(points.get(2), 1);
        float[] gradient = gradients.values(points.get(2), 1);
        double[] fixed = patches.fixedKeys(1);
        double largest = 0;
        for (int head = 0; head < 3; head++) {
            for (int j = 0; j < length; j++) {
                double expected = 0;
                for (int i = j; i < length; i++) {
                    double[] row = new double[i + 1];
                    double sum = 0;
                    for (int m = 0; m <= i; m++) {
                        double score = 0;
                        for (int c = 0; c < d; c++) {
                            score += q[(i * 3 + head) * d + c] * (m == j ? otherK : k)[(m * 3 + head) * d + c];
                        }
                        row[m] = Math.exp(score / Math.sqrt(d));
                        sum += row[m];
                    }
                    for (int m = 0; m <= i; m++) {
                        int at = (head * length + i) * length + m;
                        expected -= (row[m] / sum - pattern[at]) * gradient[at];
                    }
                }
                assertThat(fixed[(3 + head) * length + j]).isCloseTo(expected, within(1e-5));
                largest = Math.max(largest, Math.abs(expected));
            }
        }
        assertThat(largest).isGreaterThan(1e-3);
    }

    /** ACDC zeroed biases under zero ablation, and counted edges into MLPs twice. */
    @Test
    void zeroAblationLeavesBiasesAndPositions() {
        CircuitExperiment zero = CircuitExperiment.of(circuits.experiment(), Ablation.zero());
        assertThat(zero.measure(zero.full()))
                .isEqualTo(circuits.experiment().baselines().clean());
        double[] sum = zero.edits().weights().constant(4, 7, true);
        double[] expected = new double[12];
        for (int i = 0; i < 12; i++) {
            expected[i] = model.weights().tensor("wpe.weight")[7 * 12 + i]
                    + model.weights().tensor("h.0.attn.c_proj.bias")[i]
                    + model.weights().tensor("h.1.attn.c_proj.bias")[i];
        }
        assertThat(sum).containsExactly(expected, within(1e-6));
        assertThat(zero.measure(zero.empty())).doesNotContain(0.0);
    }

    @ParameterizedTest
    @CsvSource({"4, 8, 1519", "12, 12, 32491", "2, 3, 75", "1, 1, 8"})
    void edgesAreCountedOnce(int layers, int heads, int expected) {
        Gpt2Config config = new Gpt2Config(
                layers, heads, heads, heads, 16, 23, 1e-5f, ActivationFunction.GELU_NEW, true, false, true);
        List<String> names = new ComputationGraph(config)
                .edges().stream().map(Object::toString).toList();
        int formula = 0;
        for (int layer = 0; layer < layers; layer++) {
            int before = 1 + layer * (heads + 1);
            formula += 3 * heads * before + before + heads;
        }
        assertThat(names).hasSize(expected).hasSize(formula + 1 + layers * (heads + 1));
        // Names are unique, and give the edge back.
        assertThat(new HashSet<>(names)).hasSize(expected);
        assertThat(names)
                .allSatisfy(name -> assertThat(Edge.parse(config, name)).hasToString(name));
        assertThat(Circuit.full(config).nodes())
                .allSatisfy(
                        node -> assertThat(Node.parse(config, node.toString())).isEqualTo(node));
    }

    /** auto-circuit averaged over all stages, whoever was held. */
    @Test
    void gradientsOfOnesOwnStageAreNotThoseOfAll() {
        int edge = circuits.full().number(Edge.parse(CONFIG, "m1->logits"));
        double exact = circuits.effects(List.of(Edge.parse(CONFIG, "m1->logits")))[0][1];
        double own =
                new EdgeScoring.ActivationGradients(200, true).score(circuits).pair(1)[edge];
        double all =
                new EdgeScoring.ActivationGradients(200, false).score(circuits).pair(1)[edge];
        // Only the logits read the last MLP, and so the mean of its own path is the edge's exact effect.
        assertThat(own).isCloseTo(exact, within(0.01 * Math.abs(exact)));
        assertThat(Math.abs(all - exact)).isGreaterThan(0.05 * Math.abs(exact));
    }

    /** TransformerLens lost gradients at sites that are views of others. */
    @Test
    void everySiteHasAGradient() {
        Prompts prompts = circuits.pairs().clean(CONFIG);
        List<HookPoint> points = HookPoint.all(CONFIG).stream()
                .filter(point -> point.site() != Site.UNEMBED_OUT)
                .toList();
        Gradients gradients = Gradients.of(
                model,
                prompts,
                Objective.logitDifference(prompts, new int[][] {{1}, {1}}, new int[][] {{2}, {2}}),
                Capture.of(points));
        for (HookPoint point : points) {
            for (int pair = 0; pair < 2; pair++) {
                float[] gradient = gradients.values(point, pair);
                boolean any = false;
                for (float slope : gradient) {
                    any |= slope != 0;
                }
                assertThat(any).as(point + " of pair " + pair).isTrue();
            }
        }
    }

    /** That nodes' scores add up to the change of the metric holds of linear models alone, and of those along a cut. */
    @Test
    void scoresAreExactInALinearModel() {
        Gpt2Config config = new Gpt2Config(2, 2, 8, 8, 16, 23, 1e6f, ActivationFunction.GELU_NEW, true, false, true);
        TensorSource random = RandomModels.source(9);
        TensorSource linear = new TensorSource() {
            @Override
            public String name() {
                return "a linear model";
            }

            @Override
            public void read(TensorSpec tensor, int firstRow, int rows, float[] out, int offset) {
                random.read(tensor, firstRow, rows, out, offset);
                int columns = tensor.columns();
                for (int i = 0; i < rows * columns; i++) {
                    // A huge epsilon makes a norm linear, and without queries and keys attention is even.
                    if (tensor.name().contains("ln_") && tensor.name().endsWith("weight")) {
                        out[offset + i] *= 1000;
                    } else if ((tensor.name().contains("c_attn") && i % columns < 2 * columns / 3)
                            || tensor.name().contains("c_fc.weight")) {
                        out[offset + i] = 0;
                    }
                }
            }
        };
        try (Gpt2 of = Gpt2.of(Gpt2Weights.load(config, linear), 1)) {
            CircuitExperiment experiment = CircuitExperiment.of(
                    Experiment.start(of, pairs(config, 6, 7), Metric.logitDifference()), Ablation.counterfactual());
            EdgeScores exact = new EdgeScoring.Exact().score(experiment);
            EdgeScores eap = new EdgeScoring.AttributionPatching(PatchingDirection.NOISING).score(experiment);
            double whole = experiment.mean(experiment.full()) - experiment.mean(experiment.empty());
            assertThat(Math.abs(whole)).isGreaterThan(0.1);
            GoldenCircuitTest.assertClose(eap.values(), exact.values(), 1e-4 * Math.abs(whole));
            assertThat(eap.bySender()[0]).isCloseTo(whole, within(1e-4 * Math.abs(whole)));
            double toLogits = 0;
            for (int s = 0; s < experiment.index().senders().size(); s++) {
                toLogits += eap.of(experiment
                        .index()
                        .edge(s, experiment.index().receivers().size() - 1));
            }
            assertThat(toLogits).isCloseTo(whole, within(1e-4 * Math.abs(whole)));
        }
    }

    /** A circuit in which nothing reaches a node still has what the node makes of the ablated values. */
    @Test
    void deadNodesWriteUnderZeroAblationAlone() {
        BitSet kept = new BitSet();
        kept.set(0, circuits.index().size());
        for (int e = 0; e < circuits.index().size(); e++) {
            Edge edge = circuits.index().edges().get(e);
            if (edge.receiver().node().equals(new Node.Mlp(1))) {
                kept.clear(e);
            }
        }
        Circuit dead = Circuit.of(circuits.index(), kept);
        CircuitExperiment zero = CircuitExperiment.of(circuits.experiment(), Ablation.zero());
        assertThat(Math.abs(zero.mean(dead) - zero.mean(dead.pruned()))).isGreaterThan(1e-3);
        assertThat(circuits.mean(dead)).isCloseTo(circuits.mean(dead.pruned()), within(1e-4));
    }
}
