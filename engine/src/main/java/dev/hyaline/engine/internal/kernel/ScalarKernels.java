package dev.hyaline.engine.internal.kernel;

import static dev.hyaline.engine.internal.kernel.PackedMatrix.PANEL;

import dev.hyaline.engine.config.ActivationFunction;
import java.util.Arrays;

/**
 * The kernels in plain Java: the definition that the vector kernels are tested against, and what runs without the
 * Vector API.
 */
public class ScalarKernels implements Kernels {
    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public GradientKernels gradients() {
        return new ScalarGradientKernels();
    }

    @Override
    public SparseKernels sparse() {
        return new ScalarSparseKernels();
    }

    @Override
    public int rowsTogether() {
        return 1;
    }

    @Override
    public int panelsTogether(int rows) {
        return 1;
    }

    @Override
    public void interleave(InputRows in, int firstGroup, int endGroup) {
        int rows = in.group();
        for (int block = 0; block < in.k(); block += K_BLOCK) {
            int steps = Math.min(K_BLOCK, in.k() - block);
            for (int group = firstGroup; group < endGroup; group++) {
                int to = in.interleavedAt(block, steps, group);
                for (int i = 0; i < steps * rows; i++) {
                    in.interleaved()[to + i] = in.values()[in.at(group * rows + i % rows) + block + i / rows];
                }
            }
        }
    }

    @Override
    public void product(
            Rows out,
            InputRows in,
            PackedMatrix w,
            int firstRow,
            int endRow,
            int firstPanel,
            int endPanel,
            Scratch scratch) {
        float[] chains = new float[PANEL];
        float[] weights = new float[PANEL];
        for (int p = firstPanel; p < endPanel; p++) {
            int columns = w.columns(p);
            for (int r = firstRow; r < endRow; r++) {
                int o = out.at(r) + p * PANEL;
                System.arraycopy(w.bias(), p * PANEL, out.values(), o, columns);
                for (int block = 0; block < w.k(); block += K_BLOCK) {
                    // The chains of a panel advance side by side, which is the order the memory has.
                    Arrays.fill(chains, 0);
                    for (int k = block; k < Math.min(block + K_BLOCK, w.k()); k++) {
                        float x = in.values()[in.at(r) + k];
                        w.values().copyRow(w.at(p, k), weights, 0, columns);
                        for (int j = 0; j < columns; j++) {
                            chains[j] = Fma.fma(x, weights[j], chains[j]);
                        }
                    }
                    for (int j = 0; j < columns; j++) {
                        out.values()[o + j] += chains[j];
                    }
                }
            }
        }
    }

    @Override
    public void add(float[] inOut, int inOutAt, float[] addend, int addendAt, int n) {
        for (int i = 0; i < n; i++) {
            inOut[inOutAt + i] += addend[addendAt + i];
        }
    }

    @Override
    public void sum(float[] out, int outAt, float[] a, int aAt, float[] b, int bAt, int n) {
        for (int i = 0; i < n; i++) {
            out[outAt + i] = a[aAt + i] + b[bAt + i];
        }
    }

    @Override
    public void activate(float[] inOut, int at, int n, ActivationFunction f) {
        for (int i = at; i < at + n; i++) {
            inOut[i] = activation(inOut[i], f);
        }
    }

    private static float activation(float x, ActivationFunction f) {
        return switch (f) {
            case GELU_NEW, GELU_PYTORCH_TANH -> ScalarMath.geluTanh(x);
            case GELU -> ScalarMath.gelu(x);
            case RELU -> Math.max(x, 0f);
            case SILU -> ScalarMath.silu(x);
            case TANH -> ScalarMath.tanh(x);
        };
    }

    @Override
    public float center(float[] out, int outAt, float[] x, int xAt, int n, float eps) {
        float[] lanes = new float[LANES];
        for (int i = 0; i < n; i++) {
            lanes[i % LANES] += x[xAt + i];
        }
        float mean = tree(lanes) / n;
        lanes = new float[LANES];
        for (int i = 0; i < n; i++) {
            float centered = x[xAt + i] - mean;
            out[outAt + i] = centered;
            lanes[i % LANES] = Fma.fma(centered, centered, lanes[i % LANES]);
        }
        return (float) Math.sqrt(tree(lanes) / n + eps);
    }

    @Override
    public void divide(float[] inOut, int at, int n, float divisor) {
        for (int i = at; i < at + n; i++) {
            inOut[i] /= divisor;
        }
    }

    @Override
    public void affine(float[] out, int outAt, float[] x, int xAt, float[] gain, float[] bias, int n) {
        for (int i = 0; i < n; i++) {
            out[outAt + i] = Fma.fma(x[xAt + i], gain[i], bias[i]);
        }
    }

    @Override
    public void scores(Rows out, Rows q, int queries, HeadBlocks keys, int blocks, float scale) {
        for (int r = 0; r < queries; r++) {
            for (int j = 0; j < blocks * KEYS_PER_BLOCK; j++) {
                float[] block = keys.blocks()[j / KEYS_PER_BLOCK];
                int at = keys.at() + j % KEYS_PER_BLOCK;
                float chain = 0;
                for (int e = 0; e < keys.dHead(); e++) {
                    chain = Fma.fma(q.values()[q.at(r) + e], block[at + e * KEYS_PER_BLOCK], chain);
                }
                out.values()[out.at(r) + j] = chain * scale;
            }
        }
    }

    @Override
    public void softmax(float[] row, int at, int n) {
        float max = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < n; i++) {
            max = Math.max(max, row[at + i]);
        }
        float[] lanes = new float[LANES];
        for (int i = 0; i < n; i++) {
            float e = ScalarMath.exp(row[at + i] - max);
            row[at + i] = e;
            lanes[i % LANES] += e;
        }
        divide(row, at, n, tree(lanes));
    }

    @Override
    public void weigh(Rows z, Rows pattern, int queries, HeadBlocks values, int firstKey, int endKey) {
        for (int r = 0; r < queries; r++) {
            for (int j = firstKey; j < endKey; j++) {
                float[] block = values.blocks()[j / KEYS_PER_BLOCK];
                int at = values.at() + j % KEYS_PER_BLOCK * values.dHead();
                float weight = pattern.values()[pattern.at(r) + j];
                for (int e = 0; e < values.dHead(); e++) {
                    int o = z.at(r) + e;
                    z.values()[o] = Fma.fma(weight, block[at + e], z.values()[o]);
                }
            }
        }
    }

    static float tree(float[] lanes) {
        for (int half = LANES / 2; half > 0; half /= 2) {
            for (int i = 0; i < half; i++) {
                lanes[i] += lanes[i + half];
            }
        }
        return lanes[0];
    }
}
