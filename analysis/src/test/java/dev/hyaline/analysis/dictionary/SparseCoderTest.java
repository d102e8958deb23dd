package dev.hyaline.analysis.dictionary;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.sparse.SparseGolden;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.files.Json;
import dev.hyaline.files.TensorValues;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Codes against scikit-learn's and exact ones, and what a coder says of bad input. */
class SparseCoderTest {
    private static final int D = 12;
    private static final TensorValues GOLDEN = SparseGolden.values("classic.safetensors");
    private static final double[] SAMPLES = doubles("X");
    private static final double[] DICTIONARY = doubles("D");

    static double[] doubles(String tensor) {
        return GOLDEN.doubles(tensor, 0, GOLDEN.elements(tensor));
    }

    private static SparseCoder coder(Coding coding) {
        return SparseCoder.of(DICTIONARY, D, coding).onThreads(2);
    }

    static double largestDifference(double[] a, double[] b) {
        assertThat(a).hasSameSizeAs(b);
        double largest = 0;
        for (int i = 0; i < a.length; i++) {
            largest = Math.max(largest, Math.abs(a[i] - b[i]));
        }
        return largest;
    }

    @ParameterizedTest
    @CsvSource({
        "lasso_cd, .1, false, lasso_cd_0.1",
        "lasso_cd, .5, false, lasso_cd_0.5",
        "lasso_lars, .1, false, lasso_lars_0.1",
        "lasso_cd, .2, true, lasso_cd_positive_0.2",
        "lasso_lars, .2, true, lasso_lars_positive_0.2"
    })
    void lassoIsSolvedExactly(String algorithm, double alpha, boolean positive, String golden) {
        Coding coding = Coding.of(CodingAlgorithm.named(algorithm)).alpha(alpha).positive(positive);
        SparseCoder coder = coder(coding);
        SparseCodes codes = coder.encode(SAMPLES);
        Json expected = SparseGolden.json("classic.json").require("codes").require(golden);
        assertThat(largestDifference(codes.dense(), doubles("exact." + golden))).isLessThan(1e-10);
        assertThat(largestDifference(codes.dense(), doubles("sklearn." + golden)))
                .isCloseTo(expected.require("sklearn_max_difference").number(), within(1e-10));
        assertThat(coder.kktResidual(SAMPLES, codes)).isLessThan(1e-12);
        assertThat(coder.objective(SAMPLES, codes))
                .isCloseTo(expected.require("exact_objective").number(), within(1e-11));
        assertThat(codes.unconverged()).isZero();
    }

    @ParameterizedTest
    @CsvSource({"omp, 4, omp_4", "omp, 0, omp_default"})
    void atomsAreChosenAsInScikitLearn(String algorithm, int atoms, String golden) {
        Coding coding = Coding.of(CodingAlgorithm.named(algorithm));
        SparseCodes codes =
                coder(atoms == 0 ? coding : coding.nonzeroCoefficients(atoms)).encode(SAMPLES);
        assertThat(largestDifference(codes.dense(), doubles("sklearn." + golden)))
                .isLessThan(1e-10);
    }

    /**
     * Least-angle regression, of which all chosen atoms' products with the residual have one size. In sample 38 a
     * coefficient changes its sign on the way; scikit-learn turns the sign of that atom's product too, which does not
     * change, and chooses an atom less.
     */
    @Test
    void anglesStayEqual() {
        int n = DICTIONARY.length / D;
        SparseCodes codes =
                coder(Coding.of(CodingAlgorithm.LARS).nonzeroCoefficients(4)).encode(SAMPLES);
        double[] dense = codes.dense();
        double[] expected = doubles("sklearn.lars_4");
        for (int s = 0; s < codes.samples(); s++) {
            double[] residual = Arrays.copyOfRange(SAMPLES, s * D, (s + 1) * D);
            for (int k = 0; k < n; k++) {
                Doubles.add(residual, 0, -dense[s * n + k], DICTIONARY, k * D, D);
                if (s != 38) {
                    assertThat(dense[s * n + k]).isCloseTo(expected[s * n + k], within(1e-10));
                }
            }
            double largest = 0;
            for (int k = 0; k < n; k++) {
                largest = Math.max(largest, Math.abs(Doubles.dot(DICTIONARY, k * D, residual, 0, D)));
            }
            assertThat(codes.offsets()[s + 1] - codes.offsets()[s]).isEqualTo(4);
            for (int e = codes.offsets()[s]; e < codes.offsets()[s + 1]; e++) {
                double product = Doubles.dot(DICTIONARY, codes.indices()[e] * D, residual, 0, D);
                assertThat(Math.abs(product)).isCloseTo(largest, within(1e-12));
            }
        }
    }

    @Test
    void productsAreDrawnTowardsZero() {
        SparseCodes codes =
                coder(Coding.of(CodingAlgorithm.THRESHOLD).alpha(0.3)).encode(SAMPLES);
        assertThat(largestDifference(codes.dense(), doubles("sklearn.threshold_0.3")))
                .isLessThan(1e-13);
        assertThat(codes.count()).isEqualTo(1379);
        SparseCodes positive = coder(
                        Coding.of(CodingAlgorithm.THRESHOLD).alpha(0.3).positive(true))
                .encode(SAMPLES);
        double[] kept = Arrays.stream(codes.dense()).map(c -> Math.max(c, 0)).toArray();
        assertThat(positive.dense()).isEqualTo(kept);
    }

    /** Zero samples, zero atoms, atoms that are there twice and samples that are there twice. */
    @ParameterizedTest
    @EnumSource(CodingAlgorithm.class)
    void duplicatesAndZerosAreHarmless(CodingAlgorithm algorithm) {
        int n = DICTIONARY.length / D;
        double[] twice = Arrays.copyOf(DICTIONARY, 2 * DICTIONARY.length + D);
        System.arraycopy(DICTIONARY, 0, twice, DICTIONARY.length, DICTIONARY.length);
        double[] samples = Arrays.copyOf(SAMPLES, SAMPLES.length + 3 * D);
        System.arraycopy(SAMPLES, 0, samples, SAMPLES.length + D, D);
        Coding coding = Coding.of(algorithm).alpha(0.1);
        SparseCodes once = coder(coding).encode(SAMPLES);
        SparseCoder coder = SparseCoder.of(twice, D, coding);
        SparseCodes codes = coder.encode(samples);
        int last = codes.samples() - 1;
        assertThat(codes.offsets()[last] - codes.offsets()[last - 1])
                .isEqualTo(codes.offsets()[1])
                .isPositive();
        assertThat(codes.offsets()[last - 1]).isEqualTo(codes.offsets()[last - 2]);
        assertThat(codes.offsets()[last + 1]).isEqualTo(codes.offsets()[last]);
        assertThat(codes.indices()).doesNotContain(2 * n);
        assertThat(codes.unconverged()).isZero();
        if (algorithm.isLasso()) {
            assertThat(coder.kktResidual(samples, codes)).isLessThan(1e-11);
        }
        if (algorithm == CodingAlgorithm.THRESHOLD) {
            return;
        }
        double[] folded = new double[once.samples() * n];
        for (int s = 0; s < once.samples(); s++) {
            for (int e = codes.offsets()[s]; e < codes.offsets()[s + 1]; e++) {
                folded[s * n + codes.indices()[e] % n] += codes.values()[e];
            }
        }
        assertThat(largestDifference(folded, once.dense())).isLessThan(1e-9);
    }

    @ParameterizedTest
    @EnumSource(CodingAlgorithm.class)
    void codesHaveTheSameBitsOnAnyThreadsAndInAnyBatch(CodingAlgorithm algorithm) {
        SparseCoder coder = SparseCoder.of(DICTIONARY, D, Coding.of(algorithm).alpha(0.1));
        SparseCodes one = coder.onThreads(1).encode(SAMPLES);
        for (int threads : new int[] {2, 7}) {
            SparseCodes many = coder.onThreads(threads).encode(SAMPLES);
            assertThat(many.indices()).isEqualTo(one.indices());
            assertThat(many.values()).isEqualTo(one.values());
        }
        for (int first = 0; first < SAMPLES.length / D; first += 3) {
            SparseCodes part = coder.encode(Arrays.copyOfRange(SAMPLES, first * D, (first + 1) * D));
            int from = one.offsets()[first];
            int end = one.offsets()[first + 1];
            assertThat(part.indices()).isEqualTo(Arrays.copyOfRange(one.indices(), from, end));
            assertThat(part.values()).isEqualTo(Arrays.copyOfRange(one.values(), from, end));
        }
    }

    @Test
    void codesAreDecodedAndReadAsLatents() {
        SparseCoder coder = coder(Coding.lasso(0.1));
        SparseCodes codes = coder.encode(SAMPLES);
        float[] decoded = coder.decode(codes);
        double squares = 0;
        for (int i = 0; i < decoded.length; i++) {
            squares += (decoded[i] - SAMPLES[i]) * (decoded[i] - SAMPLES[i]);
        }
        assertThat(0.5 * squares + 0.1 * codes.l1()).isCloseTo(coder.objective(SAMPLES, codes), within(1e-5));
        assertThat(codes.latents().count()).isEqualTo(codes.count());
        assertThat(codes.latents().get(3, codes.indices()[codes.offsets()[3]]))
                .isEqualTo((float) codes.values()[codes.offsets()[3]]);
    }

    @Test
    void floatsAreCodedAsTheyAre() {
        float[] floats = {1, 2, 3, 0.5f};
        float[] atoms = {1, 0, 0.6f, 0.8f};
        double[] same = {1, 2, 3, 0.5f};
        double[] sameAtoms = {1, 0, 0.6f, 0.8f};
        assertThat(SparseCoder.of(atoms, 2, Coding.lasso(0.1)).encode(floats).values())
                .isEqualTo(SparseCoder.of(sameAtoms, 2, Coding.lasso(0.1))
                        .encode(same)
                        .values());
    }

    @Test
    void sizesFromTinyToHugeAreCoded() {
        for (double scale : new double[] {1e-30, 1e-5, 1e20}) {
            double[] scaled = Arrays.stream(SAMPLES).map(x -> x * scale).toArray();
            double[] found = coder(Coding.lasso(0.1 * scale)).encode(scaled).dense();
            double[] unscaled = Arrays.stream(found).map(c -> c / scale).toArray();
            assertThat(largestDifference(unscaled, doubles("exact.lasso_cd_0.1")))
                    .isLessThan(1e-10);
        }
    }

    @Test
    void badInputGetsASentence() {
        assertThatThrownBy(() -> coder(Coding.omp(13)))
                .isInstanceOf(BadInputException.class)
                .hasMessage(
                        "omp chooses at most as many atoms as there are features, 12, found 13 for n_nonzero_coefs");
        assertThatThrownBy(() -> SparseCoder.of(new double[] {1, 0, 0}, 3, Coding.omp(2)))
                .hasMessage("omp chooses at most as many atoms as there are atoms, 1, found 2 for n_nonzero_coefs");
        double[] bad = SAMPLES.clone();
        bad[5 * D + 7] = Double.NaN;
        assertThatThrownBy(() -> coder(Coding.lasso(1)).encode(bad))
                .isInstanceOf(BadInputException.class)
                .hasMessage("sample 5: expected finite numbers, found NaN as feature 7");
        assertThatThrownBy(() -> SparseCoder.of(new float[] {1, Float.POSITIVE_INFINITY}, 2, Coding.lasso(1)))
                .hasMessage("atom 0: expected finite numbers, found Infinity as feature 1");
        assertThatThrownBy(() -> coder(Coding.lasso(1)).encode(new float[D + 1]))
                .isInstanceOf(BadShapeException.class)
                .hasMessage("samples: expected rows of 12 values, found 13 values");
        assertThatThrownBy(() -> Coding.lasso(-1)).hasMessage("alpha must be a number of at least 0, found -1.0");
        assertThatThrownBy(() -> Coding.omp(3).positive(true)).hasMessageContaining("cannot be held positive");
        assertThatThrownBy(() -> CodingAlgorithm.named("lasso"))
                .hasMessage("there is no coding algorithm lasso; there are lasso_lars, lasso_cd, lars, omp, threshold");
    }
}
