package dev.hyaline.analysis.dictionary;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;

/**
 * Dictionary learning on all samples at once, as scikit-learn's {@code DictionaryLearning} does it: minimises {@code .5
 * ||X - C D||^2 + alpha ||C||_1} over dictionaries whose atoms are not longer than 1 by coding the samples and updating
 * the atoms in turn, until the objective falls by less than a share of itself. For many samples
 * {@link MiniBatchDictionaryLearning} is faster. Immutable; each method returns a changed copy.
 */
public final class DictionaryLearning {
    private static final int MAX_ITERATIONS = 1000;
    private static final double TOLERANCE = 1e-8;

    private final LearningSettings settings;
    private final int maxIterations;
    private final double tolerance;

    private DictionaryLearning(LearningSettings settings, int maxIterations, double tolerance) {
        this.settings = settings;
        this.maxIterations = maxIterations;
        this.tolerance = tolerance;
        if (maxIterations < 1) {
            throw new BadInputException("learning needs at least 1 iteration, found " + maxIterations);
        }
        if (!(tolerance >= 0)) {
            throw new BadInputException("a tolerance must be a number of at least 0, found " + tolerance);
        }
    }

    /** So many atoms, a penalty on codes, at most 1,000 iterations, tolerance 1e-8, seed 0. */
    public static DictionaryLearning of(int atoms, double alpha) {
        LearningSettings settings = new LearningSettings(atoms, Coding.lasso(alpha), 0, false, new double[0]);
        return new DictionaryLearning(settings, MAX_ITERATIONS, TOLERANCE);
    }

    private DictionaryLearning with(LearningSettings changed) {
        return new DictionaryLearning(changed, maxIterations, tolerance);
    }

    /** How samples are coded, alpha included: {@code lasso_cd} or {@code lasso_lars}, whose codes agree. */
    public DictionaryLearning coding(Coding coding) {
        return with(settings.coding(coding));
    }

    /** Holds all codes at 0 or above. */
    public DictionaryLearning positiveCodes(boolean held) {
        return with(settings.coding(settings.coding().positive(held)));
    }

    /** Holds all atoms' values at 0 or above. */
    public DictionaryLearning positiveDictionary(boolean held) {
        return with(settings.positiveDictionary(held));
    }

    /** Chooses the atoms to begin with and those drawn anew. */
    public DictionaryLearning seed(long seed) {
        return with(settings.seed(seed));
    }

    /** The dictionary to begin with, {@code [atoms, d]}. */
    public DictionaryLearning startingFrom(double[] dictionary) {
        return with(settings.start(dictionary));
    }

    public DictionaryLearning maxIterations(int most) {
        return new DictionaryLearning(settings, most, tolerance);
    }

    /** Stops once the objective falls by less than this share of itself. */
    public DictionaryLearning tolerance(double share) {
        return new DictionaryLearning(settings, maxIterations, share);
    }

    /**
     * Learns a dictionary on as many threads as there are processors.
     *
     * @param samples {@code [samples, d]}
     * @throws dev.hyaline.engine.error.BadShapeException if these are not whole rows
     * @throws BadInputException if a value is not finite
     */
    public LearnedDictionary fit(float[] samples, int d) {
        return fit(samples, d, Gpt2.defaultThreads(), (done, cost, resampled) -> {});
    }

    /**
     * Learns a dictionary.
     *
     * @param listener told after each iteration; may throw to stop
     */
    public LearnedDictionary fit(float[] samples, int d, int threads, DictionaryListener listener) {
        return fit(Samples.of(samples, d), d, threads, listener);
    }

    /** As {@link #fit(float[], int, int, DictionaryListener)}. */
    public LearnedDictionary fit(double[] samples, int d, int threads, DictionaryListener listener) {
        return fit(Samples.of(samples, d), d, threads, listener);
    }

    private LearnedDictionary fit(Samples samples, int d, int threads, DictionaryListener listener) {
        try (ClassicFit fit = new ClassicFit(settings, samples, d, threads)) {
            double before = Double.POSITIVE_INFINITY;
            for (int i = 0; i < maxIterations; i++) {
                int drawn = fit.step();
                double cost = fit.cost();
                listener.stepped(i + 1, cost, drawn);
                if (before - cost < tolerance * cost) {
                    break;
                }
                before = cost;
            }
            return fit.result();
        }
    }

    @Override
    public String toString() {
        return settings + ", at most " + maxIterations + " iterations, tolerance " + tolerance;
    }
}
