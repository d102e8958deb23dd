package dev.hyaline.engine.internal.backward;

import dev.hyaline.engine.internal.forward.Batch;
import dev.hyaline.engine.internal.forward.Products;
import dev.hyaline.engine.internal.kernel.Fma;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;

/**
 * Adds gradients with respect to parameters to sums, each in the layout of its tensor in a checkpoint. A gradient is a
 * sum over the rows of a batch in ascending order, a new chain every {@link Kernels#K_BLOCK} rows (for vectors every
 * {@link #ROWS_PER_CHAIN}), whatever the threads.
 */
final class ParameterSums {
    private static final int COLUMNS_PER_TASK = 64;
    /** Columns that are transposed together: a cache line of each row, and few enough lines of what is written. */
    private static final int COLUMNS_AT_ONCE = 16;
    /** Rows of a bias's chain; a bias is a bare sum, which loses more bits than a product's. */
    private static final int ROWS_PER_CHAIN = 16;
    /** Rows of a gradient that are formed at a time. */
    private static final int ROWS_AT_ONCE = 4096;

    private final Kernels kernels;
    private final Products products;
    private final WorkerPool pool;

    private Function<String, float[]> sums = ParameterSums::outsideOfPass;
    private int rows;
    /** Columns of what a product read. */
    private float[] transposed = {};
    /** Gradients as a product reads them, by their width. */
    private final Map<Integer, PackedMatrix> packed = new HashMap<>();
    /** What a product adds to the sums. */
    private float[] formed = {};

    ParameterSums(Kernels kernels, Products products, WorkerPool pool) {
        this.kernels = kernels;
        this.products = products;
        this.pool = pool;
    }

    /**
     * Begins a pass.
     *
     * @param sums gives a tensor's sums by its name
     * @param rows of the batch
     */
    void begin(Function<String, float[]> sums, int rows) {
        this.sums = sums;
        this.rows = rows;
    }

    /** Ends the pass: its sums are not kept. */
    void end() {
        sums = ParameterSums::outsideOfPass;
    }

    private static float[] outsideOfPass(String name) {
        throw new IllegalStateException(name);
    }

    /** Those of a matrix product {@code [rows, k] [k, n]} and its bias, from the gradient at its result. */
    void linear(String name, float[] in, int k, float[] gradient, int n) {
        linear(name, in, k, gradient, n, 0, n);
    }

    /**
     * Those of some columns of a matrix.
     *
     * @param first of the columns
     * @param width columns of the whole matrix
     */
    void linear(String name, float[] in, int k, float[] gradient, int n, int first, int width) {
        product(sums.apply(name + ".weight"), in, k, packed(gradient, rows, n), first, width, rows);
        addColumns(sums.apply(name + ".bias"), first, gradient, n);
    }

    /** Those of a norm's gain and bias, from the gradient at its output. */
    void norm(String name, float[] normalized, float[] gradient, int n) {
        float[] gain = sums.apply(name + ".weight");
        inColumns(n, (from, end) -> {
            float[] chain = new float[end - from];
            for (int row = 0; row < rows; row++) {
                for (int i = from; i < end; i++) {
                    chain[i - from] = Fma.fma(gradient[row * n + i], normalized[row * n + i], chain[i - from]);
                }
                endChain(row, chain, gain, from);
            }
        });
        addColumns(sums.apply(name + ".bias"), 0, gradient, n);
    }

    /**
     * That of an unembedding {@code [dVocab, dModel]}.
     *
     * @param in {@code [count, dModel]}
     * @param logits the gradient there, {@code [count, dVocab]}
     */
    void unembedding(String name, float[] in, int d, float[] logits, int vocabulary, int count) {
        product(sums.apply(name), logits, vocabulary, packed(in, count, d), 0, d, count);
    }

    /** That of a token embedding: each token's rows are summed first, then added. */
    void embedding(String name, int[] tokens, float[] gradient, int d) {
        float[] sum = sums.apply(name);
        int[] sorted = Arrays.stream(tokens).distinct().toArray();
        pool.run(sorted.length, (worker, index) -> {
            float[] ofToken = new float[d];
            for (int row = 0; row < rows; row++) {
                if (tokens[row] == sorted[index]) {
                    kernels.add(ofToken, 0, gradient, row * d, d);
                }
            }
            kernels.add(sum, sorted[index] * d, ofToken, 0, d);
        });
    }

    /** That of the position embedding. */
    void positions(String name, Batch batch, float[] gradient, int d) {
        float[] sum = sums.apply(name);
        for (int row = 0; row < rows; row++) {
            kernels.add(sum, batch.position(row) * d, gradient, row * d, d);
        }
    }

    /** {@code sum[k, first + j] += sum_row in[row, k] gradient[row, j]}. */
    private void product(float[] sum, float[] in, int k, PackedMatrix gradient, int firstColumn, int width, int count) {
        int n = gradient.n();
        for (int from = 0; from < k; from += ROWS_AT_ONCE) {
            int start = from;
            int size = Math.min(ROWS_AT_ONCE, k - from);
            transposed = room(transposed, size, count);
            float[] columns = transposed;
            inColumns(size, (begin, end) -> {
                for (int first = begin; first < end; first += COLUMNS_AT_ONCE) {
                    int last = Math.min(end, first + COLUMNS_AT_ONCE);
                    for (int row = 0; row < count; row++) {
                        for (int i = first; i < last; i++) {
                            columns[i * count + row] = in[row * k + start + i];
                        }
                    }
                }
            });
            formed = room(formed, size, n);
            products.begin(transposed, count, size)
                    .into(formed, gradient)
                    .thenAddTo(sum, start * width + firstColumn, width)
                    .run();
        }
    }

    private static float[] room(float[] had, int rows, int width) {
        int size = Batch.arraySize(rows, width);
        return had.length < size ? new float[size] : had;
    }

    private PackedMatrix packed(float[] values, int count, int n) {
        PackedMatrix packed = roomFor(count, n);
        pool.run(count, (worker, row) -> packed.setRow(row, values, row * n));
        return packed;
    }

    private PackedMatrix roomFor(int count, int n) {
        PackedMatrix had = packed.get(n);
        if (had == null || had.k() != count) {
            had = PackedMatrix.zeros(count, n, false);
            packed.put(n, had);
        }
        return had;
    }

    private void addColumns(float[] sum, int first, float[] gradient, int n) {
        inColumns(n, (from, end) -> {
            float[] chain = new float[end - from];
            for (int row = 0; row < rows; row++) {
                kernels.add(chain, 0, gradient, row * n + from, end - from);
                endChain(row, chain, sum, first + from);
            }
        });
    }

    private void endChain(int row, float[] chain, float[] sum, int at) {
        if (row == rows - 1 || row % ROWS_PER_CHAIN == ROWS_PER_CHAIN - 1) {
            kernels.add(sum, at, chain, 0, chain.length);
            Arrays.fill(chain, 0);
        }
    }

    private interface ColumnTask {
        void run(int from, int end);
    }

    private void inColumns(int n, ColumnTask task) {
        pool.run(
                (n + COLUMNS_PER_TASK - 1) / COLUMNS_PER_TASK,
                (worker, index) -> task.run(index * COLUMNS_PER_TASK, Math.min(n, (index + 1) * COLUMNS_PER_TASK)));
    }
}
