package dev.hyaline.analysis.circuit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.Fable;
import dev.hyaline.analysis.GoldenIoi;
import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.AblationSweep;
import dev.hyaline.analysis.causal.ActivationPatch;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.causal.Sweep;
import dev.hyaline.analysis.causal.SweepResult;
import dev.hyaline.analysis.circuit.AttributionPatches.Part;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.site.Site;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Attribution patching of fable's activations, and what it estimates, against reference values in float64. */
final class AttributionPatchesTest {
    private static final int LAYERS = 4;

    private static Gpt2 model;
    private static Case ioi;
    private static Case greaterThan;

    /** A task, its reference and what is found. */
    record Case(GoldenCircuits golden, Experiment experiment, double tolerance, AttributionPatches patches) {
        static Case of(GoldenCircuits golden, PromptPairs pairs, Metric metric, double tolerance) {
            Experiment experiment = Experiment.start(model, pairs, metric);
            return new Case(golden, experiment, tolerance, AttributionPatches.measure(experiment));
        }

        int pairs() {
            return experiment.pairs().size();
        }

        void requireClose(String tensor, IntFunction<double[]> ofPair) {
            golden.requireClose(tensor, all(ofPair), 1e-5);
        }

        /** Compares differences of the metric, which have the error of its two values. */
        void requireEffect(String tensor, IntFunction<double[]> ofPair) {
            GoldenCircuitTest.assertClose(all(ofPair), golden.tensor(tensor), tolerance);
        }

        private double[] all(IntFunction<double[]> ofPair) {
            return IntStream.range(0, pairs())
                    .mapToObj(ofPair)
                    .flatMapToDouble(Arrays::stream)
                    .toArray();
        }

        /** The effects of patching from the corrupted run, against those of the reference. */
        void requireEffects(String tensor, Sweep sweep) {
            SweepResult result = experiment.sweep(sweep);
            double[] clean = experiment.baselines().clean();
            requireEffect(
                    tensor,
                    pair -> IntStream.range(0, result.table().cells())
                            .mapToDouble(cell -> clean[pair] - result.table().values(cell)[pair])
                            .toArray());
        }

        @Override
        public String toString() {
            return golden.name();
        }
    }

    @BeforeAll
    static void run() {
        model = Fable.open();
        ioi = Case.of(
                GoldenCircuits.FABLE, GoldenIoi.pairs(model.config()), Metric.logitDifference(), GoldenIoi.TOLERANCE);
        greaterThan = Case.of(
                GoldenCircuits.GREATER_THAN,
                GoldenCircuits.greaterThan(model.config()),
                Metric.probabilityDifference(PromptPair.END),
                2e-6);
    }

    static Stream<Case> cases() {
        return Stream.of(ioi, greaterThan);
    }

    @AfterAll
    static void close() {
        model.close();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void estimatesByPosition(Case task) {
        for (Part part : Part.values()) {
            task.requireClose(
                    "site.atp." + part.toString().toLowerCase(Locale.ROOT),
                    pair -> task.patches().of(part, pair));
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void exactEffectsOfWhatIsEstimated(Case task) {
        for (Part part : Part.values()) {
            task.requireEffects(
                    "site.exact." + part.toString().toLowerCase(Locale.ROOT),
                    AblationSweep.of(
                            model.config(),
                            Ablation.counterfactual(),
                            Site.valueOf(part.toString()),
                            part == Part.MLP_OUT ? AblationSweep.Along.everyLayer() : AblationSweep.Along.everyHead()));
        }
        for (ActivationPatch patch : List.of(ActivationPatch.ATTN_HEAD_Q_BY_POS, ActivationPatch.ATTN_HEAD_K_BY_POS)) {
            SweepResult result = task.experiment()
                    .sweep(patch.sweep(
                            model.config(),
                            PatchingDirection.NOISING,
                            task.experiment().pairs()));
            double[] clean = task.experiment().baselines().clean();
            int length = task.experiment().pairs().get(0).length();
            // The table goes by layer, position and head.
            task.requireEffect(
                    patch == ActivationPatch.ATTN_HEAD_Q_BY_POS ? "site.exact.q_by_pos" : "site.exact.k_by_pos",
                    pair -> IntStream.range(0, result.table().cells())
                            .map(cell -> (cell / (8 * length) * length + cell % length) * 8 + cell / length % 8)
                            .mapToDouble(cell -> clean[pair] - result.table().values(cell)[pair])
                            .toArray());
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void fixedQueriesAndKeys(Case task) {
        task.requireClose("site.atp.q_fix", task.patches()::fixedQueries);
        task.requireClose("site.atp.k_fix", task.patches()::fixedKeys);
    }

    /** The fix is nearer to exact patching by position. */
    @Test
    void fixedQueriesAndKeysAreNearer() {
        AttributionPatches patches = ioi.patches();
        assertThat(error("q_by_pos", pair -> patches.of(Part.Q, pair))).isCloseTo(0.175, within(0.002));
        assertThat(error("q_by_pos", patches::fixedQueries)).isCloseTo(0.133, within(0.002));
        assertThat(error("k_by_pos", pair -> patches.of(Part.K, pair))).isCloseTo(0.023, within(0.001));
        assertThat(error("k_by_pos", patches::fixedKeys)).isCloseTo(0.011, within(0.001));
    }

    /** The root mean square of the distance from exact patching. */
    private static double error(String exactTensor, IntFunction<double[]> ofPair) {
        double[] exact = GoldenCircuits.FABLE.tensor("site.exact." + exactTensor);
        double squares = 0;
        int size = exact.length / ioi.pairs();
        for (int pair = 0; pair < ioi.pairs(); pair++) {
            double[] found = ofPair.apply(pair);
            for (int i = 0; i < size; i++) {
                squares += Math.pow(found[i] - exact[pair * size + i], 2);
            }
        }
        return Math.sqrt(squares / exact.length);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void droppedGradients(Case task) {
        for (Part part : List.of(Part.Z, Part.MLP_OUT)) {
            double[][][] byLayer = new double[LAYERS][][];
            for (int layer = 0; layer < LAYERS; layer++) {
                byLayer[layer] = task.patches().dropping(layer, part);
            }
            task.requireClose(
                    "site.graddrop." + part.toString().toLowerCase(Locale.ROOT),
                    pair -> Arrays.stream(byLayer)
                            .flatMapToDouble(layer -> Arrays.stream(layer[pair]))
                            .toArray());
            assertThat(Objects.requireNonNull(task.patches().ranking().get(part)))
                    .containsExactly(ranking(byLayer, part == Part.Z ? 8 : 1), within(1e-12));
        }
    }

    /** The mean over pairs and undropped layers of each node's absolute sum. */
    private static double[] ranking(double[][][] byLayer, int heads) {
        int pairs = byLayer[0].length;
        double[] sums = new double[LAYERS * heads];
        int length = byLayer[0][0].length / sums.length;
        for (double[][] dropped : byLayer) {
            for (double[] pair : dropped) {
                for (int node = 0; node < sums.length; node++) {
                    double sum = 0;
                    for (int position = 0; position < length; position++) {
                        sum += pair[node * length + position];
                    }
                    sums[node] += Math.abs(sum) / ((LAYERS - 1.0) * pairs);
                }
            }
        }
        return sums;
    }

    @Test
    void nodesAreTheSumsOfTheirEdges() {
        double[] bySender = GoldenCircuits.FABLE.tensor("node_eap");
        int pairs = ioi.pairs();
        double[] heads = new double[LAYERS * 8];
        double[] importance = new double[LAYERS * 8];
        for (int pair = 0; pair < pairs; pair++) {
            double[] z = ioi.patches().of(Part.Z, pair);
            for (int head = 0; head < heads.length; head++) {
                double sum = Arrays.stream(z, head * 15, (head + 1) * 15).sum();
                heads[head] += sum / pairs;
                importance[head] += Math.abs(sum) / pairs;
            }
        }
        for (int head = 0; head < heads.length; head++) {
            assertThat(heads[head]).isCloseTo(bySender[1 + head / 8 * 9 + head % 8], within(5e-5));
        }
        assertThat(ioi.patches().headImportance(false)).containsExactly(importance, within(1e-12));
        double[] normed = ioi.patches().headImportance(true);
        for (int layer = 0; layer < LAYERS; layer++) {
            assertThat(Arrays.stream(normed, layer * 8, layer * 8 + 8)
                            .map(x -> x * x)
                            .sum())
                    .isCloseTo(1, within(1e-12));
        }
    }

    @Test
    void neuronsAddUpToTheirLayer() {
        // What an MLP writes is linear in its neurons.
        double[] neurons = ioi.patches().neurons(0);
        double[] out = ioi.patches().of(Part.MLP_OUT, 0);
        int width = neurons.length / LAYERS;
        for (int layer = 0; layer < LAYERS; layer++) {
            assertThat(Arrays.stream(neurons, layer * width, (layer + 1) * width)
                            .sum())
                    .isCloseTo(Arrays.stream(out, layer * 15, (layer + 1) * 15).sum(), within(1e-4));
        }
    }

    @Test
    void aMetricWithoutAGradientIsRefused() {
        assertThatThrownBy(() -> AttributionPatches.measure(
                        Experiment.start(ioi.experiment().runs(), Metric.klToClean(PromptPair.END))))
                .hasMessageContaining("no gradient");
    }
}
