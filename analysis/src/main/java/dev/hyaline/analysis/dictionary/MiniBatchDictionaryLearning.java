package dev.hyaline.analysis.dictionary;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import java.nio.file.Path;

/**
 * Dictionary learning batch by batch (Mairal, Bach, Ponce and Sapiro 2009), with the updates of scikit-learn's
 * {@code MiniBatchDictionaryLearning}: minimises {@code .5 ||X - C D||^2 + alpha ||C||_1} over dictionaries whose atoms
 * are not longer than 1. Unlike there, all steps are taken, since the usual rules for stopping early end the fit of a
 * dictionary many times wider than its samples after a dozen; and unless told otherwise it begins with samples if it
 * has more atoms than features. Immutable; each method returns a changed copy.
 *
 * <p>For example: {@snippet file="dev/hyaline/analysis/JavadocExamplesTest.java" region="learn"}
 */
public final class MiniBatchDictionaryLearning {
    private static final int BATCH = 256;

    private final LearningSettings settings;
    private final int batch;
    private final int epochs;
    private final boolean shuffled;

    private MiniBatchDictionaryLearning(LearningSettings settings, int batch, int epochs, boolean shuffled) {
        this.settings = settings;
        this.batch = batch;
        this.epochs = epochs;
        this.shuffled = shuffled;
        if (batch < 1 || epochs < 1) {
            throw new BadInputException(
                    "learning needs at least 1 sample a batch and 1 epoch, found " + batch + " and " + epochs);
        }
    }

    /** So many atoms, a penalty on codes, batches of 256, one epoch, samples shuffled, seed 0. */
    public static MiniBatchDictionaryLearning of(int atoms, double alpha) {
        LearningSettings settings = new LearningSettings(atoms, Coding.lasso(alpha), 0, false, new double[0]);
        return new MiniBatchDictionaryLearning(settings, BATCH, 1, true);
    }

    private MiniBatchDictionaryLearning with(LearningSettings changed) {
        return new MiniBatchDictionaryLearning(changed, batch, epochs, shuffled);
    }

    /** How samples are coded, alpha included: {@code lasso_cd} or {@code lasso_lars}, whose codes agree. */
    public MiniBatchDictionaryLearning coding(Coding coding) {
        return with(settings.coding(coding));
    }

    /** Holds all codes at 0 or above. */
    public MiniBatchDictionaryLearning positiveCodes(boolean held) {
        return with(settings.coding(settings.coding().positive(held)));
    }

    /** Holds all atoms' values at 0 or above. */
    public MiniBatchDictionaryLearning positiveDictionary(boolean held) {
        return with(settings.positiveDictionary(held));
    }

    /** Chooses the order of the samples, the atoms to begin with and those drawn anew. */
    public MiniBatchDictionaryLearning seed(long seed) {
        return with(settings.seed(seed));
    }

    /** The dictionary to begin with, {@code [atoms, d]}. */
    public MiniBatchDictionaryLearning startingFrom(double[] dictionary) {
        return with(settings.start(dictionary));
    }

    /** Samples of a batch. */
    public MiniBatchDictionaryLearning batch(int samples) {
        return new MiniBatchDictionaryLearning(settings, samples, epochs, shuffled);
    }

    /** Sets how often all samples are gone through. */
    public MiniBatchDictionaryLearning epochs(int count) {
        return new MiniBatchDictionaryLearning(settings, batch, count, shuffled);
    }

    /** Puts the samples into a random order at the beginning, or leaves them; each epoch has that same order. */
    public MiniBatchDictionaryLearning shuffled(boolean random) {
        return new MiniBatchDictionaryLearning(settings, batch, epochs, random);
    }

    LearningSettings settings() {
        return settings;
    }

    int batch() {
        return batch;
    }

    int epochs() {
        return epochs;
    }

    boolean shuffled() {
        return shuffled;
    }

    /** What the bits of a fit depend on besides the samples and the dictionary that it began with. */
    String description(int d, int samples) {
        return settings.atoms() + " atoms of " + d + ", " + settings.coding() + ", seed " + settings.seed()
                + ", batch " + batch + ", shuffled " + shuffled + ", positive dictionary "
                + settings.positiveDictionary() + ", samples " + samples;
    }

    /**
     * Learns a dictionary on as many threads as there are processors.
     *
     * @param samples {@code [samples, d]}
     * @throws dev.hyaline.engine.error.BadShapeException if these are not whole rows
     * @throws BadInputException if a value is not finite
     */
    public LearnedDictionary fit(float[] samples, int d) {
        return begin(samples, d, Gpt2.defaultThreads()).run((done, cost, resampled) -> {});
    }

    /** Begins to learn. */
    public MiniBatchFit begin(float[] samples, int d, int threads) {
        return MiniBatchFit.begin(this, Samples.of(samples, d), d, threads);
    }

    /** As {@link #begin(float[], int, int)}. */
    public MiniBatchFit begin(double[] samples, int d, int threads) {
        return MiniBatchFit.begin(this, Samples.of(samples, d), d, threads);
    }

    /**
     * Goes on where {@link MiniBatchFit#write} was called, to the bits of a fit that was not interrupted. More epochs
     * may be asked for than then.
     *
     * @throws BadInputException if the file was written with other settings or another number of samples
     */
    public MiniBatchFit resume(float[] samples, int d, int threads, Path file) {
        return MiniBatchFit.resume(this, Samples.of(samples, d), d, threads, file);
    }

    @Override
    public String toString() {
        return settings + ", batches of " + batch + ", " + Printable.plural(epochs, "epoch");
    }
}
