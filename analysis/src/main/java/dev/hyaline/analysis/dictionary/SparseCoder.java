package dev.hyaline.analysis.dictionary;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import java.util.Arrays;

/**
 * Codes samples over a given dictionary, as scikit-learn's {@code SparseCoder} and {@code sparse_encode} do. The Lasso
 * is {@code argmin_c .5 ||x - c D||^2 + alpha ||c||_1} for each sample {@code x}, solved until its KKT conditions hold
 * within {@link Coding#tolerance}; scikit-learn's {@code lasso_cd} stops by a looser duality gap. The arithmetic is in
 * double, and the bits of a code depend on its sample, the dictionary and the settings alone. Atoms may have any
 * length; one that is zero is never used. Not thread-safe.
 *
 * <p>For example: {@snippet file="dev/hyaline/analysis/JavadocExamplesTest.java" region="code"}
 */
public final class SparseCoder {
    private final Atoms dictionary;
    private final Coding coding;
    private final Encoder encoder;

    private SparseCoder(Atoms dictionary, Coding coding, WorkerPool pool) {
        this.dictionary = dictionary;
        this.coding = coding;
        encoder = new Encoder(pool);
    }

    /**
     * A coder over a dictionary.
     *
     * @param dictionary atoms, {@code [n, d]}
     * @throws BadShapeException if there is no whole row
     * @throws dev.hyaline.engine.error.BadInputException if a value is not finite, or {@link CodingAlgorithm#OMP} is to
     *     choose more atoms than there are features
     */
    public static SparseCoder of(float[] dictionary, int d, Coding coding) {
        double[] rows = new double[dictionary.length];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = dictionary[i];
        }
        return ofOwned(rows, d, coding);
    }

    /** As {@link #of(float[], int, Coding)}. */
    public static SparseCoder of(double[] dictionary, int d, Coding coding) {
        return ofOwned(dictionary.clone(), d, coding);
    }

    private static SparseCoder ofOwned(double[] rows, int d, Coding coding) {
        WorkerPool pool = new WorkerPool(Gpt2.defaultThreads());
        Atoms atoms = Atoms.of(rows, d, pool);
        coding.atoms(atoms.n, d);
        return new SparseCoder(atoms, coding, pool);
    }

    /**
     * The same on a number of threads, the caller's included.
     *
     * @throws dev.hyaline.engine.error.BadInputException if there are none, or more than {@link Gpt2#MAX_THREADS}
     */
    public SparseCoder onThreads(int threads) {
        return new SparseCoder(dictionary, coding, new WorkerPool(threads));
    }

    public Coding coding() {
        return coding;
    }

    /**
     * Codes samples.
     *
     * @param samples {@code [samples, d]}
     * @throws BadShapeException if these are not whole rows
     * @throws dev.hyaline.engine.error.BadInputException if a value is not finite
     */
    public SparseCodes encode(float[] samples) {
        return encode(Samples.of(samples, dictionary.d));
    }

    /** As {@link #encode(float[])}. */
    public SparseCodes encode(double[] samples) {
        return encode(Samples.of(samples, dictionary.d));
    }

    private SparseCodes encode(Samples samples) {
        return encoder.encode(samples, dictionary, coding, SparseCodes.none(dictionary.n));
    }

    /** What codes say of samples, {@code c D}, {@code [samples, d]}. */
    public float[] decode(SparseCodes codes) {
        requireWidth(codes);
        int d = dictionary.d;
        float[] decoded = new float[Math.multiplyExact(codes.samples(), d)];
        double[] row = new double[d];
        for (int s = 0; s < codes.samples(); s++) {
            Arrays.fill(row, 0);
            for (int e = codes.offsets()[s]; e < codes.offsets()[s + 1]; e++) {
                Doubles.add(row, 0, codes.values()[e], dictionary.rows, codes.indices()[e] * d, d);
            }
            for (int c = 0; c < d; c++) {
                decoded[s * d + c] = (float) row[c];
            }
        }
        return decoded;
    }

    /** The objective of codes, {@code .5 ||X - C D||^2 + alpha ||C||_1}, a sum over the samples. */
    public double objective(float[] samples, SparseCodes codes) {
        return objective(Samples.of(samples, dictionary.d), codes);
    }

    /** As {@link #objective(float[], SparseCodes)}. */
    public double objective(double[] samples, SparseCodes codes) {
        return objective(Samples.of(samples, dictionary.d), codes);
    }

    private double objective(Samples samples, SparseCodes codes) {
        requireWidth(codes);
        requireSamples(samples, codes);
        return Objective.of(samples, codes, dictionary, coding.alpha());
    }

    /**
     * The largest residual of the Lasso's KKT conditions: an atom's product with what the code leaves of its sample has
     * at most size alpha, and is alpha with the coefficient's sign where that is not 0.
     */
    public double kktResidual(float[] samples, SparseCodes codes) {
        return kktResidual(Samples.of(samples, dictionary.d), codes);
    }

    /** As {@link #kktResidual(float[], SparseCodes)}. */
    public double kktResidual(double[] samples, SparseCodes codes) {
        return kktResidual(Samples.of(samples, dictionary.d), codes);
    }

    private double kktResidual(Samples samples, SparseCodes codes) {
        requireWidth(codes);
        requireSamples(samples, codes);
        return Objective.kktResidual(samples, codes, dictionary, coding);
    }

    private void requireWidth(SparseCodes codes) {
        if (codes.width() != dictionary.n) {
            throw new BadShapeException("codes", dictionary.n + " atoms", codes.width() + " atoms");
        }
    }

    private static void requireSamples(Samples samples, SparseCodes codes) {
        if (codes.samples() != samples.count()) {
            throw new BadShapeException("codes", samples.count() + " samples", codes.samples() + " samples");
        }
    }

    @Override
    public String toString() {
        return coding.toString();
    }
}
