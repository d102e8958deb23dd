package dev.hyaline.engine.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The products of {@link ParallelKernels} and attention for many rows on GPUs: a group of threads forms a tile of
 * outputs, and shares what it reads through local memory. As ordinary Java they compute nothing; only a device runs
 * them.
 *
 * <p>What is done in local memory is written out in each: TornadoVM 5.2 addresses wrongly an array there that is handed
 * to a method.
 */
final class TiledKernels {
    /** Rows and columns of a tile; of attention, queries and keys. */
    static final int TILE = AttentionKernels.PAGE;

    /** A row of a tile in local memory, with one more so that neighbours lie in different banks. */
    static final int STRIDE = TILE + 1;

    private TiledKernels() {}

    /** The row of a thread of a tile. */
    private static int row(KernelContext context) {
        return context.groupIdy * TILE + context.localIdy;
    }

    /** The column of a thread's output. */
    private static int column(KernelContext context) {
        return context.groupIdx * TILE + context.localIdx;
    }

    /** The column whose weights a thread loads: neighbours read neighbouring values. */
    private static int loadedColumn(KernelContext context) {
        return context.groupIdx * TILE + context.localIdy;
    }

    /** The beginning of something, or less than 0 where there is none. */
    private static int within(int index, int count, int at) {
        int begin = -1;
        if (index < count) {
            begin = at;
        }
        return begin;
    }

    /** As {@link ParallelKernels#product}, a group a tile of outputs. */
    public static void product(
            KernelContext context,
            FloatArray out,
            FloatArray in,
            FloatArray w,
            FloatArray bias,
            IntArray step,
            int k,
            int n,
            int function) {
        float[] inputs = context.allocateFloatLocalArray(TILE * STRIDE);
        float[] weights = context.allocateFloatLocalArray(TILE * STRIDE);
        int r = row(context);
        int j = column(context);
        int rows = step.get(StepField.ROWS);
        int layer = step.get(StepField.LAYER) * n;
        int loaded = loadedColumn(context);
        int row = within(r, rows, r * k);
        int column = within(loaded, n, (layer + loaded) * k);
        int x = context.localIdx;
        int y = context.localIdy;
        float sum = 0f;
        for (int block = 0; block < k; block += TILE) {
            float input = 0f;
            if (row >= 0 && block + x < k) {
                input = in.get(row + block + x);
            }
            inputs[y * STRIDE + x] = input;
            float weight = 0f;
            if (column >= 0 && block + x < k) {
                weight = w.get(column + block + x);
            }
            weights[y * STRIDE + x] = weight;
            context.localBarrier();
            for (int i = 0; i < TILE; i++) {
                sum += inputs[y * STRIDE + i] * weights[x * STRIDE + i];
            }
            context.localBarrier();
        }
        if (r < rows && j < n) {
            out.set(r * n + j, ParallelKernels.activation(sum + bias.get(layer + j), function));
        }
    }

    /** As {@link ParallelKernels#productAdd}, a group a tile of outputs. */
    public static void productAdd(
            KernelContext context,
            FloatArray sums,
            FloatArray in,
            FloatArray w,
            FloatArray bias,
            IntArray step,
            int k,
            int n) {
        float[] inputs = context.allocateFloatLocalArray(TILE * STRIDE);
        float[] weights = context.allocateFloatLocalArray(TILE * STRIDE);
        int r = row(context);
        int j = column(context);
        int rows = step.get(StepField.ROWS);
        int layer = step.get(StepField.LAYER) * n;
        int loaded = loadedColumn(context);
        int row = within(r, rows, r * k);
        int column = within(loaded, n, (layer + loaded) * k);
        int x = context.localIdx;
        int y = context.localIdy;
        float sum = 0f;
        for (int block = 0; block < k; block += TILE) {
            float input = 0f;
            if (row >= 0 && block + x < k) {
                input = in.get(row + block + x);
            }
            inputs[y * STRIDE + x] = input;
            float weight = 0f;
            if (column >= 0 && block + x < k) {
                weight = w.get(column + block + x);
            }
            weights[y * STRIDE + x] = weight;
            context.localBarrier();
            for (int i = 0; i < TILE; i++) {
                sum += inputs[y * STRIDE + i] * weights[x * STRIDE + i];
            }
            context.localBarrier();
        }
        if (r < rows && j < n) {
            sums.set(r * n + j, sums.get(r * n + j) + (sum + bias.get(layer + j)));
        }
    }

    /** As {@link ParallelKernels#project}, a group a tile of outputs. */
    public static void project(
            KernelContext context,
            FloatArray qkv,
            FloatArray in,
            FloatArray w,
            FloatArray bias,
            IntArray step,
            int d,
            int capacity) {
        float[] inputs = context.allocateFloatLocalArray(TILE * STRIDE);
        float[] weights = context.allocateFloatLocalArray(TILE * STRIDE);
        int r = row(context);
        int j = column(context);
        int rows = step.get(StepField.ROWS);
        int layer = step.get(StepField.LAYER) * 3 * d;
        int loaded = loadedColumn(context);
        int row = within(r, rows, r * d);
        int column = within(loaded, 3 * d, (layer + loaded) * d);
        int x = context.localIdx;
        int y = context.localIdy;
        float sum = 0f;
        for (int block = 0; block < d; block += TILE) {
            float input = 0f;
            if (row >= 0 && block + x < d) {
                input = in.get(row + block + x);
            }
            inputs[y * STRIDE + x] = input;
            float weight = 0f;
            if (column >= 0 && block + x < d) {
                weight = w.get(column + block + x);
            }
            weights[y * STRIDE + x] = weight;
            context.localBarrier();
            for (int i = 0; i < TILE; i++) {
                sum += inputs[y * STRIDE + i] * weights[x * STRIDE + i];
            }
            context.localBarrier();
        }
        if (r < rows && j < 3 * d) {
            qkv.set((j / d * capacity + r) * d + j % d, sum + bias.get(layer + j));
        }
    }

    /** As {@link ParallelKernels#unembed}, a group a tile of outputs. */
    public static void unembed(
            KernelContext context,
            FloatArray out,
            FloatArray in,
            FloatArray w,
            FloatArray bias,
            IntArray columns,
            IntArray step,
            int d) {
        float[] inputs = context.allocateFloatLocalArray(TILE * STRIDE);
        float[] weights = context.allocateFloatLocalArray(TILE * STRIDE);
        int r = row(context);
        int j = column(context);
        int rows = step.get(StepField.ROWS);
        int n = step.get(StepField.COLUMNS);
        int loaded = loadedColumn(context);
        int column = -1;
        if (loaded < n) {
            column = columns.get(loaded) * d;
        }
        int row = within(r, rows, (step.get(StepField.FIRST_ROW) + r) * d);
        int x = context.localIdx;
        int y = context.localIdy;
        float sum = 0f;
        for (int block = 0; block < d; block += TILE) {
            float input = 0f;
            if (row >= 0 && block + x < d) {
                input = in.get(row + block + x);
            }
            inputs[y * STRIDE + x] = input;
            float weight = 0f;
            if (column >= 0 && block + x < d) {
                weight = w.get(column + block + x);
            }
            weights[y * STRIDE + x] = weight;
            context.localBarrier();
            for (int i = 0; i < TILE; i++) {
                sum += inputs[y * STRIDE + i] * weights[x * STRIDE + i];
            }
            context.localBarrier();
        }
        if (r < rows && j < n) {
            out.set(r * n + j, sum + bias.get(columns.get(j)));
        }
    }

    /** Bytes of local memory that {@link #attend} takes. */
    static int attentionBytes(int dHead) {
        return Float.BYTES * (3 * TILE * (dHead + 1) + TILE * STRIDE);
    }

    /**
     * As {@link AttentionKernels#attend}, a group a head and a tile of one sequence's queries. It takes a page of keys
     * at a time: a thread the score of a query and a key, then some dimensions of a query's sum.
     */
    public static void attend(
            KernelContext context,
            FloatArray z,
            FloatArray q,
            FloatArray keys,
            FloatArray values,
            FloatArray scales,
            IntArray pages,
            IntArray rows,
            IntArray step,
            int heads,
            int dHead,
            int pageCount) {
        int stride = dHead + 1;
        float[] queries = context.allocateFloatLocalArray(TILE * (dHead + 1));
        // A page of keys, then of values.
        float[] page = context.allocateFloatLocalArray(TILE * (dHead + 1));
        float[] sums = context.allocateFloatLocalArray(TILE * (dHead + 1));
        float[] weights = context.allocateFloatLocalArray(TILE * STRIDE);
        int x = context.localIdx;
        int y = context.localIdy;
        int head = context.groupIdx * dHead;
        int d = heads * dHead;
        int tile = context.groupIdy * RowField.FIELDS;
        int firstRow = rows.get(tile + RowField.TILE_ROW);
        int count = rows.get(tile + RowField.TILE_ROWS);
        int r = firstRow + y;
        // Threads without a query do as the first one does, and write nothing.
        if (y >= count) {
            r = firstRow;
        }
        int position = rows.get(r * RowField.FIELDS + RowField.POSITION);
        int last = rows.get((firstRow + count - 1) * RowField.FIELDS + RowField.POSITION);
        int table = rows.get(firstRow * RowField.FIELDS + RowField.PAGES);
        int layer = step.get(StepField.LAYER) * pageCount;
        float scale = scales.get(step.get(StepField.LAYER));
        for (int e = x; e < dHead; e += TILE) {
            queries[y * stride + e] = q.get(r * d + head + e);
            sums[y * stride + e] = 0f;
        }
        float max = AttentionKernels.MASKED;
        float total = 0f;
        for (int first = 0; first <= last; first += TILE) {
            int at = (layer + pages.get(table + first / TILE)) * TILE;
            for (int e = x; e < dHead; e += TILE) {
                page[y * stride + e] = keys.get((at + y) * d + head + e);
            }
            context.localBarrier();
            float score = AttentionKernels.MASKED;
            if (first + x <= position) {
                float dot = 0f;
                for (int e = 0; e < dHead; e++) {
                    dot += queries[y * stride + e] * page[x * stride + e];
                }
                score = dot * scale;
            }
            weights[y * STRIDE + x] = score;
            context.localBarrier();
            float larger = max;
            for (int i = 0; i < TILE; i++) {
                larger = TornadoMath.max(larger, weights[y * STRIDE + i]);
            }
            for (int e = x; e < dHead; e += TILE) {
                // A page's end may never have been written.
                float value = 0f;
                if (first + y <= last) {
                    value = values.get((at + y) * d + head + e);
                }
                page[y * stride + e] = value;
            }
            context.localBarrier();
            float weight = 0f;
            if (first + x <= position) {
                weight = TornadoMath.exp(score - larger);
            }
            weights[y * STRIDE + x] = weight;
            context.localBarrier();
            float shrink = TornadoMath.exp(max - larger);
            max = larger;
            total = total * shrink;
            for (int i = 0; i < TILE; i++) {
                total += weights[y * STRIDE + i];
            }
            for (int e = x; e < dHead; e += TILE) {
                float sum = sums[y * stride + e] * shrink;
                for (int i = 0; i < TILE; i++) {
                    sum += weights[y * STRIDE + i] * page[i * stride + e];
                }
                sums[y * stride + e] = sum;
            }
            context.localBarrier();
        }
        if (y < count) {
            for (int e = x; e < dHead; e += TILE) {
                z.set(r * d + head + e, sums[y * stride + e] / total);
            }
        }
    }
}
