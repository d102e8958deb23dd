package dev.hyaline.instrument.capture;

import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.internal.kernel.Fma;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.capture.ResidualStack.Component;
import dev.hyaline.instrument.capture.ResidualStack.RowSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** The residual stream of a recorded run, taken apart as TransformerLens's {@code ActivationCache} does. */
final class ResidualDecomposition {
    private final ActivationCache cache;
    private final Gpt2Config config;
    private final Gpt2Weights weights;
    private final TokenRows rows;
    private final int d;

    ResidualDecomposition(ActivationCache cache) {
        this.cache = cache;
        this.config = cache.weights().config();
        this.weights = cache.weights();
        this.rows = cache.rows();
        this.d = config.dModel();
    }

    /** The whole residual stream before every layer up to a boundary. */
    ResidualStack accumulated(Boundary upTo, boolean includeMid) {
        upTo.requireIn(config);
        List<Component> components = new ArrayList<>();
        for (int layer = 0; layer <= upTo.layer(); layer++) {
            if (layer == config.nLayers()) {
                components.add(residual("final_post", Boundary.residPre(layer)));
                continue;
            }
            components.add(residual(layer + "_pre", Boundary.residPre(layer)));
            if (layer < upTo.layer() ? includeMid : upTo.mid()) {
                components.add(residual(layer + "_mid", Boundary.residMid(layer)));
            }
        }
        return ResidualStack.of(rows, d, components);
    }

    /** Embeddings and the output of every attention and MLP layer before a boundary. */
    ResidualStack layers(Boundary upTo) {
        upTo.requireIn(config);
        List<Component> components = embeddings();
        for (int layer = 0; layer < attentionLayers(upTo); layer++) {
            components.add(recorded(layer + "_attn_out", HookPoint.of(Site.ATTN_OUT, layer)));
            if (layer < upTo.layer()) {
                components.add(mlpOut(layer));
            }
        }
        return partsOf(upTo, components);
    }

    /** The outputs of all recorded heads before a boundary. */
    ResidualStack heads(Boundary upTo) {
        upTo.requireIn(config);
        return partsOf(upTo, headResults(upTo));
    }

    /** The outputs of all recorded neurons before a boundary. */
    ResidualStack neurons(Boundary upTo) {
        upTo.requireIn(config);
        return partsOf(upTo, neuronResults(upTo));
    }

    /** Heads, neurons or MLP outputs, embeddings and the sum of the biases. */
    ResidualStack full(Boundary upTo, boolean expandNeurons) {
        upTo.requireIn(config);
        List<Component> components = headResults(upTo);
        if (expandNeurons) {
            components.addAll(neuronResults(upTo));
        } else {
            for (int layer = 0; layer < upTo.layer(); layer++) {
                components.add(mlpOut(layer));
            }
        }
        components.addAll(embeddings());
        components.add(biases(upTo, expandNeurons));
        return partsOf(upTo, components);
    }

    private List<Component> embeddings() {
        return new ArrayList<>(List.of(
                recorded("embed", HookPoint.of(Site.EMBED)), recorded("pos_embed", HookPoint.of(Site.POS_EMBED))));
    }

    private Component mlpOut(int layer) {
        return recorded(layer + "_mlp_out", HookPoint.of(Site.MLP_OUT, layer));
    }

    private List<Component> headResults(Boundary upTo) {
        int dHead = config.dHead();
        int[] heads = cache.capture().heads(config);
        List<Component> components = new ArrayList<>();
        for (int layer = 0; layer < attentionLayers(upTo); layer++) {
            float[][] z = cache.recorded(HookPoint.of(Site.Z, layer));
            float[] wO = weights.tensor("h." + layer + ".attn.c_proj.weight");
            for (int i = 0; i < heads.length; i++) {
                int from = i * dHead;
                int head = heads[i];
                components.add(new Component("L" + layer + "H" + head, (row, out, offset) -> {
                    int s = rows.sequence(row);
                    int at = (row - rows.firstRow(s)) * heads.length * dHead + from;
                    multiply(out, offset, z[s], at, dHead, wO, head * dHead);
                }));
            }
        }
        return components;
    }

    private List<Component> neuronResults(Boundary upTo) {
        int[] neurons = cache.capture().neurons(config);
        List<Component> components = new ArrayList<>();
        for (int layer = 0; layer < upTo.layer(); layer++) {
            float[][] post = cache.recorded(HookPoint.of(Site.MLP_POST, layer));
            float[] wOut = weights.tensor("h." + layer + ".mlp.c_proj.weight");
            for (int i = 0; i < neurons.length; i++) {
                int index = i;
                int neuron = neurons[i];
                components.add(new Component("L" + layer + "N" + neuron, (row, out, offset) -> {
                    int s = rows.sequence(row);
                    int at = (row - rows.firstRow(s)) * neurons.length + index;
                    multiply(out, offset, post[s], at, 1, wOut, neuron);
                }));
            }
        }
        return components;
    }

    private Component biases(Boundary upTo, boolean ofMlps) {
        double[] sum = new double[d];
        for (int layer = 0; layer < attentionLayers(upTo); layer++) {
            add(sum, weights.tensor("h." + layer + ".attn.c_proj.bias"));
            if (ofMlps && layer < upTo.layer()) {
                add(sum, weights.tensor("h." + layer + ".mlp.c_proj.bias"));
            }
        }
        float[] bias = new float[d];
        for (int i = 0; i < d; i++) {
            bias[i] = (float) sum[i];
        }
        return new Component("bias", (row, out, offset) -> System.arraycopy(bias, 0, out, offset, d));
    }

    /** {@code x W} for some rows of {@code W}: the same chain of operations as the engine's, so the same bits. */
    private void multiply(float[] out, int outAt, float[] x, int xAt, int n, float[] w, int firstRow) {
        Arrays.fill(out, outAt, outAt + d, 0);
        for (int k = 0; k < n; k++) {
            float factor = x[xAt + k];
            int from = (firstRow + k) * d;
            for (int i = 0; i < d; i++) {
                out[outAt + i] = Fma.fma(factor, w[from + i], out[outAt + i]);
            }
        }
    }

    private static void add(double[] sum, float[] values) {
        for (int i = 0; i < sum.length; i++) {
            sum[i] += values[i];
        }
    }

    private ResidualStack partsOf(Boundary upTo, List<Component> components) {
        Optional<HookPoint> whole = cache.recordedResidual(upTo);
        return whole.isPresent()
                ? ResidualStack.of(rows, d, components, source(whole.get()))
                : ResidualStack.of(rows, d, components);
    }

    private Component residual(String label, Boundary boundary) {
        return recorded(label, cache.requireResidual(boundary));
    }

    private Component recorded(String label, HookPoint point) {
        return new Component(label, source(point));
    }

    private RowSource source(HookPoint point) {
        float[][] values = cache.recorded(point);
        return (row, out, offset) -> {
            int s = rows.sequence(row);
            System.arraycopy(values[s], (row - rows.firstRow(s)) * d, out, offset, d);
        };
    }

    private static int attentionLayers(Boundary upTo) {
        return upTo.layer() + (upTo.mid() ? 1 : 0);
    }
}
