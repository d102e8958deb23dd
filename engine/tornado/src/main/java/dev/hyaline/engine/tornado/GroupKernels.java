package dev.hyaline.engine.tornado;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Kernels for few rows on GPUs: the threads of a group divide one sum among them, through local memory. As ordinary
 * Java they compute nothing; only a device runs them. What is done in local memory is written out in each, for the
 * reason given at {@link TiledKernels}.
 */
final class GroupKernels {
    /** Threads of a group. */
    static final int LANES = 64;

    private GroupKernels() {}

    /** As {@link ParallelKernels#product}, a group a column: its threads divide the sum among them. */
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
            float sum = parts[0];
            context.localBarrier();
            if (lane == 0) {
                out.set(r * n + j, ParallelKernels.activation(sum + bias.get(column), function));
            }
        }
    }

    /** As {@link ParallelKernels#productAdd}, a group a column. */
    public static void productAdd(
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
            float sum = parts[0];
            context.localBarrier();
            if (lane == 0) {
                sums.set(r * n + j, sums.get(r * n + j) + (sum + bias.get(column)));
            }
        }
    }

    /** As {@link ParallelKernels#project}, a group a column. */
    public static void project(
            KernelContext context,
            FloatArray qkv,
            FloatArray in,
            FloatArray w,
            FloatArray bias,
            IntArray step,
            int d,
            int capacity) {
        float[] parts = context.allocateFloatLocalArray(LANES);
        int lane = context.localIdx;
        int j = context.groupIdx;
        int column = step.get(StepField.LAYER) * 3 * d + j;
        int out = j / d * capacity * d + j % d;
        for (int r = 0; r < step.get(StepField.ROWS); r++) {
            float part = 0f;
            for (int e = lane; e < d; e += LANES) {
                part += in.get(r * d + e) * w.get(column * d + e);
            }
            parts[lane] = part;
            for (int half = LANES / 2; half > 0; half = half / 2) {
                context.localBarrier();
                if (lane < half) {
                    parts[lane] = parts[lane] + parts[lane + half];
                }
            }
            context.localBarrier();
            float sum = parts[0];
            context.localBarrier();
            if (lane == 0) {
                qkv.set(out + r * d, sum + bias.get(column));
            }
        }
    }

    /** As {@link ParallelKernels#unembed}, a group a column. */
    public static void unembed(
            KernelContext context,
            FloatArray out,
            FloatArray in,
            FloatArray w,
            FloatArray bias,
            IntArray columns,
            IntArray step,
            int d) {
        float[] parts = context.allocateFloatLocalArray(LANES);
        int lane = context.localIdx;
        int j = context.groupIdx;
        int column = columns.get(j);
        for (int i = 0; i < step.get(StepField.ROWS); i++) {
            int at = (step.get(StepField.FIRST_ROW) + i) * d;
            float part = 0f;
            for (int e = lane; e < d; e += LANES) {
                part += in.get(at + e) * w.get(column * d + e);
            }
            parts[lane] = part;
            for (int half = LANES / 2; half > 0; half = half / 2) {
                context.localBarrier();
                if (lane < half) {
                    parts[lane] = parts[lane] + parts[lane + half];
                }
            }
            context.localBarrier();
            float sum = parts[0];
            context.localBarrier();
            if (lane == 0) {
                out.set(i * step.get(StepField.COLUMNS) + j, sum + bias.get(column));
            }
        }
    }

    /** As {@link ParallelKernels#norm}, a group a row. */
    public static void norm(
            KernelContext context,
            FloatArray normed,
            FloatArray scales,
            FloatArray in,
            FloatArray gains,
            FloatArray biases,
            IntArray step,
            int d,
            int norms,
            int norm,
            float eps) {
        float[] parts = context.allocateFloatLocalArray(LANES);
        int lane = context.localIdx;
        int at = context.groupIdx * d;
        int parameters = (step.get(StepField.LAYER) * norms + norm) * d;
        float part = 0f;
        for (int e = lane; e < d; e += LANES) {
            part += in.get(at + e);
        }
        parts[lane] = part;
        for (int half = LANES / 2; half > 0; half = half / 2) {
            context.localBarrier();
            if (lane < half) {
                parts[lane] = parts[lane] + parts[lane + half];
            }
        }
        context.localBarrier();
        float mean = parts[0] / d;
        context.localBarrier();
        float squares = 0f;
        for (int e = lane; e < d; e += LANES) {
            float centered = in.get(at + e) - mean;
            squares += centered * centered;
        }
        parts[lane] = squares;
        for (int half = LANES / 2; half > 0; half = half / 2) {
            context.localBarrier();
            if (lane < half) {
                parts[lane] = parts[lane] + parts[lane + half];
            }
        }
        context.localBarrier();
        float scale = TornadoMath.sqrt(parts[0] / d + eps);
        if (lane == 0) {
            scales.set(context.groupIdx, scale);
        }
        for (int e = lane; e < d; e += LANES) {
            float normalized = (in.get(at + e) - mean) / scale;
            normed.set(at + e, normalized * gains.get(parameters + e) + biases.get(parameters + e));
        }
    }

    /**
     * As {@link AttentionKernels#attend}, a group a row's head. It takes as many keys at a time as it has threads:
     * first a key a thread, for the scores, then a dimension a thread, for the values.
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
        float[] weights = context.allocateFloatLocalArray(LANES);
        float[] query = context.allocateFloatLocalArray(dHead);
        float[] sums = context.allocateFloatLocalArray(dHead);
        int lane = context.localIdx;
        int head = context.groupIdx * dHead;
        int r = context.groupIdy;
        int d = heads * dHead;
        int layer = step.get(StepField.LAYER) * pageCount;
        float scale = scales.get(step.get(StepField.LAYER));
        int position = rows.get(r * RowField.FIELDS + RowField.POSITION);
        int table = rows.get(r * RowField.FIELDS + RowField.PAGES);
        for (int e = lane; e < dHead; e += LANES) {
            query[e] = q.get(r * d + head + e);
            sums[e] = 0f;
        }
        context.localBarrier();
        float max = AttentionKernels.MASKED;
        float total = 0f;
        for (int first = 0; first <= position; first += LANES) {
            int j = first + lane;
            float score = AttentionKernels.MASKED;
            if (j <= position) {
                int page = layer + pages.get(table + j / AttentionKernels.PAGE);
                int key = (page * AttentionKernels.PAGE + j % AttentionKernels.PAGE) * d + head;
                float dot = 0f;
                for (int e = 0; e < dHead; e++) {
                    dot += query[e] * keys.get(key + e);
                }
                score = dot * scale;
            }
            weights[lane] = score;
            context.localBarrier();
            float larger = max;
            for (int i = 0; i < LANES; i++) {
                larger = TornadoMath.max(larger, weights[i]);
            }
            context.localBarrier();
            weights[lane] = TornadoMath.exp(score - larger);
            context.localBarrier();
            float shrink = TornadoMath.exp(max - larger);
            max = larger;
            int count = position + 1 - first;
            if (count > LANES) {
                count = LANES;
            }
            total = total * shrink;
            for (int i = 0; i < count; i++) {
                total += weights[i];
            }
            for (int e = lane; e < dHead; e += LANES) {
                float sum = sums[e] * shrink;
                for (int i = 0; i < count; i++) {
                    int page = layer + pages.get(table + (first + i) / AttentionKernels.PAGE);
                    int value = (page * AttentionKernels.PAGE + (first + i) % AttentionKernels.PAGE) * d + head;
                    sum += weights[i] * values.get(value + e);
                }
                sums[e] = sum;
            }
            context.localBarrier();
        }
        for (int e = lane; e < dHead; e += LANES) {
            z.set(r * d + head + e, sums[e] / total);
        }
    }
}
