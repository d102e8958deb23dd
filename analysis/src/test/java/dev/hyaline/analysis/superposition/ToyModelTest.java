package dev.hyaline.analysis.superposition;

import static dev.hyaline.analysis.superposition.FeatureGeometryTest.doubles;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.sparse.SparseGolden;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.files.Json;
import dev.hyaline.files.TensorValues;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ForkJoinPool;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ToyModelTest {
    private static void quiet() {}

    @Test
    void lossAndGradientsAreTheReference() {
        TensorValues golden = SparseGolden.values("superposition.safetensors");
        float[] x = SparseGolden.floats(golden, "toy.x");
        float[] importance = SparseGolden.floats(golden, "toy.importance");
        ToyModel model = ToyModel.of(3, SparseGolden.floats(golden, "toy.W"), SparseGolden.floats(golden, "toy.b"));
        ToyModel.ToyGradients found = model.gradients(x, importance);
        assertThat(found.loss())
                .isCloseTo(
                        SparseGolden.json("superposition.json")
                                .require("toy_loss")
                                .number(),
                        within(1e-6));
        assertThat(found.weights()).containsExactly(doubles(golden, "toy.grad.W"), within(1e-6));
        assertThat(found.bias()).containsExactly(doubles(golden, "toy.grad.b"), within(1e-6));
        assertThat(model.loss(x, importance)).isEqualTo(found.loss());
    }

    @ParameterizedTest
    @CsvSource({"false", "true"})
    void gradientsAreThoseOfDifferences(boolean linear) {
        ToySetting setting = ToySetting.of(6, 2, 0.4).decay(0.8);
        float[] x = ToyTraining.samples(setting, 5000);
        float[] w = ToyTraining.samples(ToySetting.of(2, 1, 1), 6);
        for (int i = 0; i < w.length; i++) {
            w[i] = 2 * w[i] - 1;
        }
        float[] b = {0.1f, -0.2f, 0.05f, 0, 0.3f, -0.01f};
        ToyModel.ToyGradients found = model(w, b, linear).gradients(x, setting.importance());
        float step = 0x1p-8f;
        for (int i = 0; i < w.length + b.length; i++) {
            float[][] more = {w.clone(), b.clone()};
            float[][] less = {w.clone(), b.clone()};
            more[i / w.length][i % w.length] += step;
            less[i / w.length][i % w.length] -= step;
            double slope = (model(more[0], more[1], linear).loss(x, setting.importance())
                            - model(less[0], less[1], linear).loss(x, setting.importance()))
                    / (2 * step);
            double derivative = i < w.length ? found.weights()[i] : found.bias()[i - w.length];
            assertThat(derivative).isCloseTo(slope, within(2e-4));
        }
    }

    private static ToyModel model(float[] w, float[] b, boolean linear) {
        ToyModel model = ToyModel.of(2, w, b);
        return linear ? model.linear() : model;
    }

    /** The loss of two features, integrated over a grid of what both can be. */
    private static double integrated(ToyModel model, double p) {
        int grid = 400;
        float[] both = new float[2 * grid * grid];
        float[] first = new float[2 * grid];
        float[] second = new float[2 * grid];
        for (int i = 0; i < grid; i++) {
            float x = (i + 0.5f) / grid;
            first[2 * i] = x;
            second[2 * i + 1] = x;
            for (int j = 0; j < grid; j++) {
                both[2 * (i * grid + j)] = x;
                both[2 * (i * grid + j) + 1] = (j + 0.5f) / grid;
            }
        }
        float[] equal = {1, 1};
        return p * p * model.loss(both, equal)
                + p * (1 - p) * (model.loss(first, equal) + model.loss(second, equal))
                + (1 - p) * (1 - p) * model.loss(new float[2], equal);
    }

    @ParameterizedTest
    @CsvSource({"0.05", "0.3", "0.5714285714285714", "0.8", "1"})
    void twoFeaturesInOneDimensionLoseWhatIsKnown(double p) {
        ToyModel digon = ToyModel.of(1, new float[] {1, -1}, new float[2]);
        ToyModel one = ToyModel.of(1, new float[] {1, 0}, new float[] {0, (float) p / 2});
        assertThat(integrated(digon, p)).isCloseTo(TwoFeatures.lossOfBoth(p), within(3e-6));
        assertThat(integrated(one, p)).isCloseTo(TwoFeatures.lossOfOne(p), within(3e-6));
    }

    @Test
    void superpositionPaysBelowTheCrossing() {
        double p = TwoFeatures.CROSSING;
        assertThat(TwoFeatures.lossOfBoth(p)).isCloseTo(TwoFeatures.lossOfOne(p), within(1e-15));
        assertThat(TwoFeatures.lossOfBoth(p - 0.01)).isLessThan(TwoFeatures.lossOfOne(p - 0.01));
        assertThat(TwoFeatures.lossOfBoth(p + 0.01)).isGreaterThan(TwoFeatures.lossOfOne(p + 0.01));
        Json golden = SparseGolden.json("superposition.json").require("two_in_one");
        assertThat(TwoFeatures.lossOfBoth(0.3))
                .isCloseTo(golden.require("digon_exact p^2/3").number(), within(1e-15));
        assertThat(TwoFeatures.lossOfOne(0.3))
                .isCloseTo(golden.require("one_feature_exact p/3 - p^2/4").number(), within(1e-15));
        assertThatThrownBy(() -> TwoFeatures.lossOfOne(1.1)).hasMessage("a probability is from 0 to 1, found 1.1");
    }

    /** Trained weights and biases lose a little less than the plain forms. */
    @Test
    void trainingFindsTheBetterOfTheTwo() {
        TrainedToy sparse = best(ToySetting.of(2, 1, 0.2), 4);
        assertThat(sparse.loss()).isBetween(0.85 * TwoFeatures.lossOfBoth(0.2), 1.02 * TwoFeatures.lossOfBoth(0.2));
        assertThat(sparse.arrangements()).isEqualTo(Map.of(Arrangement.DIGON, 2));
        TrainedToy dense = best(ToySetting.of(2, 1, 0.98), 4);
        assertThat(dense.loss()).isBetween(0.85 * TwoFeatures.lossOfOne(0.98), 1.02 * TwoFeatures.lossOfOne(0.98));
        assertThat(dense.loss()).isLessThan(TwoFeatures.lossOfBoth(0.98) / 2);
        assertThat(dense.arrangements()).doesNotContainKey(Arrangement.DIGON);
    }

    private static TrainedToy best(ToySetting setting, int instances) {
        return ToyTraining.best(List.of(setting), instances, ToyModelTest::quiet)
                .getFirst();
    }

    @ParameterizedTest
    @CsvSource({
        "4, 4, 0.9, ORTHOGONAL",
        "3, 3, 0.1, ORTHOGONAL",
        "6, 3, 0.03, DIGON",
        "4, 2, 0.05, DIGON",
        "3, 2, 0.55, TRIANGLE",
        "5, 2, 0.05, PENTAGON"
    })
    void knownPhasesAreReached(int n, int m, double p, Arrangement expected) {
        TrainedToy toy = best(ToySetting.of(n, m, p).batch(p > 0.5 ? 2048 : 512), p > 0.5 ? 8 : 4);
        assertThat(Arrays.stream(toy.model().geometry().dimensionalities()).boxed())
                .allSatisfy(d -> assertThat(d).isCloseTo(expected.dimensionality(), within(0.02)));
        assertThat(toy.model().geometry().represented()).isEqualTo(n);
    }

    /** Of four features in three dimensions, some models settle there, though others lose less. */
    @Test
    void theTetrahedronIsReached() {
        List<TrainedToy> toys = ToyTraining.all(
                        List.of(ToySetting.of(4, 3, 0.65).batch(2048)), 6, ToyModelTest::quiet)
                .getFirst();
        assertThat(toys)
                .anySatisfy(toy -> assertThat(toy.arrangements()).isEqualTo(Map.of(Arrangement.TETRAHEDRON, 4)));
    }

    @ParameterizedTest
    @CsvSource({"5, 2, 0.05", "5, 2, 0.9", "6, 3, 0.03"})
    void trainedModelsAreAsGoodAsTheReference(int n, int m, double p) {
        Json golden = SparseGolden.json("superposition.json").require("trained").require("n" + n + "_m" + m + "_p" + p);
        TrainedToy toy = best(ToySetting.of(n, m, p), 6);
        assertThat(toy.loss()).isLessThan(golden.require("best_loss").number() * 1.02);
        if (p < 0.5) {
            double[] expected = golden.require("dimensionality").elements().stream()
                    .mapToDouble(Json::number)
                    .sorted()
                    .toArray();
            double[] found = Arrays.stream(toy.model().geometry().dimensionalities())
                    .sorted()
                    .toArray();
            assertThat(found).containsExactly(expected, within(0.02));
        }
    }

    /** Without a relu, the most important features are kept as they are, and nothing of the others. */
    @Test
    void theLinearModelIsPrincipalComponents() {
        ToySetting setting = ToySetting.of(6, 3, 0.3).decay(0.7).withoutRelu();
        ToyModel model = best(setting, 2).model();
        assertThat(model.isLinear()).isTrue();
        double[] dimensionalities = model.geometry().dimensionalities();
        double[] norms = model.geometry().norms();
        float mean = 0.3f / 2;
        for (int i = 0; i < 6; i++) {
            assertThat(norms[i]).as("norm %d", i).isCloseTo(i < 3 ? 1 : 0, within(0.03));
            assertThat(model.bias()[i]).as("bias %d", i).isCloseTo(i < 3 ? 0 : mean, within(0.03f));
            if (i < 3) {
                assertThat(dimensionalities[i]).isCloseTo(1, within(0.02));
            }
        }
    }

    @Test
    void modelsDependOnNoThread() throws Exception {
        List<ToySetting> settings = List.of(
                ToySetting.of(5, 2, 0.1).steps(60).batch(64),
                ToySetting.of(9, 4, 0.3).steps(40).batch(32));
        List<float[]> found = new ArrayList<>();
        for (int threads : new int[] {1, 4}) {
            try (ForkJoinPool pool = new ForkJoinPool(threads)) {
                for (TrainedToy toy : pool.submit(() -> ToyTraining.best(settings, 3, ToyModelTest::quiet))
                        .get()) {
                    found.add(toy.model().weights());
                    found.add(toy.model().bias());
                    found.add(new float[] {(float) toy.loss(), toy.setting().seed()});
                }
            }
        }
        for (int i = 0; i < found.size() / 2; i++) {
            assertThat(found.get(i)).isEqualTo(found.get(i + found.size() / 2));
        }
    }

    @Test
    void theBestIsTheOneOfLeastLossAndAlone() {
        ToySetting setting = ToySetting.of(5, 2, 0.05).steps(150).batch(64);
        TrainedToy best = best(setting, 5);
        TrainedToy alone = ToyTraining.train(best.setting());
        assertThat(alone.model().weights()).isEqualTo(best.model().weights());
        assertThat(best.setting().seed()).isBetween(1L, 5L);
        assertThat(best(setting, 1).loss()).isGreaterThanOrEqualTo(best.loss());
    }

    @Test
    void samplesHaveTheDensityAndAreEven() {
        float[] floats = ToyTraining.samples(ToySetting.of(10, 2, 0.2), 10_000);
        double[] x =
                IntStream.range(0, floats.length).mapToDouble(i -> floats[i]).toArray();
        assertThat(Arrays.stream(x).filter(value -> value != 0).count()).isBetween(19_400L, 20_600L);
        assertThat(Arrays.stream(x).filter(value -> value != 0).average().orElseThrow())
                .isCloseTo(0.5, within(0.01));
        assertThat(Arrays.stream(x).boxed()).allMatch(value -> value >= 0 && value < 1);
    }

    @Test
    void badInputIsToldInOneSentence() {
        assertThatThrownBy(() -> ToySetting.of(0, 1, 0.5))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("found 0 features in 1 dimensions");
        assertThatThrownBy(() -> ToySetting.of(1 << 11, 1 << 10, 0.5)).hasMessageContaining("at most 1048576 weights");
        assertThatThrownBy(() -> ToySetting.of(2, 1, 0)).hasMessageContaining("above 0 and at most 1, found 0.0");
        assertThatThrownBy(() -> ToySetting.of(2, 1, Double.NaN)).hasMessageContaining("found NaN");
        assertThatThrownBy(() -> ToySetting.of(2, 1, 1).decay(1.5)).hasMessageContaining("found 1.5");
        assertThatThrownBy(() -> ToySetting.of(2, 1, 1).steps(0)).hasMessageContaining("found 0 batches of 512");
        assertThatThrownBy(() -> ToySetting.of(2, 1, 1).batch(-3)).hasMessageContaining("3000 batches of -3");
        assertThatThrownBy(() -> ToyTraining.best(List.of(), 0, ToyModelTest::quiet))
                .hasMessage("from 1 to 1000 models of a setting are trained, found 0");
        assertThatThrownBy(() -> ToyTraining.samples(ToySetting.of(2, 1, 1), 0)).hasMessageContaining("found 0");
        assertThatThrownBy(() -> ToyModel.of(2, new float[5], new float[2])).isInstanceOf(BadShapeException.class);
        ToyModel model = ToyModel.of(1, new float[2], new float[2]);
        assertThatThrownBy(() -> model.reconstruct(new float[3])).isInstanceOf(BadShapeException.class);
        assertThatThrownBy(() -> model.loss(new float[0], new float[2]))
                .hasMessage("a toy model needs at least one sample, found none");
        assertThatThrownBy(() -> model.loss(new float[2], new float[3]))
                .hasMessage("importance: expected 2, one a feature, found 3 values");
    }

    @Test
    void reconstructionsAreOfTheFormula() {
        ToyModel model = ToyModel.of(1, new float[] {1, -1}, new float[] {0, 0.1f});
        assertThat(model.reconstruct(new float[] {0.5f, 0, 0, 0.25f}))
                .containsExactly(new float[] {0.5f, 0, 0, 0.35f}, within(1e-6f));
        assertThat(model.linear().reconstruct(new float[] {0.5f, 0}))
                .containsExactly(new float[] {0.5f, -0.4f}, within(1e-6f));
    }
}
