package dev.hyaline.analysis.circuit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.Fable;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.circuit.AttributionPatches.Part;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.engine.Gpt2;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.IntFunction;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Attribution patching of fable's activations against reference values in float64. */
final class AttributionPatchesTest {
    private static final int PAIRS = 8;
    private static final int LAYERS = 4;

    private static Gpt2 model;
    private static Experiment experiment;
    private static AttributionPatches patches;

    @BeforeAll
    static void run() {
        model = Fable.open();
        experiment = Fable.goldenIoi(model);
        patches = AttributionPatches.measure(experiment);
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static void assertClose(String tensor, IntFunction<double[]> ofPair) {
        double[] expected = GoldenCircuits.FABLE.tensor(tensor);
        double[] found = new double[expected.length];
        int size = expected.length / PAIRS;
        for (int pair = 0; pair < PAIRS; pair++) {
            System.arraycopy(ofPair.apply(pair), 0, found, pair * size, size);
        }
        double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
        GoldenCircuitTest.assertClose(found, expected, 1e-5 * Math.max(1, largest));
    }

    @ParameterizedTest
    @EnumSource
    void estimatesByPosition(Part part) {
        assertClose("site.atp." + part.toString().toLowerCase(Locale.ROOT), pair -> patches.of(part, pair));
    }

    @Test
    void fixedQueriesAndKeys() {
        assertClose("site.atp.q_fix", patches::fixedQueries);
        assertClose("site.atp.k_fix", patches::fixedKeys);
        // The fix is nearer to exact patching by position.
        double[] exact = GoldenCircuits.FABLE.tensor("site.exact.q_by_pos");
        assertThat(error(exact, patches::fixedQueries)).isCloseTo(0.133, within(0.002));
        assertThat(error(exact, pair -> patches.of(Part.Q, pair))).isCloseTo(0.175, within(0.002));
    }

    private static double error(double[] exact, IntFunction<double[]> ofPair) {
        double squares = 0;
        int size = exact.length / PAIRS;
        for (int pair = 0; pair < PAIRS; pair++) {
            double[] found = ofPair.apply(pair);
            for (int i = 0; i < size; i++) {
                squares += Math.pow(found[i] - exact[pair * size + i], 2);
            }
        }
        return Math.sqrt(squares / exact.length);
    }

    @ParameterizedTest
    @EnumSource(names = {"Z", "MLP_OUT"})
    void droppedGradients(Part part) {
        double[][][] byLayer = new double[LAYERS][][];
        for (int layer = 0; layer < LAYERS; layer++) {
            byLayer[layer] = patches.dropping(layer, part);
        }
        assertClose(
                "site.graddrop." + part.toString().toLowerCase(Locale.ROOT),
                pair -> Arrays.stream(byLayer)
                        .flatMapToDouble(layer -> Arrays.stream(layer[pair]))
                        .toArray());
        assertThat(Arrays.stream(patches.ranking().get(part)).boxed())
                .allMatch(score -> score >= 0)
                .anyMatch(score -> score > 1);
    }

    @Test
    void nodesAreTheSumsOfTheirEdges() {
        double[] bySender = GoldenCircuits.FABLE.tensor("node_eap");
        double[] heads = new double[LAYERS * 8];
        double[] importance = new double[LAYERS * 8];
        for (int pair = 0; pair < PAIRS; pair++) {
            double[] z = patches.of(Part.Z, pair);
            for (int head = 0; head < heads.length; head++) {
                double sum = Arrays.stream(z, head * 15, (head + 1) * 15).sum();
                heads[head] += sum / PAIRS;
                importance[head] += Math.abs(sum) / PAIRS;
            }
        }
        for (int head = 0; head < heads.length; head++) {
            assertThat(heads[head]).isCloseTo(bySender[1 + head / 8 * 9 + head % 8], within(5e-5));
        }
        assertThat(patches.headImportance(false)).containsExactly(importance, within(1e-12));
        double[] normed = patches.headImportance(true);
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
        double[] neurons = patches.neurons(0);
        double[] out = patches.of(Part.MLP_OUT, 0);
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
                        Experiment.start(experiment.runs(), Metric.klToClean(PromptPair.END))))
                .hasMessageContaining("no gradient");
    }
}
