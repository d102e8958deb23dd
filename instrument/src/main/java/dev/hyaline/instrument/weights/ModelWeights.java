package dev.hyaline.instrument.weights;

import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.TensorSource;
import dev.hyaline.engine.TensorSpec;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * A model's parameters as TransformerLens names and shapes them, by layer and head, each read from its source when it
 * is asked for, and the circuits they form as factored products. Thread-safe.
 */
public final class ModelWeights {
    private final Gpt2Config config;
    private final TensorSource source;
    private final Map<String, TensorSpec> tensors;

    private ModelWeights(Gpt2Config config, TensorSource source) {
        this.config = config;
        this.source = source;
        this.tensors =
                Gpt2Weights.tensors(config).stream().collect(Collectors.toMap(TensorSpec::name, Function.identity()));
    }

    public static ModelWeights of(Gpt2Weights weights) {
        return of(weights.config(), weights);
    }

    /** The parameters of a source, such as an open checkpoint. */
    public static ModelWeights of(Gpt2Config config, TensorSource source) {
        return new ModelWeights(config, source);
    }

    public Gpt2Config config() {
        return config;
    }

    /** {@code [dModel, dHead]}. */
    public Matrix wQ(int layer, int head) {
        return input(layer, head, 0);
    }

    /** {@code [dModel, dHead]}. */
    public Matrix wK(int layer, int head) {
        return input(layer, head, 1);
    }

    /** {@code [dModel, dHead]}. */
    public Matrix wV(int layer, int head) {
        return input(layer, head, 2);
    }

    /** {@code [dHead, dModel]}. */
    public Matrix wO(int layer, int head) {
        requireHead(head);
        TensorSpec tensor = tensor(block(layer) + ".attn.c_proj.weight");
        return rows(tensor, head * config.dHead(), config.dHead());
    }

    /** {@code [dHead]}. */
    public double[] bQ(int layer, int head) {
        return inputBias(layer, head, 0);
    }

    /** {@code [dHead]}. */
    public double[] bK(int layer, int head) {
        return inputBias(layer, head, 1);
    }

    /** {@code [dHead]}. */
    public double[] bV(int layer, int head) {
        return inputBias(layer, head, 2);
    }

    /** {@code [dModel]}. */
    public double[] bO(int layer) {
        return vector(block(layer) + ".attn.c_proj.bias");
    }

    /** {@code [dModel, dMlp]}. */
    public Matrix wIn(int layer) {
        return matrix(block(layer) + ".mlp.c_fc.weight");
    }

    /** {@code [dMlp]}. */
    public double[] bIn(int layer) {
        return vector(block(layer) + ".mlp.c_fc.bias");
    }

    /** {@code [dMlp, dModel]}. */
    public Matrix wOut(int layer) {
        return matrix(block(layer) + ".mlp.c_proj.weight");
    }

    /** {@code [dModel]}. */
    public double[] bOut(int layer) {
        return vector(block(layer) + ".mlp.c_proj.bias");
    }

    /** {@code [dVocab, dModel]}. */
    public Matrix wE() {
        return matrix("wte.weight");
    }

    /** {@code [nCtx, dModel]}. */
    public Matrix wPos() {
        return matrix("wpe.weight");
    }

    /** {@code [dModel, dVocab]}. */
    public Matrix wU() {
        return unembedding().transposed();
    }

    /** {@code [dVocab]}: zeros unless LayerNorms are folded. */
    public double[] bU() {
        return source.hasUnembeddingBias()
                ? rows(new TensorSpec(Gpt2Weights.UNEMBEDDING_BIAS, List.of(config.dVocab())), 0, 1)
                        .values()
                : new double[config.dVocab()];
    }

    /**
     * {@code W_Q W_K^T}, {@code [dModel, dModel]}: how strongly a head at a token that holds one direction attends to a
     * token that holds another, before the LayerNorm's gain unless it is folded, before biases and the scale.
     */
    public FactoredMatrix qk(int layer, int head) {
        return new FactoredMatrix(wQ(layer, head), wK(layer, head).transposed());
    }

    /** {@code W_V W_O}, {@code [dModel, dModel]}: what a head writes where it attends to a direction. */
    public FactoredMatrix ov(int layer, int head) {
        return new FactoredMatrix(wV(layer, head), wO(layer, head));
    }

    /** {@code W_E QK W_E^T}, {@code [dVocab, dVocab]}: the QK circuit from token to token. */
    public FactoredMatrix fullQk(int layer, int head) {
        Matrix embedding = wE();
        return new FactoredMatrix(
                embedding.times(wQ(layer, head)),
                embedding.times(wK(layer, head)).transposed());
    }

    /** {@code W_E OV W_U}, {@code [dVocab, dVocab]}: which logits a head raises where it attends to a token. */
    public FactoredMatrix fullOv(int layer, int head) {
        Matrix logits = unembedding().times(wO(layer, head).transposed());
        return new FactoredMatrix(wE().times(wV(layer, head)), logits.transposed());
    }

    /**
     * The composition score of each head with each earlier one (Elhage et al. 2021, section "Composition"): {@code |OV1
     * R2| / (|OV1| |R2|)} in Frobenius norms, where {@code R2} is the later head's {@code QK}, {@code QK^T} or
     * {@code OV}.
     *
     * @return {@code [layer1][head1][layer2][head2]}, zero unless layer 1 comes before layer 2
     */
    public double[][][][] compositionScores(CompositionMode mode) {
        return new CompositionScores(this, mode).all();
    }

    private Matrix input(int layer, int head, int part) {
        requireHead(head);
        int d = config.dModel();
        int dHead = config.dHead();
        float[] all = floats(tensor(block(layer) + ".attn.c_attn.weight"), 0, d);
        Matrix chosen = Matrix.zeros(d, dHead);
        for (int row = 0; row < d; row++) {
            int from = (row * 3 + part) * d + head * dHead;
            for (int i = 0; i < dHead; i++) {
                chosen.values()[row * dHead + i] = all[from + i];
            }
        }
        return chosen;
    }

    private double[] inputBias(int layer, int head, int part) {
        requireHead(head);
        int from = part * config.dModel() + head * config.dHead();
        return Arrays.copyOfRange(vector(block(layer) + ".attn.c_attn.bias"), from, from + config.dHead());
    }

    private Matrix unembedding() {
        return matrix(config.tieWordEmbeddings() ? "wte.weight" : "lm_head.weight");
    }

    private double[] vector(String name) {
        return matrix(name).values();
    }

    private Matrix matrix(String name) {
        TensorSpec tensor = tensor(name);
        return rows(tensor, 0, tensor.rows());
    }

    private Matrix rows(TensorSpec tensor, int first, int count) {
        return Matrix.of(count, tensor.columns(), floats(tensor, first, count));
    }

    private float[] floats(TensorSpec tensor, int first, int count) {
        float[] values = new float[count * tensor.columns()];
        source.read(tensor, first, count, values, 0);
        return values;
    }

    private TensorSpec tensor(String name) {
        return Objects.requireNonNull(tensors.get(name), name);
    }

    private String block(int layer) {
        return "h." + BadInputException.requireIndex("layer", layer, config.nLayers());
    }

    private void requireHead(int head) {
        BadInputException.requireIndex("head", head, config.nHeads());
    }

    @Override
    public String toString() {
        return Printable.plural(tensors.size(), "tensor") + " of " + config;
    }
}
