package dev.hyaline.analysis.sparse.train;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.instrument.dump.ActivationStore;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Activations of a dump on disk, read wherever they lie: each epoch a permutation of all rows that is keyed by the seed
 * and the epoch and takes no memory, unless they are to come as {@link CorpusData} gives them. For one thread.
 */
public final class StoreData implements TrainingData {
    private static final int ROWS_AT_ONCE = 1024;

    private final ActivationStore store;
    private final DataSites sites;
    private final long seed;
    private final long bufferRows;
    private final BufferedOrder order;
    /** The rows whose tokens are not left out; empty if none is. */
    private final long[] chosen;

    private StoreData(ActivationStore store, DataSites sites, long seed, long bufferRows, long[] chosen) {
        this.store = store;
        this.sites = sites;
        this.seed = seed;
        this.bufferRows = bufferRows;
        this.chosen = chosen;
        order = new BufferedOrder(chosen.length == 0 ? store.rows() : chosen.length, bufferRows, seed);
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
        return new StoreData(store, DataSites.of(in, out, store::width), seed, Long.MAX_VALUE, chosen(store, excluded));
    }

    /**
     * The rows of several hook points of one width, end to end, for a crosscoder.
     *
     * @throws BadInputException if there are fewer than two points, their widths differ, a point was not dumped, or no
     *     row is left
     */
    public static StoreData ofSites(ActivationStore store, List<HookPoint> points, Set<Integer> excluded, long seed) {
        return new StoreData(
                store, DataSites.ofCrosscoder(points, store::width), seed, Long.MAX_VALUE, chosen(store, excluded));
    }

    /**
     * The same in the order in which {@link CorpusData} with a buffer of so many rows gives those of the same corpus:
     * with the same seed and the same tokens left out, the batches are the same, bit for bit, if the dump keeps all
     * tokens as float32, and cuts long documents at the model's positions.
     *
     * @throws BadInputException if the buffer has no row
     */
    public StoreData buffered(int rowsOfBuffer) {
        if (rowsOfBuffer < 1) {
            throw new BadInputException("a buffer needs at least one row, found " + rowsOfBuffer);
        }
        return new StoreData(store, sites, seed, rowsOfBuffer, chosen);
    }

    /**
     * The same without rows that are much longer than others, as those of the first token and of other attention sinks
     * are. Reads all rows once.
     *
     * @param times the median length, at the first point, above which a row is left out
     * @throws BadInputException if that is not a finite number of at least 1
     */
    public StoreData withoutLongRows(double times) {
        if (!(times >= 1) || Double.isInfinite(times)) {
            throw new BadInputException(
                    "rows are left out from a finite number of at least 1 times the median length on, found " + times);
        }
        HookPoint point = sites.first();
        int width = store.width(point);
        int count = Math.toIntExact(rows());
        double[] lengths = new double[count];
        float[] values = new float[ROWS_AT_ONCE * width];
        long[] rows = new long[ROWS_AT_ONCE];
        for (int first = 0; first < count; first += ROWS_AT_ONCE) {
            int size = Math.min(ROWS_AT_ONCE, count - first);
            for (int i = 0; i < size; i++) {
                rows[i] = row(first + i);
            }
            store.read(point, rows, size, values);
            for (int i = 0; i < size; i++) {
                lengths[first + i] = Math.sqrt(Dictionary.squares(values, i * width, width));
            }
        }
        double[] sorted = lengths.clone();
        Arrays.sort(sorted);
        double bound = times * sorted[count / 2];
        long[] left = IntStream.range(0, count)
                .filter(i -> lengths[i] <= bound)
                .mapToLong(this::row)
                .toArray();
        return left.length == count ? this : new StoreData(store, sites, seed, bufferRows, left);
    }

    private long row(long index) {
        return chosen.length == 0 ? index : chosen[(int) index];
    }

    private static long[] chosen(ActivationStore store, Set<Integer> excluded) {
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
        return chosen;
    }

    @Override
    public int dIn() {
        return sites.dIn();
    }

    @Override
    public int dOut() {
        return sites.dOut();
    }

    @Override
    public int sites() {
        return sites.sites();
    }

    @Override
    public boolean isTranscoder() {
        return sites.isTranscoder();
    }

    @Override
    public long rows() {
        return chosen.length == 0 ? store.rows() : chosen.length;
    }

    @Override
    public void read(long batch, int size, float[] x, float[] y) {
        sites.requireBatch(batch, size, x, y);
        long[] rows = new long[size];
        for (int i = 0; i < size; i++) {
            rows[i] = row(order.row(batch * size + i));
        }
        if (sites.crosscoder()) {
            readSites(rows, size, x);
            return;
        }
        store.read(sites.first(), rows, size, x);
        if (isTranscoder()) {
            store.read(sites.last(), rows, size, y);
        }
    }

    private void readSites(long[] rows, int size, float[] x) {
        int width = store.width(sites.first());
        float[] ofSite = new float[size * width];
        for (int p = 0; p < sites.sites(); p++) {
            store.read(sites.points().get(p), rows, size, ofSite);
            for (int i = 0; i < size; i++) {
                sites.put(p, ofSite, i * width, i, x, x);
            }
        }
    }

    @Override
    public String toString() {
        return rows() + " rows of " + sites.points() + " in " + store;
    }
}
