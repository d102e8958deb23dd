package dev.hyaline.analysis.dictionary;

import static dev.hyaline.analysis.dictionary.SparseCoderTest.doubles;
import static dev.hyaline.analysis.dictionary.SparseCoderTest.largestDifference;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.sparse.SparseGolden;
import dev.hyaline.analysis.sparse.measure.DictionarySimilarity;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Json;
import dev.hyaline.files.TensorValues;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Both forms of learning against scikit-learn, and what a fit does not depend on. */
class DictionaryLearningTest {
    private static final int D = 12;
    private static final int ATOMS = 14;
    private static final double ALPHA = 0.3;
    private static final double[] SAMPLES = doubles("X");
    private static final double[] START = doubles("dl.dictionary_0");

    @TempDir
    private Path temporary;

    private static float[] floats(double[] values) {
        float[] floats = new float[values.length];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) values[i];
        }
        return floats;
    }

    @ParameterizedTest
    @EnumSource(names = {"LASSO_LARS", "LASSO_CD"})
    void tenRoundsAreScikitLearns(CodingAlgorithm algorithm) {
        LearningSettings settings =
                new LearningSettings(ATOMS, Coding.of(algorithm).alpha(ALPHA), 0, false, START);
        Json golden = SparseGolden.json("classic.json").require("dictionary_learning");
        try (ClassicFit fit = new ClassicFit(settings, Samples.of(SAMPLES, D), D, 2)) {
            for (int round = 1; round <= 10; round++) {
                assertThat(fit.step()).isZero();
                double expected =
                        golden.require("objective").elements().get(round - 1).number();
                assertThat(fit.cost() * 80).isCloseTo(expected, within(1e-10 * expected));
                if (round == 1) {
                    assertThat(largestDifference(fit.codes().dense(), doubles("dl.code_1")))
                            .isLessThan(1e-7);
                    assertThat(largestDifference(fit.result().rows(), doubles("dl.dictionary_1")))
                            .isLessThan(1e-7);
                }
            }
            assertThat(largestDifference(fit.codes().dense(), doubles("dl.code_10")))
                    .isLessThan(1e-6);
            assertThat(largestDifference(fit.result().rows(), doubles("dl.dictionary_10")))
                    .isLessThan(1e-6);
        }
    }

    private static MiniBatchDictionaryLearning online() {
        return MiniBatchDictionaryLearning.of(ATOMS, ALPHA)
                .batch(16)
                .epochs(2)
                .shuffled(false)
                .startingFrom(START);
    }

    @Test
    void twoEpochsOfBatchesAreScikitLearns() {
        Json golden = SparseGolden.json("classic.json").require("online");
        List<Double> costs = new ArrayList<>();
        try (MiniBatchFit fit = online().begin(SAMPLES, D, 2)) {
            LearnedDictionary learned = fit.run((done, cost, resampled) -> costs.add(cost));
            List<Json> expected = golden.require("batch_costs").elements();
            assertThat(costs).hasSameSizeAs(expected);
            for (int i = 0; i < costs.size(); i++) {
                assertThat(costs.get(i)).isCloseTo(expected.get(i).number(), within(1e-6));
            }
            assertThat(largestDifference(learned.rows(), doubles("online.dictionary")))
                    .isLessThan(1e-6);
            double[] a = Arrays.stream(fit.statistics.a)
                    .flatMapToDouble(Arrays::stream)
                    .toArray();
            assertThat(largestDifference(a, doubles("online.A"))).isLessThan(1e-6);
            double[] b = new double[ATOMS * D];
            double[] golden1 = doubles("online.B");
            for (int k = 0; k < ATOMS; k++) {
                for (int c = 0; c < D; c++) {
                    b[k * D + c] = golden1[c * ATOMS + k];
                }
            }
            assertThat(largestDifference(fit.statistics.b, b)).isLessThan(1e-6);
        }
    }

    /**
     * Two epochs of scikit-learn 1.9 in which atoms that are hardly used are replaced, with the samples and the noise
     * that it drew: with the same draws the objective is the same, so that the draws are all that sets two fits apart.
     */
    @Test
    void withTheSameDrawsAtomsAreReplacedAsInScikitLearn() {
        TensorValues golden = SparseGolden.values("replaced.safetensors");
        int d = 8;
        int n = 64;
        double[] samples = golden.doubles("X", 0, golden.elements("X"));
        double[] noise = golden.doubles("noise", 0, golden.elements("noise"));
        int[] sample = golden.integers("sample");
        int[] step = golden.integers("step");
        double[] costs = golden.doubles("costs", 0, golden.elements("costs"));
        double objective = golden.doubles("objective", 0, 1)[0];
        MiniBatchDictionaryLearning learning = MiniBatchDictionaryLearning.of(n, 0.8)
                .batch(8)
                .epochs(2)
                .shuffled(false)
                .startingFrom(golden.doubles("dictionary_0", 0, (long) n * d));
        try (MiniBatchFit fit = learning.begin(samples, d, 2)) {
            int[] next = {0};
            fit.replacement = (at, atom, batch, count, into) -> {
                assertThat(at).isEqualTo(step[next[0]]);
                for (int c = 0; c < d; c++) {
                    into[c] = batch[sample[next[0]] * d + c] + noise[next[0] * d + c];
                }
                next[0]++;
            };
            LearnedDictionary learned = fit.run((done, cost, resampled) -> {});
            assertThat(next[0]).isEqualTo(sample.length).isEqualTo(253);
            for (int i = 0; i < costs.length; i++) {
                assertThat(learned.costs()[i]).isCloseTo(costs[i], within(1e-6 * costs[i]));
            }
            assertThat(largestDifference(learned.rows(), golden.doubles("dictionary", 0, (long) n * d)))
                    .isLessThan(1e-6);
            SparseCoder coder = learned.coder(Coding.lasso(0.8));
            int rows = samples.length / d;
            assertThat(coder.objective(samples, coder.encode(samples)) / rows)
                    .isCloseTo(objective, within(1e-6 * objective));
        }
    }

    /**
     * The planted dictionary of 10 times the width: what scikit-learn reaches in as many epochs with its first seed.
     */
    @Test
    void overcompleteDictionaryReachesScikitLearns() {
        TensorValues golden = SparseGolden.values("classic.safetensors");
        float[] samples = SparseGolden.floats(golden, "overcomplete.X");
        float[] truth = SparseGolden.floats(golden, "overcomplete.D_true");
        double bar = 0.10580716141326102;
        for (int seed = 0; seed < 2; seed++) {
            LearnedDictionary learned = MiniBatchDictionaryLearning.of(100, 0.05)
                    .positiveCodes(true)
                    .epochs(15)
                    .seed(seed)
                    .fit(samples, 10);
            SparseCoder coder = learned.coder(Coding.lasso(0.05).positive(true));
            SparseCodes codes = coder.encode(samples);
            assertThat(coder.objective(samples, codes) / 3000).isLessThan(bar);
            assertThat(codes.l0().orElseThrow()).isLessThan(8.29);
            assertThat(DictionarySimilarity.between(truth, learned.atoms(), 10).mmcs())
                    .isGreaterThan(0.8701);
        }
    }

    @Test
    void fitsHaveTheSameBitsOnAnyThreads() {
        MiniBatchDictionaryLearning wide =
                MiniBatchDictionaryLearning.of(40, 0.1).batch(32).epochs(3).seed(5);
        double[] one =
                wide.begin(SAMPLES, D, 1).run((done, cost, resampled) -> {}).rows();
        for (int threads : new int[] {2, 7}) {
            assertThat(wide.begin(SAMPLES, D, threads)
                            .run((done, cost, resampled) -> {})
                            .rows())
                    .isEqualTo(one);
        }
        assertThat(wide.seed(6)
                        .begin(SAMPLES, D, 1)
                        .run((done, cost, resampled) -> {})
                        .rows())
                .isNotEqualTo(one);
        DictionaryLearning classic = DictionaryLearning.of(40, 0.1).maxIterations(4);
        double[] rows =
                classic.fit(SAMPLES, D, 1, (done, cost, resampled) -> {}).rows();
        assertThat(classic.fit(SAMPLES, D, 7, (done, cost, resampled) -> {}).rows())
                .isEqualTo(rows);
    }

    @Test
    void aResumedFitHasTheBitsOfOneThatWasNotInterrupted() {
        float[] samples = floats(SAMPLES);
        MiniBatchDictionaryLearning learning =
                MiniBatchDictionaryLearning.of(40, 0.1).batch(32).epochs(3).seed(5);
        LearnedDictionary whole = learning.fit(samples, D);
        Path file = temporary.resolve("fit.safetensors");
        MiniBatchFit begun = learning.begin(samples, D, 1);
        assertThatThrownBy(() -> begun.run((done, cost, resampled) -> {
                    if (done == 4) {
                        throw new IllegalStateException("stopped");
                    }
                }))
                .hasMessage("stopped");
        begun.write(file);
        MiniBatchFit resumed = learning.resume(samples, D, 2, file);
        assertThat(resumed.done()).isEqualTo(4);
        LearnedDictionary found = resumed.run((done, cost, resampled) -> {});
        assertThat(found.rows()).isEqualTo(whole.rows());
        assertThat(found.costs()).isEqualTo(whole.costs());
        assertThat(found.resampled()).isEqualTo(whole.resampled());
        assertThatThrownBy(() -> learning.seed(6).resume(samples, D, 1, file))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("expected the settings 40 atoms of 12")
                .hasMessageContaining("seed 6");
        assertThatThrownBy(() -> learning.resume(samples, D, 1, SparseGolden.path("classic.safetensors")))
                .hasMessageContaining("expected a dictionary that is being learned, found another file");
    }

    /** Of 40 atoms of zeros each is drawn anew, and none stays longer than 1. */
    @Test
    void atomsThatAreNotUsedAreDrawnAnew() {
        List<Integer> drawn = new ArrayList<>();
        double[] samples = Arrays.copyOf(SAMPLES, SAMPLES.length + 5 * D);
        LearnedDictionary learned = MiniBatchDictionaryLearning.of(40, 0.1)
                .startingFrom(new double[40 * D])
                .batch(32)
                .epochs(2)
                .begin(samples, D, 2)
                .run((done, cost, resampled) -> drawn.add(resampled));
        assertThat(drawn.getFirst()).isEqualTo(40);
        assertThat(drawn.stream().mapToInt(Integer::intValue).sum()).isEqualTo((int) learned.resampled());
        assertThat(drawn.getLast()).isLessThan(40);
        for (int k = 0; k < 40; k++) {
            assertThat(Doubles.length(learned.rows(), k * D, D)).isLessThan(1 + 1e-12);
        }
    }

    @Test
    void theStartIsSingularVectorsOrSamples() {
        double[] vectors = StartingDictionary.of(Samples.of(SAMPLES, D), 5, D, 0);
        double[] squares = new double[5];
        for (int k = 0; k < 5; k++) {
            squares[k] = Doubles.dot(vectors, k * D, vectors, k * D, D);
            double[] image = new double[D];
            for (int s = 0; s < 80; s++) {
                Doubles.add(image, 0, Doubles.dot(SAMPLES, s * D, vectors, k * D, D), SAMPLES, s * D, D);
            }
            for (int c = 0; c < D; c++) {
                assertThat(image[c]).isCloseTo(squares[k] * vectors[k * D + c], within(1e-9 * squares[k]));
            }
        }
        assertThat(squares[0]).isGreaterThan(squares[1]);
        double[] drawn = StartingDictionary.of(Samples.of(SAMPLES, D), 100, D, 0);
        for (int k = 0; k < 100; k++) {
            assertThat(Doubles.length(drawn, k * D, D)).isCloseTo(1, within(1e-12));
        }
    }

    @Test
    void classicFormStopsAtItsTolerance() {
        List<Double> costs = new ArrayList<>();
        DictionaryLearning.of(ATOMS, ALPHA)
                .startingFrom(START)
                .tolerance(1e-2)
                .fit(SAMPLES, D, 1, (done, cost, resampled) -> costs.add(cost));
        int last = costs.size() - 1;
        assertThat(costs.get(last - 1) - costs.get(last)).isLessThan(1e-2 * costs.get(last));
        assertThat(costs.get(last - 2) - costs.get(last - 1)).isGreaterThan(1e-2 * costs.get(last - 1));
    }

    @Test
    void badInputGetsASentence() {
        assertThatThrownBy(() -> MiniBatchDictionaryLearning.of(0, 1))
                .hasMessage("a dictionary needs at least 1 atom, found 0");
        assertThatThrownBy(() -> MiniBatchDictionaryLearning.of(4, 1).coding(Coding.omp(2)))
                .hasMessage("a dictionary is learned with lasso_cd or lasso_lars, found omp");
        assertThatThrownBy(() -> MiniBatchDictionaryLearning.of(4, 1).fit(new float[0], 3))
                .hasMessage("a dictionary is learned from at least 1 sample, found none");
        assertThatThrownBy(() -> online().begin(new double[26], 13, 1))
                .hasMessage("the dictionary to begin with: expected 14 rows of 13 values, found 168 values");
    }
}
