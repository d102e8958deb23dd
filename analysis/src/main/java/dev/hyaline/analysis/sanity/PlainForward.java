package dev.hyaline.analysis.sanity;

import dev.hyaline.analysis.graph.Node;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.config.Gpt2Config;
import java.util.Arrays;
import java.util.Set;
import org.apache.commons.numbers.gamma.Erf;

/**
 * A forward pass of GPT-2 in double precision, written out plainly from its definition: no kernels, no cache, no
 * threads. It is slow and shares no arithmetic with the engine, whose numbers are compared with it. The weights are the
 * engine's, widened.
 */
public final class PlainForward {
    private final Gpt2Config config;
    private final double[] wte;
    private final double[] wpe;
    private final Block[] blocks;
    private final Norm last;
    private final double[] unembedding;
    private final double[] unembeddingBias;

    /** A LayerNorm's scale and shift. */
    private record Norm(double[] scale, double[] shift) {}

    /** A matrix {@code [in, out]} and a bias. */
    private record Linear(double[] matrix, double[] bias) {
        double[] apply(double[] x) {
            double[] y = bias.clone();
            for (int i = 0; i < x.length; i++) {
                for (int j = 0; j < y.length; j++) {
                    y[j] += x[i] * matrix[i * y.length + j];
                }
            }
            return y;
        }
    }

    private record Block(Norm first, Linear attention, Linear projection, Norm second, Linear in, Linear out) {}

    private PlainForward(Gpt2Weights weights) {
        config = weights.config();
        wte = tensor(weights, "wte.weight");
        wpe = tensor(weights, "wpe.weight");
        blocks = new Block[config.nLayers()];
        for (int layer = 0; layer < blocks.length; layer++) {
            String h = "h." + layer;
            blocks[layer] = new Block(
                    norm(weights, h + ".ln_1"),
                    linear(weights, h + ".attn.c_attn"),
                    linear(weights, h + ".attn.c_proj"),
                    norm(weights, h + ".ln_2"),
                    linear(weights, h + ".mlp.c_fc"),
                    linear(weights, h + ".mlp.c_proj"));
        }
        last = norm(weights, "ln_f");
        unembedding = tensor(weights, "lm_head.weight");
        unembeddingBias = tensor(weights, Gpt2Weights.UNEMBEDDING_BIAS);
    }

    public static PlainForward of(Gpt2Weights weights) {
        return new PlainForward(weights);
    }

    private static double[] tensor(Gpt2Weights weights, String name) {
        float[] values = weights.tensor(name);
        double[] wide = new double[values.length];
        Arrays.setAll(wide, i -> values[i]);
        return wide;
    }

    private static Norm norm(Gpt2Weights weights, String name) {
        return new Norm(tensor(weights, name + ".weight"), tensor(weights, name + ".bias"));
    }

    private static Linear linear(Gpt2Weights weights, String name) {
        return new Linear(tensor(weights, name + ".weight"), tensor(weights, name + ".bias"));
    }

    /**
     * The logits at some positions, {@code [positions, dVocab]}.
     *
     * @param zeroed heads whose z is set to zero
     */
    public double[] logits(int[] tokens, int[] positions, Set<Node.Head> zeroed) {
        int d = config.dModel();
        double[][] residual = new double[tokens.length][d];
        for (int t = 0; t < tokens.length; t++) {
            for (int i = 0; i < d; i++) {
                residual[t][i] = wte[tokens[t] * d + i] + wpe[t * d + i];
            }
        }
        for (int layer = 0; layer < blocks.length; layer++) {
            attend(residual, layer, zeroed);
            Block block = blocks[layer];
            for (double[] row : residual) {
                double[] hidden = block.in.apply(normalised(row, block.second));
                for (int i = 0; i < hidden.length; i++) {
                    hidden[i] = activation(hidden[i]);
                }
                add(row, block.out.apply(hidden));
            }
        }
        double[] logits = new double[positions.length * config.dVocab()];
        for (int p = 0; p < positions.length; p++) {
            double[] x = normalised(residual[positions[p]], last);
            for (int token = 0; token < config.dVocab(); token++) {
                double sum = unembeddingBias[token];
                for (int i = 0; i < d; i++) {
                    sum += x[i] * unembedding[token * d + i];
                }
                logits[p * config.dVocab() + token] = sum;
            }
        }
        return logits;
    }

    private void attend(double[][] residual, int layer, Set<Node.Head> zeroed) {
        int d = config.dModel();
        int width = config.dHead();
        double scale = (config.scaleAttnWeights() ? 1 / Math.sqrt(width) : 1)
                / (config.scaleAttnByInverseLayerIdx() ? layer + 1 : 1);
        Block block = blocks[layer];
        double[][] qkv = new double[residual.length][];
        for (int t = 0; t < residual.length; t++) {
            qkv[t] = block.attention.apply(normalised(residual[t], block.first));
        }
        for (int t = 0; t < residual.length; t++) {
            double[] z = new double[d];
            for (int head = 0; head < config.nHeads(); head++) {
                if (!zeroed.contains(new Node.Head(layer, head))) {
                    mix(qkv, t, head * width, scale, z);
                }
            }
            add(residual[t], block.projection.apply(z));
        }
    }

    /** One head's softmax of the scores of the keys up to {@code t}, and its mix of their values. */
    private void mix(double[][] qkv, int t, int at, double scale, double[] z) {
        int d = config.dModel();
        int width = config.dHead();
        double[] pattern = new double[t + 1];
        double largest = Double.NEGATIVE_INFINITY;
        for (int key = 0; key <= t; key++) {
            for (int i = 0; i < width; i++) {
                pattern[key] += qkv[t][at + i] * qkv[key][d + at + i];
            }
            pattern[key] *= scale;
            largest = Math.max(largest, pattern[key]);
        }
        double sum = 0;
        for (int key = 0; key <= t; key++) {
            pattern[key] = Math.exp(pattern[key] - largest);
            sum += pattern[key];
        }
        for (int key = 0; key <= t; key++) {
            for (int i = 0; i < width; i++) {
                z[at + i] += pattern[key] / sum * qkv[key][2 * d + at + i];
            }
        }
    }

    private double[] normalised(double[] x, Norm norm) {
        double mean = Arrays.stream(x).sum() / x.length;
        double squares = 0;
        for (double value : x) {
            squares += (value - mean) * (value - mean);
        }
        double deviation = Math.sqrt(squares / x.length + config.eps());
        double[] y = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            y[i] = (x[i] - mean) / deviation * norm.scale[i] + norm.shift[i];
        }
        return y;
    }

    private double activation(double x) {
        return switch (config.actFn()) {
            case GELU_NEW, GELU_PYTORCH_TANH ->
                0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
            case GELU -> 0.5 * x * (1 + Erf.value(x / Math.sqrt(2)));
            case RELU -> Math.max(0, x);
            case SILU -> x / (1 + Math.exp(-x));
            case TANH -> Math.tanh(x);
        };
    }

    private static void add(double[] to, double[] more) {
        for (int i = 0; i < to.length; i++) {
            to[i] += more[i];
        }
    }

    @Override
    public String toString() {
        return "plain forward pass of " + config;
    }
}
