package dev.hyaline.analysis.dictionary;

import dev.hyaline.engine.internal.parallel.WorkerPool;
import java.util.Arrays;
import java.util.BitSet;

/** A fit of {@link DictionaryLearning} under way. */
final class ClassicFit implements AutoCloseable {
    private final LearningSettings settings;
    private final Samples samples;
    private final double[] rows;
    private final int d;
    private final WorkerPool pool;
    private final Encoder encoder;
    private final AtomUpdate update;
    private final double[] dictionary;
    private SparseCodes codes;
    private double[] costs = new double[16];
    private int done;
    private long resampled;

    private final Replacement replacement;

    ClassicFit(LearningSettings settings, Samples samples, int d, int threads) {
        this.settings = settings;
        this.samples = samples;
        this.d = d;
        dictionary = settings.begin(samples, d);
        rows = new double[Math.multiplyExact(samples.count(), d)];
        for (int s = 0; s < samples.count(); s++) {
            samples.copy(s, rows, s * d);
        }
        codes = SparseCodes.none(settings.atoms());
        replacement = Replacement.bySamples(settings.seed());
        pool = new WorkerPool(threads);
        encoder = new Encoder(pool);
        update = new AtomUpdate(settings.atoms(), d, settings.positiveDictionary(), pool);
    }

    /** Codes all samples, then updates the dictionary; returns how many atoms were drawn anew. */
    int step() {
        SparseCodes coded = encoder.encode(samples, Atoms.of(dictionary, d, pool), settings.coding(), codes);
        CodeStatistics statistics = new CodeStatistics(settings.atoms(), d);
        statistics.add(1, 1, coded, rows, pool);
        BitSet drawn = update.run(dictionary, statistics, rows, samples.count(), done, replacement);
        if (!drawn.isEmpty()) {
            coded = without(coded, drawn);
        }
        codes = coded;
        costs = costs.length > done ? costs : Arrays.copyOf(costs, 2 * costs.length);
        costs[done++] = Objective.of(
                        samples,
                        coded,
                        Atoms.of(dictionary, d, pool),
                        settings.coding().alpha())
                / samples.count();
        resampled += drawn.cardinality();
        return drawn.cardinality();
    }

    /** Codes in which some atoms are not used. */
    private static SparseCodes without(SparseCodes codes, BitSet atoms) {
        int[] offsets = new int[codes.samples() + 1];
        int[] indices = new int[codes.count()];
        double[] values = new double[codes.count()];
        int to = 0;
        for (int s = 0; s < codes.samples(); s++) {
            for (int e = codes.offsets()[s]; e < codes.offsets()[s + 1]; e++) {
                if (!atoms.get(codes.indices()[e])) {
                    indices[to] = codes.indices()[e];
                    values[to++] = codes.values()[e];
                }
            }
            offsets[s + 1] = to;
        }
        return new SparseCodes(codes.width(), offsets, indices, values, codes.unconverged());
    }

    /** The objective of a sample with the codes and the dictionary of the last step. */
    double cost() {
        return costs[done - 1];
    }

    SparseCodes codes() {
        return codes;
    }

    LearnedDictionary result() {
        return new LearnedDictionary(d, dictionary.clone(), Arrays.copyOf(costs, done), resampled);
    }

    @Override
    public void close() {
        pool.close();
    }
}
