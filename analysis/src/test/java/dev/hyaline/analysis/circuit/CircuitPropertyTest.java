package dev.hyaline.analysis.circuit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.causal.PathPatching;
import dev.hyaline.analysis.graph.ComputationGraph;
import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.graph.Receiver;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** What holds of circuits whatever the model and the prompts. */
final class CircuitPropertyTest {
    private static final List<Ablation> ABLATIONS =
            List.of(Ablation.counterfactual(), Ablation.zero(), Ablation.mean(), Ablation.resample(3));

    private record Setting(Gpt2 model, PromptPairs pairs, Random random) implements AutoCloseable {
        static Setting of(long seed) {
            Random random = new Random(seed);
            int heads = 1 + random.nextInt(3);
            Gpt2Config config = new Gpt2Config(
                    1 + random.nextInt(3),
                    heads,
                    heads * 4,
                    4 * heads * 4,
                    16,
                    23,
                    1e-5f,
                    ActivationFunction.GELU_NEW,
                    true,
                    false,
                    true);
            Gpt2 model = Gpt2.of(Gpt2Weights.random(config, seed), 1);
            return new Setting(model, pairs(config, random), random);
        }

        private static PromptPairs pairs(Gpt2Config config, Random random) {
            List<PromptPair> pairs = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                int length = 2 + random.nextInt(6);
                int[] clean = random.ints(length, 0, config.dVocab()).toArray();
                int[] corrupted = clean.clone();
                for (int p = random.nextInt(length); p < length; p++) {
                    corrupted[p] = random.nextInt(config.dVocab());
                }
                pairs.add(new PromptPair("pair " + i, clean, corrupted, new int[] {1, 2}, new int[] {3}, Map.of()));
            }
            return PromptPairs.of(config, pairs);
        }

        CircuitExperiment circuits(Ablation ablation) {
            return CircuitExperiment.of(Experiment.start(model, pairs, Metric.logitDifference()), ablation);
        }

        Circuit circuit() {
            GraphIndex index = new GraphIndex(model.config());
            BitSet kept = new BitSet();
            double share = random.nextDouble();
            IntStream.range(0, index.size())
                    .filter(e -> random.nextDouble() < share)
                    .forEach(kept::set);
            return Circuit.of(index, kept);
        }

        @Override
        public void close() {
            model.close();
        }
    }

    @Property(tries = 10)
    void theFullCircuitIsTheCleanRunAndTheEmptyOneTheCorrupted(@ForAll long seed) {
        try (Setting setting = Setting.of(seed)) {
            for (Ablation ablation : ABLATIONS) {
                CircuitExperiment circuits = setting.circuits(ablation);
                assertThat(circuits.measure(circuits.full()))
                        .isEqualTo(circuits.experiment().baselines().clean());
            }
            CircuitExperiment circuits = setting.circuits(Ablation.counterfactual());
            double[] empty = circuits.measure(circuits.empty());
            double[] corrupted = circuits.experiment().baselines().corrupted();
            for (int pair = 0; pair < empty.length; pair++) {
                assertThat(empty[pair]).isCloseTo(corrupted[pair], within(2e-5));
            }
        }
    }

    @Property(tries = 4)
    void oneEdgeIsPathPatching(@ForAll long seed) {
        try (Setting setting = Setting.of(seed)) {
            CircuitExperiment circuits = setting.circuits(Ablation.counterfactual());
            List<Edge> edges = new ComputationGraph(circuits.config()).edges();
            EdgeScores exact = new EdgeScoring.Exact().score(circuits);
            double[] patched = circuits.experiment()
                    .sweep(PathPatching.edges(circuits.config(), PatchingDirection.NOISING, edges))
                    .table()
                    .means();
            double clean = circuits.experiment().baselines().meanClean();
            double[] effects = Arrays.stream(circuits.effects(edges))
                    .mapToDouble(CircuitExperiment::mean)
                    .toArray();
            for (int e = 0; e < patched.length; e++) {
                assertThat(exact.of(e)).isCloseTo(clean - patched[e], within(2e-5));
                assertThat(effects[e]).isCloseTo(exact.of(e), within(1e-12));
            }
        }
    }

    @Property(tries = 4)
    void neitherOrderNorThreadsNorCompanyChangeAScore(@ForAll long seed) {
        try (Setting setting = Setting.of(seed);
                Gpt2 threads = Gpt2.of(setting.model.weights(), 2)) {
            List<PromptPair> order = new ArrayList<>(setting.pairs.list());
            Collections.shuffle(order, setting.random);
            for (EdgeScoring scoring : List.of(
                    new EdgeScoring.Exact(),
                    new EdgeScoring.AttributionPatching(PatchingDirection.NOISING),
                    new EdgeScoring.InputGradients(2, EdgeScoring.PathRule.MIDPOINT),
                    new EdgeScoring.ActivationGradients(2, true),
                    new EdgeScoring.InformationFlow())) {
                EdgeScores all = scoring.score(setting.circuits(Ablation.counterfactual()));
                EdgeScores shuffled = scoring.score(CircuitExperiment.of(
                        Experiment.start(threads, PromptPairs.of(threads.config(), order), Metric.logitDifference()),
                        Ablation.counterfactual()));
                for (int i = 0; i < order.size(); i++) {
                    assertThat(shuffled.pair(i))
                            .isEqualTo(all.pair(setting.pairs.list().indexOf(order.get(i))));
                }
                EdgeScores alone = scoring.score(CircuitExperiment.of(
                        Experiment.start(
                                setting.model,
                                PromptPairs.of(setting.model.config(), List.of(setting.pairs.get(1))),
                                Metric.logitDifference()),
                        Ablation.counterfactual()));
                assertThat(alone.pair(0)).isEqualTo(all.pair(1));
            }
        }
    }

    @Property(tries = 6)
    void attributionIsLinear(@ForAll long seed) {
        try (Setting setting = Setting.of(seed)) {
            EdgeScoring scoring = new EdgeScoring.AttributionPatching(PatchingDirection.NOISING);
            Gpt2Config config = setting.model.config();
            double[] scores =
                    scoring.score(setting.circuits(Ablation.counterfactual())).values();
            List<PromptPair> exchanged = setting.pairs.list().stream()
                    .map(pair -> new PromptPair(
                            pair.name(), pair.clean(), pair.corrupted(), pair.distractors(), pair.answers(), Map.of()))
                    .toList();
            double[] turned = scoring.score(CircuitExperiment.of(
                            Experiment.start(
                                    setting.model, PromptPairs.of(config, exchanged), Metric.logitDifference()),
                            Ablation.counterfactual()))
                    .values();
            for (int e = 0; e < scores.length; e++) {
                assertThat(turned[e]).isCloseTo(-scores[e], within(1e-5));
            }
            List<PromptPair> same = setting.pairs.list().stream()
                    .map(pair -> new PromptPair(
                            pair.name(), pair.clean(), pair.clean(), pair.answers(), pair.distractors(), Map.of()))
                    .toList();
            assertThat(scoring.score(CircuitExperiment.of(
                                    Experiment.start(
                                            setting.model, PromptPairs.of(config, same), Metric.logitDifference()),
                                    Ablation.counterfactual()))
                            .values())
                    .containsOnly(0);
        }
    }

    @Property(tries = 30)
    void pruningIsIdempotentAndNeverAdds(@ForAll long seed) {
        try (Setting setting = Setting.of(seed)) {
            Circuit circuit = setting.circuit();
            Circuit pruned = circuit.pruned();
            assertThat(pruned.pruned()).isEqualTo(pruned);
            assertThat(pruned.minus(circuit).size()).isZero();
            assertThat(circuit.minus(circuit.complement())).isEqualTo(circuit);
            assertThat(circuit.size() + circuit.complement().size()).isEqualTo(circuit.graphSize());
            assertThat(circuit.jaccard(circuit)).isEqualTo(1);
            assertThat(Circuit.of(circuit.config(), circuit.edges())).isEqualTo(circuit);
        }
    }

    @Property(tries = 30)
    void selectionsAreNested(@ForAll long seed, @ForAll @IntRange(max = 40) int n) {
        try (Setting setting = Setting.of(seed)) {
            int size = new GraphIndex(setting.model.config()).size();
            double[] values = new double[size];
            Arrays.setAll(values, e -> setting.random.nextInt(7) - 3);
            EdgeScores scores = EdgeScores.of(setting.model.config(), "ties", values);
            int fewer = Math.min(n, size);
            int more = Math.min(size, fewer + 3);
            for (CircuitSelection selection : CircuitSelection.values()) {
                Circuit small = selection.select(scores, fewer);
                assertThat(small.size()).isEqualTo(fewer);
                assertThat(small.minus(selection.select(scores, more)).size()).isZero();
                assertThat(selection.select(scores, fewer)).isEqualTo(small);
            }
            Circuit least = CircuitSelection.atLeast(scores, 2, true);
            assertThat(CircuitSelection.TOP_ABSOLUTE.select(scores, least.size()))
                    .isEqualTo(least);
        }
    }

    @Property(tries = 4)
    void acdcAtTheEndsOfTheScale(@ForAll long seed) {
        try (Setting setting = Setting.of(seed)) {
            CircuitExperiment circuits = setting.circuits(Ablation.counterfactual());
            Acdc nothing = Acdc.search(circuits, Double.POSITIVE_INFINITY, false);
            assertThat(nothing.circuit().size()).isZero();
            Acdc everything = Acdc.search(circuits, Double.NEGATIVE_INFINITY, false);
            assertThat(everything.circuit()).isEqualTo(circuits.full());
            Acdc some = Acdc.search(circuits, 0.01, true);
            assertThat(some.tested()).isLessThanOrEqualTo(circuits.full().size());
            assertThat(some.loss()).isCloseTo(-circuits.mean(some.circuit()), within(1e-4));
            assertThat(some.circuit())
                    .isEqualTo(Acdc.search(circuits, 0.01, true).circuit());
        }
    }

    /** Trying edges together, as if those before had been left out, must find what trying them in turn finds. */
    @Property(tries = 6)
    void acdcFindsWhatASearchOfOneEdgeAtATimeFinds(@ForAll long seed) {
        try (Setting setting = Setting.of(seed)) {
            for (double threshold : new double[] {-0.01, 0.001, 0.05}) {
                CircuitExperiment circuits = setting.circuits(Ablation.zero());
                Acdc found = Acdc.search(circuits, threshold, false);
                Circuit now = circuits.full();
                double loss = -circuits.mean(now);
                double closest = Double.POSITIVE_INFINITY;
                int tested = 0;
                for (Edge edge : backwards(circuits.config())) {
                    Circuit without = now.without(List.of(edge));
                    Node reader = edge.receiver().node();
                    boolean matters = reader instanceof Node.LogitsNode
                            || now.edges().stream()
                                    .anyMatch(kept -> kept.sender().equals(reader));
                    double change = matters ? -circuits.mean(without) - loss : 0;
                    tested += matters ? 1 : 0;
                    closest = matters ? Math.min(closest, Math.abs(change - threshold)) : closest;
                    if (!matters || change < threshold) {
                        now = without;
                        loss += change;
                    }
                }
                assertThat(found.circuit()).isEqualTo(now);
                assertThat(found.tested()).isEqualTo(tested);
                assertThat(found.loss()).isEqualTo(loss);
                assertThat(found.closestDecision()).isEqualTo(closest);
            }
        }
    }

    /** The order in which ACDC goes through the edges. */
    private static List<Edge> backwards(Gpt2Config config) {
        ComputationGraph graph = new ComputationGraph(config);
        List<Edge> edges = new ArrayList<>();
        for (int stage = 2 * config.nLayers(); stage >= 0; stage--) {
            int layer = stage / 2;
            List<Receiver> receivers = new ArrayList<>();
            if (stage == 2 * config.nLayers()) {
                receivers.add(Receiver.of(Node.logits()));
            } else if (stage % 2 == 1) {
                receivers.add(Receiver.of(new Node.Mlp(layer)));
            } else {
                for (Receiver.HeadInput part :
                        List.of(Receiver.HeadInput.V, Receiver.HeadInput.K, Receiver.HeadInput.Q)) {
                    for (int head = config.nHeads() - 1; head >= 0; head--) {
                        receivers.add(new Receiver(new Node.Head(layer, head), part));
                    }
                }
            }
            for (Receiver receiver : receivers) {
                List<Edge> into = graph.edges().stream()
                        .filter(edge -> edge.receiver().equals(receiver))
                        .toList();
                edges.addAll(into.reversed());
            }
        }
        assertThat(edges).hasSameSizeAs(graph.edges());
        return edges;
    }

    /** Nobody reads a node that no kept edge leaves, so that what it reads decides nothing, not even a bit. */
    @Property(tries = 10)
    void edgesToANodeThatLeadsNowhereChangeNoBit(@ForAll long seed) {
        try (Setting setting = Setting.of(seed)) {
            for (Ablation ablation : ABLATIONS) {
                CircuitExperiment circuits = setting.circuits(ablation);
                Circuit some = setting.circuit();
                List<Node> senders = new ComputationGraph(circuits.config()).senders();
                Node silent = senders.get(setting.random.nextInt(senders.size()));
                Circuit leavingNone = some.without(some.edges().stream()
                        .filter(edge -> edge.sender().equals(silent))
                        .toList());
                List<Edge> into = new ComputationGraph(circuits.config())
                        .edges().stream()
                                .filter(edge -> edge.receiver().node().equals(silent))
                                .toList();
                assertThat(circuits.measure(leavingNone.with(into)))
                        .isEqualTo(circuits.measure(leavingNone.without(into)));
            }
        }
    }

    @Test
    void aCircuitOfAnotherGraphIsRefused() {
        try (Setting setting = Setting.of(1)) {
            CircuitExperiment circuits = setting.circuits(Ablation.zero());
            Gpt2Config config = circuits.config();
            Gpt2Config other = new Gpt2Config(
                    config.nLayers() + 1,
                    config.nHeads(),
                    config.dModel(),
                    config.dMlp(),
                    config.nCtx(),
                    config.dVocab(),
                    config.eps(),
                    config.actFn(),
                    true,
                    false,
                    true);
            Circuit circuit = Circuit.full(other);
            EdgeScores scores = new EdgeScoring.Random(1).score(circuits);
            for (ThrowingCallable use : List.<ThrowingCallable>of(
                    () -> circuits.measure(circuit),
                    () -> CircuitEvaluation.measure(circuits, circuit),
                    () -> GraphFile.of(circuit, scores),
                    () -> circuits.full().minus(circuit))) {
                assertThatThrownBy(use)
                        .isInstanceOf(BadInputException.class)
                        .hasMessageContaining("the circuit is of a graph of " + other.nLayers() + " layers");
            }
        }
    }

    @Test
    void pruningGoesOnUntilNothingChanges() {
        Gpt2Config config = new Gpt2Config(3, 1, 4, 8, 16, 23, 1e-5f, ActivationFunction.GELU_NEW, true, false, true);
        // Each removal exposes the next: nothing leaves m2, so m1 leads nowhere, so m0 does.
        Circuit chain = Circuit.of(
                config,
                List.of(
                        Edge.parse(config, "input->m0"),
                        Edge.parse(config, "m0->m1"),
                        Edge.parse(config, "m1->m2"),
                        Edge.parse(config, "input->logits")));
        assertThat(chain.pruned().edges()).map(Object::toString).containsExactly("input->logits");
        assertThat(chain.edges()).hasSize(4);
        assertThatThrownBy(() -> Circuit.of(config, List.of(Edge.parse(config, "m0->a1.h0"))))
                .isInstanceOf(BadInputException.class);
    }

    @Test
    void claimsOnCountsThatAreKnown() {
        Circuit circuit =
                Circuit.full(new Gpt2Config(1, 1, 4, 8, 16, 23, 1e-5f, ActivationFunction.RELU, true, false, true));
        double[] full = new double[10];
        double[] better = full.clone();
        Arrays.fill(better, 0, 9, 1);
        CircuitEvaluation often = new CircuitEvaluation(circuit, full, full, better, full, 1, 0);
        // P(|K/10 - 1/2| >= .4), K ~ Binomial(10, .6): 10 .6^9 .4 + .6^10 + 10 .4^9 .6 + .4^10
        assertThat(CircuitClaims.equivalence(often, 0.1).differenceP()).isCloseTo(0.0463574 + 0.0016777, within(1e-6));
        Arrays.fill(better, 0, 5, 1);
        Arrays.fill(better, 5, 10, -1);
        CircuitEvaluation half = new CircuitEvaluation(circuit, full, full, better, full, 1, 0);
        assertThat(CircuitClaims.equivalence(half, 0.1).differenceP()).isEqualTo(1);
        assertThat(CircuitClaims.equivalence(half, 0.4).equivalenceP()).isLessThan(0.002);
        assertThatThrownBy(() -> CircuitClaims.equivalence(half, 0.5)).hasMessageContaining("margin");
    }
}
