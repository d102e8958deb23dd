package dev.hyaline.engine.tornado;

import uk.ac.manchester.tornado.api.annotations.Parallel;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Kernels for the rows that single heads read and write, {@code [rows, heads, d]} somewhere in an array, as
 * {@link ParallelKernels} are.
 */
final class HeadKernels {
    private HeadKernels() {}

    /** {@code out[to + (r, head)] = residual[r]}. */
    public static void spread(FloatArray out, FloatArray residual, IntArray step, int d, int heads) {
        for (@Parallel int e = 0; e < d; e++) {
            for (int r = 0; r < step.get(StepField.ROWS) * heads; r++) {
                out.set(step.get(StepField.TO) + r * d + e, residual.get(r / heads * d + e));
            }
        }
    }

    /** {@code values[to + i] = values[from + i]}. */
    public static void copy(FloatArray values, IntArray step, int width) {
        for (@Parallel int e = 0; e < width; e++) {
            for (int r = 0; r < step.get(StepField.ROWS); r++) {
                float value = values.get(step.get(StepField.FROM) + r * width + e);
                values.set(step.get(StepField.TO) + r * width + e, value);
            }
        }
    }

    /** LayerNorm, gain and bias in place. */
    public static void norm(
            FloatArray values,
            FloatArray gains,
            FloatArray biases,
            IntArray step,
            int capacity,
            int d,
            int heads,
            int norms,
            int norm,
            float eps) {
        for (@Parallel int index = 0; index < capacity * heads; index++) {
            if (index < step.get(StepField.ROWS) * heads) {
                int at = step.get(StepField.TO) + index * d;
                int parameters = (step.get(StepField.LAYER) * norms + norm) * d;
                float sum = 0f;
                for (int e = 0; e < d; e++) {
                    sum += values.get(at + e);
                }
                float mean = sum / d;
                float squares = 0f;
                for (int e = 0; e < d; e++) {
                    float centered = values.get(at + e) - mean;
                    squares += centered * centered;
                }
                float scale = TornadoMath.sqrt(squares / d + eps);
                for (int e = 0; e < d; e++) {
                    float normalized = (values.get(at + e) - mean) / scale;
                    values.set(at + e, normalized * gains.get(parameters + e) + biases.get(parameters + e));
                }
            }
        }
    }

    /**
     * Queries, keys or values, each head from its own rows: {@code out[to + (r, head, j)] = sum_e in[from + (r, head,
     * e)] w[part, head, j, e] + bias}. Weights are {@code [layers, 3, d, d]}, and {@code to} says which of the three.
     */
    public static void project(
            FloatArray out,
            FloatArray in,
            FloatArray w,
            FloatArray bias,
            IntArray step,
            int capacity,
            int d,
            int heads) {
        for (@Parallel int j = 0; j < d; j++) {
            int part = step.get(StepField.TO) / (capacity * d);
            int column = (step.get(StepField.LAYER) * 3 + part) * d + j;
            int head = j / (d / heads);
            for (int r = 0; r < step.get(StepField.ROWS); r++) {
                int at = step.get(StepField.FROM) + (r * heads + head) * d;
                float sum = 0f;
                for (int e = 0; e < d; e++) {
                    sum += in.get(at + e) * w.get(column * d + e);
                }
                out.set(step.get(StepField.TO) + r * d + j, sum + bias.get(column));
            }
        }
    }

    /** Each head's part of the attention output: {@code out[(r, head, j)] = sum_e z[r, head, e] w[j, head, e]}. */
    public static void results(FloatArray out, FloatArray z, FloatArray w, IntArray step, int d, int heads) {
        for (@Parallel int index = 0; index < d * heads; index++) {
            int dHead = d / heads;
            int head = index / d;
            int column = (step.get(StepField.LAYER) * d + index % d) * d + head * dHead;
            for (int r = 0; r < step.get(StepField.ROWS); r++) {
                float sum = 0f;
                for (int e = 0; e < dHead; e++) {
                    sum += z.get(r * d + head * dHead + e) * w.get(column + e);
                }
                out.set((r * heads + head) * d + index % d, sum);
            }
        }
    }

    /** {@code out[r] = } the sum of its heads' parts, and the bias. */
    public static void sumResults(FloatArray out, FloatArray parts, FloatArray bias, IntArray step, int d, int heads) {
        for (@Parallel int j = 0; j < d; j++) {
            for (int r = 0; r < step.get(StepField.ROWS); r++) {
                float sum = 0f;
                for (int head = 0; head < heads; head++) {
                    sum += parts.get((r * heads + head) * d + j);
                }
                out.set(r * d + j, sum + bias.get(step.get(StepField.LAYER) * d + j));
            }
        }
    }
}
