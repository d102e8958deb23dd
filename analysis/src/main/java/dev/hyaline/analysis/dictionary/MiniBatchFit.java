package dev.hyaline.analysis.dictionary;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import dev.hyaline.instrument.CounterRandom;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;

/**
 * A fit of {@link MiniBatchDictionaryLearning} under way. Its bits depend on the settings and the samples alone: not on
 * threads, nor on how often it was written and resumed. Not thread-safe.
 */
public final class MiniBatchFit implements AutoCloseable {
    private final MiniBatchDictionaryLearning learning;
    private final Samples samples;
    private final int d;
    private final int batches;
    private final WorkerPool pool;
    private final Encoder encoder;
    private final AtomUpdate update;
    final double[] dictionary;
    final CodeStatistics statistics;
    Replacement replacement;
    double[] costs = new double[0];
    long resampled;
    int done;

    private MiniBatchFit(
            MiniBatchDictionaryLearning learning, Samples samples, int d, int threads, double[] dictionary) {
        this.learning = learning;
        this.d = d;
        this.dictionary = dictionary;
        if (samples.count() == 0) {
            throw new BadInputException("a dictionary is learned from at least 1 sample, found none");
        }
        CounterRandom random = CounterRandom.of(learning.settings().seed()).named("dictionary/order");
        this.samples = learning.shuffled() ? samples.chosen(random.permutation(samples.count())) : samples;
        batches = Math.ceilDiv(samples.count(), learning.batch());
        replacement = Replacement.bySamples(learning.settings().seed());
        pool = new WorkerPool(threads);
        encoder = new Encoder(pool);
        int n = learning.settings().atoms();
        update = new AtomUpdate(n, d, learning.settings().positiveDictionary(), pool);
        statistics = new CodeStatistics(n, d);
    }

    static MiniBatchFit begin(MiniBatchDictionaryLearning learning, Samples samples, int d, int threads) {
        double[] start = learning.settings().begin(samples, d);
        return new MiniBatchFit(learning, samples, d, threads, start);
    }

    static MiniBatchFit resume(MiniBatchDictionaryLearning learning, Samples samples, int d, int threads, Path file) {
        double[] room = new double[Math.multiplyExact(learning.settings().atoms(), d)];
        MiniBatchFit fit = new MiniBatchFit(learning, samples, d, threads, room);
        FitFile.read(file, fit);
        return fit;
    }

    String description() {
        return learning.description(d, samples.count());
    }

    /** Steps so far. */
    public long done() {
        return done;
    }

    /** Steps in all. */
    public long steps() {
        return (long) batches * learning.epochs();
    }

    /** Returns whether every step is done. */
    public boolean isDone() {
        return done >= steps();
    }

    /**
     * Learns to the end.
     *
     * @param listener told after each step; may throw to stop, after which the fit may be written, or run again
     */
    public LearnedDictionary run(DictionaryListener listener) {
        while (!isDone()) {
            int before = done;
            int drawn = step();
            listener.stepped(done, costs[before], drawn);
        }
        return result();
    }

    /** Codes a batch, then updates the dictionary; returns how many atoms were drawn anew. */
    private int step() {
        int size = learning.batch();
        int first = done % batches * size;
        int count = Math.min(size, samples.count() - first);
        double[] rows = new double[count * d];
        int[] chosen = new int[count];
        for (int i = 0; i < count; i++) {
            chosen[i] = first + i;
            samples.copy(first + i, rows, i * d);
        }
        Samples part = samples.chosen(chosen);
        LearningSettings settings = learning.settings();
        Atoms atoms = Atoms.of(dictionary, d, pool);
        SparseCodes codes = encoder.encode(part, atoms, settings.coding(), SparseCodes.none(atoms.n));
        double cost = Objective.of(part, codes, atoms, settings.coding().alpha()) / count;
        // The past counts less at first, and the more the larger a batch is (Mairal et al. 2009, 3.4.3).
        double theta = done < count - 1 ? (done + 1.0) * count : (double) count * count + done + 1 - count;
        double decay = (theta + 1 - count) / (theta + 1);
        statistics.add(decay, 1.0 / count, codes, rows, pool);
        BitSet drawn = update.run(dictionary, statistics, rows, count, done, replacement);
        requireFinite();
        costs = costs.length > done ? costs : Arrays.copyOf(costs, Math.max(16, 2 * costs.length));
        costs[done++] = cost;
        resampled += drawn.cardinality();
        return drawn.cardinality();
    }

    private void requireFinite() {
        for (int i = 0; i < dictionary.length; i++) {
            if (!Double.isFinite(dictionary[i])) {
                throw new BadInputException("step " + done + " of learning a dictionary left atom " + i / d + " with "
                        + dictionary[i] + ": the samples are too large for their squares to be summed");
            }
        }
    }

    /** The dictionary as it is now. */
    public LearnedDictionary result() {
        return new LearnedDictionary(d, dictionary.clone(), Arrays.copyOf(costs, done), resampled);
    }

    /**
     * Writes all that {@link MiniBatchDictionaryLearning#resume} needs besides the samples, in one safetensors file.
     */
    public void write(Path file) {
        FitFile.write(file, this);
    }

    @Override
    public void close() {
        pool.close();
    }

    @Override
    public String toString() {
        return done + " of " + batches + " batches, " + learning;
    }
}
