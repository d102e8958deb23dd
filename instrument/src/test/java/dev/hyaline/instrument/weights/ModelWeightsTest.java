package dev.hyaline.instrument.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.capture.LensReference;
import dev.hyaline.weights.Checkpoint;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelWeightsTest {
    @ParameterizedTest
    @ValueSource(strings = {"tiny-relu", "tiny-variant"})
    void circuitsAreTransformerLenss(String name) {
        LensReference reference = new LensReference(name);
        try (Checkpoint checkpoint = reference.checkpoint()) {
            ModelWeights weights = ModelWeights.of(checkpoint.weights());
            for (String circuit : List.of("QK", "OV")) {
                List<FactoredMatrix> heads = IntStream.range(0, heads(weights))
                        .mapToObj(i -> circuit.equals("QK")
                                ? weights.qk(
                                        i / weights.config().nHeads(),
                                        i % weights.config().nHeads())
                                : weights.ov(
                                        i / weights.config().nHeads(),
                                        i % weights.config().nHeads()))
                        .toList();
                float[] norms = reference.values(circuit + ".norm");
                float[] singular = reference.values(circuit + ".singular");
                float[] eigenvalues = reference.values(circuit + ".eigenvalues");
                int n = weights.config().dHead();
                for (int i = 0; i < heads.size(); i++) {
                    FactoredMatrix head = heads.get(i);
                    assertThat(head.norm()).isCloseTo(norms[i], within(1e-6 * norms[i]));
                    LensReference.assertClose(
                            WeightProcessingTest.floats(head.singularValues()),
                            Arrays.copyOfRange(singular, i * n, (i + 1) * n),
                            circuit + " singular values");
                    assertEigenvalues(head.eigenvalues(), Arrays.copyOfRange(eigenvalues, 2 * i * n, 2 * (i + 1) * n));
                }
            }
            FactoredMatrix full = weights.fullOv(0, 1);
            assertThat(full.rows()).isEqualTo(weights.config().dVocab());
            LensReference.assertClose(
                    WeightProcessingTest.floats(full.singularValues()),
                    reference.values("full_ov.singular"),
                    "full OV singular values");
            assertEigenvalues(full.eigenvalues(), reference.values("full_ov.eigenvalues"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"tiny-relu", "tiny-variant"})
    void compositionScoresAreTransformerLenss(String name) {
        LensReference reference = new LensReference(name);
        try (Checkpoint checkpoint = reference.checkpoint()) {
            ModelWeights weights = ModelWeights.of(checkpoint.config(), checkpoint.tensors());
            for (CompositionMode mode : CompositionMode.values()) {
                double[] flat = Arrays.stream(weights.compositionScores(mode))
                        .flatMap(Arrays::stream)
                        .flatMap(Arrays::stream)
                        .flatMapToDouble(Arrays::stream)
                        .toArray();
                LensReference.assertClose(
                        WeightProcessingTest.floats(flat), reference.values("composition." + mode), "composition");
            }
        }
    }

    @Test
    void theFullQkCircuitScoresTokensAsTheirEmbeddingsDo() {
        try (Checkpoint checkpoint = new LensReference("tiny-relu").checkpoint()) {
            ModelWeights weights = ModelWeights.of(checkpoint.weights());
            Matrix dense = weights.wE()
                    .times(weights.qk(1, 0).product())
                    .times(weights.wE().transposed());
            FactoredMatrix factored = weights.fullQk(1, 0);
            assertThat(factored.rank()).isEqualTo(weights.config().dHead());
            for (int row = 0; row < dense.rows(); row += 7) {
                double[] found = factored.row(row);
                for (int column = 0; column < dense.columns(); column++) {
                    assertThat(found[column]).isCloseTo(dense.get(row, column), within(1e-9));
                    assertThat(factored.get(row, column)).isCloseTo(dense.get(row, column), within(1e-9));
                }
            }
        }
    }

    @Test
    void layersAndHeadsAreChecked() {
        try (Checkpoint checkpoint = Checkpoint.builtIn("fable")) {
            ModelWeights weights = ModelWeights.of(checkpoint.config(), checkpoint.tensors());
            for (int wrong : new int[] {-1, 99, Integer.MAX_VALUE}) {
                assertThatThrownBy(() -> weights.wQ(wrong, 0))
                        .isInstanceOf(BadInputException.class)
                        .hasMessage("there is no layer " + wrong + ": layers run from 0 to 3");
                assertThatThrownBy(() -> weights.ov(0, wrong))
                        .isInstanceOf(BadInputException.class)
                        .hasMessage("there is no head " + wrong + ": heads run from 0 to 7");
            }
            assertThat(weights.bU()).containsOnly(0);
        }
    }

    private static int heads(ModelWeights weights) {
        return weights.config().nLayers() * weights.config().nHeads();
    }

    /** The same multiset: of equal absolute values either may come first. */
    private static void assertEigenvalues(List<Eigenvalue> found, float[] expected) {
        double largest = found.getFirst().abs();
        double[][] left = new double[expected.length / 2][];
        Arrays.setAll(left, i -> new double[] {expected[2 * i], expected[2 * i + 1]});
        List<double[]> remaining = new ArrayList<>(List.of(left));
        assertThat(found).hasSize(left.length);
        for (Eigenvalue value : found) {
            double[] nearest = remaining.stream()
                    .min(Comparator.comparingDouble(e -> Math.hypot(e[0] - value.real(), e[1] - value.imaginary())))
                    .orElseThrow();
            assertThat(Math.hypot(nearest[0] - value.real(), nearest[1] - value.imaginary()))
                    .isLessThan(2e-6 * largest);
            remaining.remove(nearest);
        }
    }
}
