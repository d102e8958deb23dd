package dev.hyaline.analysis.sparse.train;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.instrument.dump.ActivationStore;
import dev.hyaline.instrument.dump.RowOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/**
 * Activations of a dump on disk, read wherever they lie: each epoch a permutation of all rows that is keyed by the seed
 * and the epoch and takes no memory. For one thread.
 */
public final class StoreData implements TrainingData {
    private final ActivationStore store;
    private final HookPoint in;
    private final HookPoint out;
    private final long seed;
    /** The rows whose tokens are not left out; empty if none is. */
    private final long[] chosen;

    private StoreData(ActivationStore store, HookPoint in, HookPoint out, long seed, long[] chosen) {
        this.store = store;
        this.in = in;
        this.out = out;
        this.seed = seed;
        this.chosen = chosen;
    }

    /**
     * The rows of a hook point.
     *
     * @param excluded tokens whose rows are left out
     */
    public static StoreData of(ActivationStore store, HookPoint point, Set<Integer> excluded, long seed) {
        return of(store, point, point, excluded, seed);
    }

    /**
     * The rows of a hook point and those of another that is to be predicted from it.
     *
     * @throws BadInputException if a point was not dumped, or no row is left
     */
    public static StoreData of(ActivationStore store, HookPoint in, HookPoint out, Set<Integer> excluded, long seed) {
        for (HookPoint point : List.of(in, out)) {
            store.width(point);
        }
        long[] chosen = {};
        if (!excluded.isEmpty()) {
            int count = 0;
            chosen = new long[Math.toIntExact(store.rows())];
            for (long row = 0; row < store.rows(); row++) {
                if (!excluded.contains(store.token(row))) {
                    chosen[count++] = row;
                }
            }
            chosen = Arrays.copyOf(chosen, count);
            if (count == 0) {
                throw new BadInputException("all rows of the dump are of tokens that are left out");
            }
        }
        return new StoreData(store, in, out, seed, chosen);
    }

    @Override
    public int dIn() {
        return store.width(in);
    }

    @Override
    public int dOut() {
        return store.width(out);
    }

    @Override
    public boolean isTranscoder() {
        return !in.equals(out);
    }

    @Override
    public long rows() {
        return chosen.length == 0 ? store.rows() : chosen.length;
    }

    @Override
    public void read(long batch, int size, float[] x, float[] y) {
        requireBatch(this, batch, size, x, y);
        long[] rows = new long[size];
        long[] one = new long[1];
        long first = batch * size;
        RowOrder order = RowOrder.shuffled(rows(), seed + first / rows());
        order.position(first % rows());
        for (int i = 0; i < size; i++) {
            if (order.next(one) == 0) {
                order = RowOrder.shuffled(rows(), seed + (first + i) / rows());
                order.next(one);
            }
            rows[i] = chosen.length == 0 ? one[0] : chosen[(int) one[0]];
        }
        store.read(in, rows, size, x);
        if (isTranscoder()) {
            store.read(out, rows, size, y);
        }
    }

    /** Checks what a batch is asked for with. */
    static void requireBatch(TrainingData data, long batch, int size, float[] x, float[] y) {
        if (batch < 0 || size < 0 || Math.multiplyHigh(batch, size) != 0 || batch * size + size < 0) {
            throw new BadInputException(
                    "a batch has a number and a size of at least 0, found batch " + batch + " of " + size + " rows");
        }
        requireRoom(x, size, data.dIn());
        if (data.isTranscoder()) {
            requireRoom(y, size, data.dOut());
        }
    }

    private static void requireRoom(float[] values, int size, int width) {
        if (values.length < (long) size * width) {
            throw new BadShapeException("a batch", size + " rows of " + width, values.length + " values");
        }
    }
}
