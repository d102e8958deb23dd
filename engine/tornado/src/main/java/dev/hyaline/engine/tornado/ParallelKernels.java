package dev.hyaline.engine.tornado;

import dev.hyaline.engine.internal.kernel.ScalarMath;
import uk.ac.manchester.tornado.api.annotations.Parallel;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The arithmetic of a pass as loops that TornadoVM spreads over a device's threads. They are ordinary Java too, and
 * tested so. Weights are {@code [layers][n][k]}, one output's end to end; loops run over columns where the number of
 * rows changes from pass to pass, so that a step of one token starts no idle thread.
 */
final class ParallelKernels {
    /** Drivers may compile without infinities, so none may come of an exponential. */
    private static final float MAX_EXPONENT = 80;

    static final int IDENTITY = 0;
    static final int GELU_TANH = 1;
    static final int GELU_ERF = 2;
    static final int RELU = 3;
    static final int SILU = 4;
    static final int TANH = 5;

    /** Rows whose sums a product forms side by side: each is a chain, whose links wait for each other. */
    private static final int BLOCK = 4;

    private ParallelKernels() {}

    /** Reads eight arrays: what a graph does not use is not uploaded. */
    public static void touch(
            FloatArray out,
            FloatArray a,
            FloatArray b,
            FloatArray c,
            FloatArray d,
            FloatArray e,
            FloatArray f,
            FloatArray g,
            FloatArray h) {
        for (@Parallel int at = 0; at < 1; at++) {
            float sum = a.get(at) + b.get(at) + c.get(at) + d.get(at);
            out.set(at, sum + e.get(at) + f.get(at) + g.get(at) + h.get(at));
        }
    }

    /** Writes seven arrays: what a graph does not use is not allocated. */
    public static void allocate(
            FloatArray a, FloatArray b, FloatArray c, FloatArray d, FloatArray e, FloatArray f, FloatArray g) {
        for (@Parallel int at = 0; at < 1; at++) {
            a.set(at, 0f);
            b.set(at, 0f);
            c.set(at, 0f);
            d.set(at, 0f);
            e.set(at, 0f);
            f.set(at, 0f);
            g.set(at, 0f);
        }
    }

    /** As {@link #allocate(FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray)}. */
    public static void allocateInts(IntArray a, IntArray b, IntArray c) {
        for (@Parallel int at = 0; at < 1; at++) {
            a.set(at, 0);
            b.set(at, 0);
            c.set(at, 0);
        }
    }

    /** Reads an array, which is uploaded for that. */
    public static void touchInts(FloatArray out, IntArray read) {
        for (@Parallel int at = 0; at < 1; at++) {
            out.set(at, read.get(at));
        }
    }

    /** {@code residual = tokenEmbedding + positionEmbedding}. */
    public static void embed(
            FloatArray residual, FloatArray tokens, FloatArray positions, IntArray rows, IntArray step, int d) {
        for (@Parallel int e = 0; e < d; e++) {
            for (int r = 0; r < step.get(StepField.ROWS); r++) {
                int token = rows.get(r * RowField.FIELDS + RowField.TOKEN);
                int position = rows.get(r * RowField.FIELDS + RowField.POSITION);
                residual.set(r * d + e, tokens.get(token * d + e) + positions.get(position * d + e));
            }
        }
    }

    /** {@code token} and {@code position}: the two parts of {@link #embed}. */
    public static void embedApart(
            FloatArray token,
            FloatArray position,
            FloatArray tokens,
            FloatArray positions,
            IntArray rows,
            IntArray step,
            int d) {
        for (@Parallel int e = 0; e < d; e++) {
            for (int r = 0; r < step.get(StepField.ROWS); r++) {
                int at = r * RowField.FIELDS;
                token.set(r * d + e, tokens.get(rows.get(at + RowField.TOKEN) * d + e));
                position.set(r * d + e, positions.get(rows.get(at + RowField.POSITION) * d + e));
            }
        }
    }

    /** {@code out = a + b}: three arrays, since a task that names one twice is never scheduled. */
    public static void sum(FloatArray out, FloatArray a, FloatArray b, IntArray step, int d) {
        for (@Parallel int e = 0; e < d; e++) {
            for (int r = 0; r < step.get(StepField.ROWS); r++) {
                out.set(r * d + e, a.get(r * d + e) + b.get(r * d + e));
            }
        }
    }

    /** {@code sums += addend}. */
    public static void add(FloatArray sums, FloatArray addend, IntArray step, int d) {
        for (@Parallel int e = 0; e < d; e++) {
            for (int r = 0; r < step.get(StepField.ROWS); r++) {
                sums.set(r * d + e, sums.get(r * d + e) + addend.get(r * d + e));
            }
        }
    }

    /** {@code out = in}. */
    public static void copy(FloatArray out, FloatArray in, IntArray step, int d) {
        for (@Parallel int e = 0; e < d; e++) {
            for (int r = 0; r < step.get(StepField.ROWS); r++) {
                out.set(r * d + e, in.get(r * d + e));
            }
        }
    }

    /** {@code normed = (in - mean) / scale * gain + bias}, {@code scale = sqrt(mean((in - mean)^2) + eps)}. */
    public static void norm(
            FloatArray normed,
            FloatArray scales,
            FloatArray in,
            FloatArray gains,
            FloatArray biases,
            IntArray step,
            int capacity,
            int d,
            int norms,
            int norm,
            float eps) {
        for (@Parallel int r = 0; r < capacity; r++) {
            if (r < step.get(StepField.ROWS)) {
                int at = r * d;
                int parameters = (step.get(StepField.LAYER) * norms + norm) * d;
                float sum = 0f;
                for (int e = 0; e < d; e++) {
                    sum += in.get(at + e);
                }
                float mean = sum / d;
                float squares = 0f;
                for (int e = 0; e < d; e++) {
                    float centered = in.get(at + e) - mean;
                    squares += centered * centered;
                }
                float scale = TornadoMath.sqrt(squares / d + eps);
                scales.set(r, scale);
                for (int e = 0; e < d; e++) {
                    float normalized = (in.get(at + e) - mean) / scale;
                    normed.set(at + e, normalized * gains.get(parameters + e) + biases.get(parameters + e));
                }
            }
        }
    }

    /** {@code normed = in - mean}; {@code scale = sqrt(mean(normed^2) + eps)}. */
    public static void center(
            FloatArray normed, FloatArray scales, FloatArray in, IntArray step, int capacity, int d, float eps) {
        for (@Parallel int r = 0; r < capacity; r++) {
            if (r < step.get(StepField.ROWS)) {
                int at = r * d;
                float sum = 0f;
                for (int e = 0; e < d; e++) {
                    sum += in.get(at + e);
                }
                float mean = sum / d;
                float squares = 0f;
                for (int e = 0; e < d; e++) {
                    float centered = in.get(at + e) - mean;
                    normed.set(at + e, centered);
                    squares += centered * centered;
                }
                scales.set(r, TornadoMath.sqrt(squares / d + eps));
            }
        }
    }

    /** {@code normed /= scale}. */
    public static void divide(FloatArray normed, FloatArray scales, IntArray step, int d) {
        for (@Parallel int e = 0; e < d; e++) {
            for (int r = 0; r < step.get(StepField.ROWS); r++) {
                normed.set(r * d + e, normed.get(r * d + e) / scales.get(r));
            }
        }
    }

    /** {@code normed = normed * gain + bias}. */
    public static void affine(
            FloatArray normed, FloatArray gains, FloatArray biases, IntArray step, int d, int norms, int norm) {
        for (@Parallel int e = 0; e < d; e++) {
            int parameter = (step.get(StepField.LAYER) * norms + norm) * d + e;
            for (int r = 0; r < step.get(StepField.ROWS); r++) {
                normed.set(r * d + e, normed.get(r * d + e) * gains.get(parameter) + biases.get(parameter));
            }
        }
    }

    /** {@code out[r, j] = f(sum_k in[r, k] w[j, k] + bias[j])}. */
    public static void product(
            FloatArray out, FloatArray in, FloatArray w, FloatArray bias, IntArray step, int k, int n, int function) {
        for (@Parallel int j = 0; j < n; j++) {
            int column = step.get(StepField.LAYER) * n + j;
            int whole = step.get(StepField.ROWS) / BLOCK * BLOCK;
            for (int r = 0; r < whole; r += BLOCK) {
                float sum0 = 0f;
                float sum1 = 0f;
                float sum2 = 0f;
                float sum3 = 0f;
                for (int i = 0; i < k; i++) {
                    float weight = w.get(column * k + i);
                    sum0 += in.get(r * k + i) * weight;
                    sum1 += in.get((r + 1) * k + i) * weight;
                    sum2 += in.get((r + 2) * k + i) * weight;
                    sum3 += in.get((r + 3) * k + i) * weight;
                }
                out.set(r * n + j, activation(sum0 + bias.get(column), function));
                out.set((r + 1) * n + j, activation(sum1 + bias.get(column), function));
                out.set((r + 2) * n + j, activation(sum2 + bias.get(column), function));
                out.set((r + 3) * n + j, activation(sum3 + bias.get(column), function));
            }
            for (int r = whole; r < step.get(StepField.ROWS); r++) {
                float sum = 0f;
                for (int i = 0; i < k; i++) {
                    sum += in.get(r * k + i) * w.get(column * k + i);
                }
                out.set(r * n + j, activation(sum + bias.get(column), function));
            }
        }
    }

    /** Queries, keys and values at once, {@code [3, capacity, d]} from weights {@code [layers, 3, d, d]}. */
    public static void project(
            FloatArray qkv, FloatArray in, FloatArray w, FloatArray bias, IntArray step, int d, int capacity) {
        for (@Parallel int j = 0; j < 3 * d; j++) {
            int column = step.get(StepField.LAYER) * 3 * d + j;
            int out = j / d * capacity * d + j % d;
            int whole = step.get(StepField.ROWS) / BLOCK * BLOCK;
            for (int r = 0; r < whole; r += BLOCK) {
                float sum0 = 0f;
                float sum1 = 0f;
                float sum2 = 0f;
                float sum3 = 0f;
                for (int i = 0; i < d; i++) {
                    float weight = w.get(column * d + i);
                    sum0 += in.get(r * d + i) * weight;
                    sum1 += in.get((r + 1) * d + i) * weight;
                    sum2 += in.get((r + 2) * d + i) * weight;
                    sum3 += in.get((r + 3) * d + i) * weight;
                }
                qkv.set(out + r * d, sum0 + bias.get(column));
                qkv.set(out + (r + 1) * d, sum1 + bias.get(column));
                qkv.set(out + (r + 2) * d, sum2 + bias.get(column));
                qkv.set(out + (r + 3) * d, sum3 + bias.get(column));
            }
            for (int r = whole; r < step.get(StepField.ROWS); r++) {
                float sum = 0f;
                for (int i = 0; i < d; i++) {
                    sum += in.get(r * d + i) * w.get(column * d + i);
                }
                qkv.set(out + r * d, sum + bias.get(column));
            }
        }
    }

    /** {@code sum[r, j] += sum_k in[r, k] w[j, k] + bias[j]}. */
    public static void productAdd(
            FloatArray sums, FloatArray in, FloatArray w, FloatArray bias, IntArray step, int k, int n) {
        for (@Parallel int j = 0; j < n; j++) {
            int column = step.get(StepField.LAYER) * n + j;
            int whole = step.get(StepField.ROWS) / BLOCK * BLOCK;
            for (int r = 0; r < whole; r += BLOCK) {
                float sum0 = 0f;
                float sum1 = 0f;
                float sum2 = 0f;
                float sum3 = 0f;
                for (int i = 0; i < k; i++) {
                    float weight = w.get(column * k + i);
                    sum0 += in.get(r * k + i) * weight;
                    sum1 += in.get((r + 1) * k + i) * weight;
                    sum2 += in.get((r + 2) * k + i) * weight;
                    sum3 += in.get((r + 3) * k + i) * weight;
                }
                sums.set(r * n + j, sums.get(r * n + j) + (sum0 + bias.get(column)));
                sums.set((r + 1) * n + j, sums.get((r + 1) * n + j) + (sum1 + bias.get(column)));
                sums.set((r + 2) * n + j, sums.get((r + 2) * n + j) + (sum2 + bias.get(column)));
                sums.set((r + 3) * n + j, sums.get((r + 3) * n + j) + (sum3 + bias.get(column)));
            }
            for (int r = whole; r < step.get(StepField.ROWS); r++) {
                float sum = 0f;
                for (int i = 0; i < k; i++) {
                    sum += in.get(r * k + i) * w.get(column * k + i);
                }
                sums.set(r * n + j, sums.get(r * n + j) + (sum + bias.get(column)));
            }
        }
    }

    /** Logits of chosen tokens: {@code out[i, j] = sum_k in[first + i, k] w[columns[j], k] + bias[columns[j]]}. */
    public static void unembed(
            FloatArray out,
            FloatArray in,
            FloatArray w,
            FloatArray bias,
            IntArray columns,
            IntArray step,
            int d,
            int dVocab) {
        for (@Parallel int j = 0; j < dVocab; j++) {
            int count = step.get(StepField.COLUMNS);
            if (j < count) {
                int column = columns.get(j);
                for (int i = 0; i < step.get(StepField.ROWS); i++) {
                    int at = (step.get(StepField.FIRST_ROW) + i) * d;
                    float sum = 0f;
                    for (int e = 0; e < d; e++) {
                        sum += in.get(at + e) * w.get(column * d + e);
                    }
                    out.set(i * count + j, sum + bias.get(column));
                }
            }
        }
    }

    /** {@code inOut = f(inOut)}. */
    public static void activate(FloatArray inOut, IntArray step, int n, int function) {
        for (@Parallel int j = 0; j < n; j++) {
            for (int r = 0; r < step.get(StepField.ROWS); r++) {
                inOut.set(r * n + j, activation(inOut.get(r * n + j), function));
            }
        }
    }

    /** Moves the chosen rows to the front. They ascend, so none overwrites one that is still to be moved. */
    public static void gather(FloatArray values, IntArray rows, IntArray step, int d) {
        for (@Parallel int e = 0; e < d; e++) {
            for (int i = 0; i < step.get(StepField.ROWS); i++) {
                int chosen = rows.get(i * RowField.FIELDS + RowField.CHOSEN);
                values.set(i * d + e, values.get(chosen * d + e));
            }
        }
    }

    /** The non-linearity of the MLP, or none. */
    static float activation(float x, int function) {
        float y = x;
        if (function == GELU_TANH) {
            float u = x * (ScalarMath.GELU_1 + ScalarMath.GELU_3 * x * x);
            y = x / (1f + TornadoMath.exp(TornadoMath.min(-u, MAX_EXPONENT)));
        } else if (function == GELU_ERF) {
            y = x * 0.5f * (1f + erf(x * ScalarMath.SQRT_HALF));
        } else if (function == RELU) {
            y = TornadoMath.max(x, 0f);
        } else if (function == SILU) {
            y = x / (1f + TornadoMath.exp(TornadoMath.min(-x, MAX_EXPONENT)));
        } else if (function == TANH) {
            y = TornadoMath.tanh(x);
        }
        return y;
    }

    /** As {@link ScalarMath#erf}. */
    private static float erf(float x) {
        float t = TornadoMath.min(TornadoMath.abs(x), ScalarMath.ERF_END);
        float s = t * t;
        float small = s * ScalarMath.ERF_S6 + ScalarMath.ERF_S5;
        small = small * s + ScalarMath.ERF_S4;
        small = small * s + ScalarMath.ERF_S3;
        small = small * s + ScalarMath.ERF_S2;
        small = small * s + ScalarMath.ERF_S1;
        small = small * s + ScalarMath.ERF_S0;
        small = small * x + x;
        float large = t * ScalarMath.ERF_L7 + ScalarMath.ERF_L6;
        large = large * t + ScalarMath.ERF_L5;
        large = large * t + ScalarMath.ERF_L4;
        large = large * t + ScalarMath.ERF_L3;
        large = large * t + ScalarMath.ERF_L2;
        large = large * t + ScalarMath.ERF_L1;
        large = large * t + ScalarMath.ERF_L0;
        large = 1f - TornadoMath.exp(large);
        float result = small;
        if (t > ScalarMath.ERF_SPLIT) {
            result = large;
            if (x < 0f) {
                result = -large;
            }
        }
        return result;
    }
}
