package dev.hyaline.analysis.dictionary;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.engine.internal.parallel.WorkerPool;
import dev.hyaline.instrument.CounterRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;

/** What holds of codes and of learning on random problems, wide ones and narrow ones. */
class SparseCodingPropertiesTest {
    private static double[] random(int count, int d, long seed, String name) {
        CounterRandom random = CounterRandom.of(seed).named(name);
        double[] rows = new double[count * d];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = random.gaussian(i);
        }
        return rows;
    }

    /** Random atoms and the Lasso's settings. */
    record LassoProblem(int d, int n, double alpha, boolean positive, long seed) {
        double[] atoms() {
            return random(n, d, seed, "atoms");
        }

        Coding coding() {
            return Coding.lasso(alpha).positive(positive);
        }

        Coding path() {
            return Coding.of(CodingAlgorithm.LASSO_LARS).alpha(alpha).positive(positive);
        }
    }

    private static Arbitrary<LassoProblem> lassos(int minWidth, int maxAtoms, double minAlpha) {
        return Combinators.combine(
                        Arbitraries.integers().between(minWidth, 30),
                        Arbitraries.integers().between(1, maxAtoms),
                        Arbitraries.doubles().between(minAlpha, 3),
                        Arbitraries.of(false, true),
                        Arbitraries.longs())
                .as(LassoProblem::new);
    }

    @Provide
    Arbitrary<LassoProblem> lassos() {
        return lassos(1, 200, 0.01);
    }

    @Provide
    Arbitrary<LassoProblem> shortPaths() {
        return lassos(5, 100, 0.2);
    }

    @Property(tries = 60)
    void theConditionsOfTheLassoHold(@ForAll("lassos") LassoProblem problem) {
        int d = problem.d();
        double[] atoms = problem.atoms();
        double[] samples = random(8, d, problem.seed(), "samples");
        SparseCoder coder = SparseCoder.of(atoms, d, problem.coding()).onThreads(2);
        SparseCodes codes = coder.encode(samples);
        assertThat(codes.unconverged()).isZero();
        assertThat(coder.kktResidual(samples, codes)).isLessThan(1e-9);
        if (problem.positive()) {
            assertThat(Arrays.stream(codes.values()).allMatch(c -> c > 0)).isTrue();
        }
        SparseCodes onPath = SparseCoder.of(atoms, d, problem.path()).encode(samples);
        assertThat(onPath.unconverged()).isZero();
        assertThat(coder.objective(samples, onPath))
                .isCloseTo(coder.objective(samples, codes), within(1e-9 * (1 + coder.objective(samples, codes))));
    }

    /** The path itself comes to the code, before anything is completed. */
    @Property(tries = 60)
    void thePathEndsAtTheCodeOfCoordinateDescent(@ForAll("shortPaths") LassoProblem problem) {
        int d = problem.d();
        double[] atoms = problem.atoms();
        double[] sample = random(1, d, problem.seed(), "samples");
        double[] expected =
                SparseCoder.of(atoms, d, problem.coding()).encode(sample).dense();
        try (WorkerPool pool = new WorkerPool(1)) {
            Atoms dictionary = Atoms.of(atoms, d, pool);
            dictionary.turn();
            LeastAnglePath path = new LeastAnglePath(dictionary, sample, problem.path());
            path.run();
            double[] found = new double[problem.n()];
            for (int i = 0; i < path.count(); i++) {
                found[path.atoms()[i]] = path.coefficients()[i];
            }
            assertThat(SparseCoderTest.largestDifference(found, expected)).isLessThan(1e-7);
        }
    }

    @Property(tries = 60)
    void matchingPursuitLeavesAResidualOrthogonalToItsAtoms(
            @ForAll @IntRange(min = 1, max = 20) int d,
            @ForAll @IntRange(min = 1, max = 100) int n,
            @ForAll @IntRange(min = 1, max = 20) int most,
            @ForAll long seed) {
        int k = Math.min(most, Math.min(n, d));
        double[] atoms = random(n, d, seed, "atoms");
        double[] samples = random(5, d, seed, "samples");
        SparseCodes codes = SparseCoder.of(atoms, d, Coding.omp(k)).encode(samples);
        for (int s = 0; s < codes.samples(); s++) {
            assertThat(codes.offsets()[s + 1] - codes.offsets()[s]).isBetween(1, k);
            double[] residual = Arrays.copyOfRange(samples, s * d, (s + 1) * d);
            for (int e = codes.offsets()[s]; e < codes.offsets()[s + 1]; e++) {
                Doubles.add(residual, 0, -codes.values()[e], atoms, codes.indices()[e] * d, d);
            }
            for (int e = codes.offsets()[s]; e < codes.offsets()[s + 1]; e++) {
                double product = Doubles.dot(atoms, codes.indices()[e] * d, residual, 0, d);
                assertThat(product).isCloseTo(0, within(1e-7));
            }
        }
    }

    /** As long as no atom is drawn anew, which may cost something. */
    @Property(tries = 30)
    void learningNeverRaisesTheObjective(
            @ForAll @IntRange(min = 2, max = 12) int d,
            @ForAll @IntRange(min = 1, max = 30) int n,
            @ForAll @DoubleRange(min = 0.05, max = 1) double alpha,
            @ForAll long seed) {
        double[] samples = random(60, d, seed, "samples");
        List<Double> costs = new ArrayList<>();
        DictionaryLearning.of(n, alpha).seed(seed).maxIterations(8).fit(samples, d, 2, (done, cost, resampled) -> {
            if (resampled > 0) {
                costs.clear();
            }
            costs.add(cost);
        });
        for (int i = 1; i < costs.size(); i++) {
            assertThat(costs.get(i)).isLessThanOrEqualTo(costs.get(i - 1) * (1 + 1e-9));
        }
    }

    @Property(tries = 20)
    void bitsDoNotDependOnThreads(
            @ForAll @IntRange(min = 1, max = 40) int d,
            @ForAll @IntRange(min = 1, max = 150) int n,
            @ForAll CodingAlgorithm algorithm,
            @ForAll long seed) {
        double[] atoms = random(n, d, seed, "atoms");
        double[] samples = random(20, d, seed, "samples");
        SparseCoder coder = SparseCoder.of(atoms, d, Coding.of(algorithm).alpha(0.3));
        SparseCodes one = coder.onThreads(1).encode(samples);
        for (int threads : new int[] {2, 7}) {
            SparseCodes many = coder.onThreads(threads).encode(samples);
            assertThat(many.indices()).isEqualTo(one.indices());
            assertThat(many.values()).isEqualTo(one.values());
        }
    }
}
