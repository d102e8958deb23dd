package dev.hyaline.engine.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The matrix products of {@link ParallelKernels} for GPUs: threads of a group share what they read through local memory. As ordinary Java they compute nothing;
 * only a device runs them.
 */
final class TiledKernels {
    /** Rows and columns of a tile. */
    static final int TILE = 16;

    /** A row of a tile in local memory, with one more so that neighbours lie in different banks. */
    static final int STRIDE = TILE + 1;

    /** Threads that form one output of a few rows together. */
    static final int LANES = 64;

    /** Rows up to which {@link #rowProduct} reads the weights once for each sooner than a tile is filled. */
    static final int FEW_ROWS = 4;

    private TiledKernels() {}

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
        int column = context.localIdx;
        int row = context.localIdy;
        int j = context.groupIdx * TILE + column;
        int r = context.groupIdy * TILE + row;
        int rows = step.get(StepField.ROWS);
        int layer = step.get(StepField.LAYER) * n;
        float sum = 0f;
        for (int block = 0; block < k; block += TILE) {
            float input = 0f;
            if (r < rows && block + column < k) {
                input = in.get(r * k + block + column);
            }
            inputs[row * STRIDE + column] = input;
            // A thread reads the weights of another's column, so that neighbours read neighbouring values.
            int loaded = context.groupIdx * TILE + row;
            float weight = 0f;
            if (loaded < n && block + column < k) {
                weight = w.get((layer + loaded) * k + block + column);
            }
            weights[row * STRIDE + column] = weight;
            context.localBarrier();
            for (int i = 0; i < TILE; i++) {
                sum += inputs[row * STRIDE + i] * weights[column * STRIDE + i];
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
        int column = context.localIdx;
        int row = context.localIdy;
        int j = context.groupIdx * TILE + column;
        int r = context.groupIdy * TILE + row;
        int rows = step.get(StepField.ROWS);
        int layer = step.get(StepField.LAYER) * n;
        float sum = 0f;
        for (int block = 0; block < k; block += TILE) {
            float input = 0f;
            if (r < rows && block + column < k) {
                input = in.get(r * k + block + column);
            }
            inputs[row * STRIDE + column] = input;
            int loaded = context.groupIdx * TILE + row;
            float weight = 0f;
            if (loaded < n && block + column < k) {
                weight = w.get((layer + loaded) * k + block + column);
            }
            weights[row * STRIDE + column] = weight;
            context.localBarrier();
            for (int i = 0; i < TILE; i++) {
                sum += inputs[row * STRIDE + i] * weights[column * STRIDE + i];
            }
            context.localBarrier();
        }
        if (r < rows && j < n) {
            sums.set(r * n + j, sums.get(r * n + j) + (sum + bias.get(layer + j)));
        }
    }

    /** As {@link ParallelKernels#product} for few rows, a group a column: its threads divide the sum among them. */
    public static void rowProduct(
            KernelContext context,
            FloatArray out,
            FloatArray in,
            FloatArray w,
            FloatArray bias,
            IntArray step,
            int k,
            int n,
            int function) {
        float[] parts = context.allocateFloatLocalArray(LANES);
        int lane = context.localIdx;
        int j = context.groupIdx;
        int column = step.get(StepField.LAYER) * n + j;
        for (int r = 0; r < step.get(StepField.ROWS); r++) {
            float part = 0f;
            for (int i = lane; i < k; i += LANES) {
                part += in.get(r * k + i) * w.get(column * k + i);
            }
            parts[lane] = part;
            for (int half = LANES / 2; half > 0; half = half / 2) {
                context.localBarrier();
                if (lane < half) {
                    parts[lane] = parts[lane] + parts[lane + half];
                }
            }
            context.localBarrier();
            if (lane == 0) {
                out.set(r * n + j, ParallelKernels.activation(parts[0] + bias.get(column), function));
            }
            context.localBarrier();
        }
    }

    /** As {@link ParallelKernels#productAdd} for few rows, a group a column. */
    public static void rowProductAdd(
            KernelContext context,
            FloatArray sums,
            FloatArray in,
            FloatArray w,
            FloatArray bias,
            IntArray step,
            int k,
            int n) {
        float[] parts = context.allocateFloatLocalArray(LANES);
        int lane = context.localIdx;
        int j = context.groupIdx;
        int column = step.get(StepField.LAYER) * n + j;
        for (int r = 0; r < step.get(StepField.ROWS); r++) {
            float part = 0f;
            for (int i = lane; i < k; i += LANES) {
                part += in.get(r * k + i) * w.get(column * k + i);
            }
            parts[lane] = part;
            for (int half = LANES / 2; half > 0; half = half / 2) {
                context.localBarrier();
                if (lane < half) {
                    parts[lane] = parts[lane] + parts[lane + half];
                }
            }
            context.localBarrier();
            if (lane == 0) {
                sums.set(r * n + j, sums.get(r * n + j) + (parts[0] + bias.get(column)));
            }
            context.localBarrier();
        }
    }
}
