package dev.hyaline.instrument.weights;

import static dev.hyaline.instrument.weights.ProcessingStep.CENTER_UNEMBED;
import static dev.hyaline.instrument.weights.ProcessingStep.CENTER_WRITING_WEIGHTS;
import static dev.hyaline.instrument.weights.ProcessingStep.FOLD_LN;
import static dev.hyaline.instrument.weights.ProcessingStep.FOLD_VALUE_BIASES;

import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.TensorSource;
import dev.hyaline.engine.TensorSpec;
import dev.hyaline.engine.config.Gpt2Config;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A checkpoint's tensors with steps of weight processing applied. Matrices are changed row by row as they are read;
 * what that takes, and the biases, are computed beforehand. All in float64.
 */
final class ProcessedSource implements TensorSource {
    /** Rows of a matrix held at a time. */
    private static final int ROWS_AT_ONCE = 64;

    private final Gpt2Config config;
    private final TensorSource source;
    private final Set<ProcessingStep> steps;
    private final Map<String, TensorSpec> tensors;
    /** Vectors that a step changes. */
    private final Map<String, double[]> vectors = new HashMap<>();
    /** The LayerNorms of the blocks by the matrix that reads each. */
    private final Map<String, FoldedNorm> norms = new HashMap<>();
    /** The gain of the final LayerNorm, where it is folded into {@code W_U}. */
    private double @Nullable [] finalGain;
    /** Mean of {@code W_U} over the vocabulary, {@code [dModel]}. */
    private double[] unembeddingMean;

    /**
     * A LayerNorm folded into the matrix that reads it.
     *
     * @param columnMeans mean of each of the matrix's columns once the gain is in it
     */
    private record FoldedNorm(double[] gain, double[] columnMeans) {
        void apply(int row, float[] out, int at) {
            for (int i = 0; i < columnMeans.length; i++) {
                out[at + i] = (float) (out[at + i] * gain[row] - columnMeans[i]);
            }
        }
    }

    ProcessedSource(Gpt2Config config, TensorSource source, Set<ProcessingStep> steps) {
        this.config = config;
        this.source = source;
        this.steps = steps;
        this.tensors =
                Gpt2Weights.tensors(config).stream().collect(Collectors.toMap(TensorSpec::name, Function.identity()));
        this.unembeddingMean = new double[config.dModel()];
        for (int layer = 0; layer < config.nLayers(); layer++) {
            String h = "h." + layer;
            foldIn(h + ".ln_1", h + ".attn.c_attn");
            foldIn(h + ".ln_2", h + ".mlp.c_fc");
            center(h + ".attn.c_proj.bias");
            center(h + ".mlp.c_proj.bias");
            foldValueBiases(h + ".attn");
        }
        prepareUnembedding();
    }

    @Override
    public String name() {
        return source.name();
    }

    @Override
    public List<String> processing() {
        return Stream.concat(source.processing().stream(), steps.stream().map(ProcessingStep::toString))
                .distinct()
                .toList();
    }

    @Override
    public boolean hasUnembeddingBias() {
        return vectors.containsKey(Gpt2Weights.UNEMBEDDING_BIAS) || source.hasUnembeddingBias();
    }

    @Override
    public void read(TensorSpec tensor, int firstRow, int rows, float[] out, int offset) {
        String name = tensor.name();
        double[] vector = vectors.get(name);
        if (vector != null) {
            for (int i = 0; i < vector.length; i++) {
                out[offset + i] = (float) vector[i];
            }
            return;
        }
        boolean unembedding = name.equals("lm_head.weight");
        FoldedNorm norm = norms.get(name);
        source.read(unembedding ? unembedding() : tensor, firstRow, rows, out, offset);
        for (int row = 0; row < rows; row++) {
            int at = offset + row * tensor.columns();
            if (unembedding) {
                unembeddingRow(out, at);
            } else if (norm != null) {
                norm.apply(firstRow + row, out, at);
            } else if (writes(name) && steps.contains(CENTER_WRITING_WEIGHTS)) {
                writingRow(out, at);
            }
        }
    }

    private static boolean writes(String name) {
        return name.equals("wte.weight") || name.equals("wpe.weight") || name.endsWith(".c_proj.weight");
    }

    private void writingRow(float[] out, int at) {
        double mean = mean(out, at, config.dModel());
        for (int i = at; i < at + config.dModel(); i++) {
            out[i] = (float) (out[i] - mean);
        }
    }

    private void unembeddingRow(float[] out, int at) {
        double[] folded = foldedUnembeddingRow(out, at);
        for (int i = 0; i < folded.length; i++) {
            out[at + i] = (float) (folded[i] - unembeddingMean[i]);
        }
    }

    /** A token's column of {@code W_U} with the final norm's gain in it. */
    private double[] foldedUnembeddingRow(float[] values, int at) {
        double[] row = new double[config.dModel()];
        double[] gain = finalGain;
        double mean = 0;
        for (int i = 0; i < row.length; i++) {
            row[i] = gain == null ? values[at + i] : values[at + i] * gain[i];
            mean += row[i] / row.length;
        }
        for (int i = 0; i < row.length; i++) {
            row[i] -= gain == null ? 0 : mean;
        }
        return row;
    }

    /** Prepares to fold a LayerNorm into the matrix {@code [dModel, n]} that reads it, and its bias. */
    private void foldIn(String norm, String reader) {
        double[] bias = vector(reader + ".bias");
        vectors.put(reader + ".bias", bias);
        if (!steps.contains(FOLD_LN)) {
            return;
        }
        double[] gain = dropNorm(norm + ".weight", 1);
        double[] shift = dropNorm(norm + ".bias", 0);
        double[] means = new double[bias.length];
        forEachRow(tensor(reader + ".weight"), (row, values, at) -> {
            for (int i = 0; i < means.length; i++) {
                means[i] += values[at + i] * gain[row] / gain.length;
                bias[i] += values[at + i] * shift[row];
            }
        });
        norms.put(reader + ".weight", new FoldedNorm(gain, means));
    }

    /** The vector of a LayerNorm as it was; from now on it is constant. */
    private double[] dropNorm(String name, double constant) {
        double[] original = vector(name);
        double[] constants = new double[original.length];
        Arrays.fill(constants, constant);
        vectors.put(name, constants);
        return original;
    }

    private void center(String name) {
        if (steps.contains(CENTER_WRITING_WEIGHTS)) {
            vectors.put(name, centered(vector(name)));
        }
    }

    /** {@code b_O + b_V W_O}; its mean stays zero if the writing weights are centred. */
    private void foldValueBiases(String attention) {
        if (!steps.contains(FOLD_VALUE_BIASES)) {
            return;
        }
        int d = config.dModel();
        double[] qkv = vectors.computeIfAbsent(attention + ".c_attn.bias", this::vector);
        double[] out = vectors.computeIfAbsent(attention + ".c_proj.bias", this::vector);
        forEachRow(tensor(attention + ".c_proj.weight"), (row, values, at) -> {
            double mean = steps.contains(CENTER_WRITING_WEIGHTS) ? mean(values, at, d) : 0;
            for (int i = 0; i < d; i++) {
                out[i] += qkv[2 * d + row] * (values[at + i] - mean);
            }
        });
        Arrays.fill(qkv, 2 * d, 3 * d, 0);
    }

    private void prepareUnembedding() {
        if (!steps.contains(FOLD_LN) && !steps.contains(CENTER_UNEMBED)) {
            return;
        }
        double[] shift = new double[config.dModel()];
        if (steps.contains(FOLD_LN)) {
            finalGain = dropNorm("ln_f.weight", 1);
            shift = dropNorm("ln_f.bias", 0);
        }
        double[] bias = unembeddingBias();
        double[] sum = new double[config.dModel()];
        double[] folded = shift;
        forEachRow(unembedding(), (token, values, at) -> {
            for (int i = 0; i < sum.length; i++) {
                bias[token] += values[at + i] * folded[i];
            }
            double[] row = foldedUnembeddingRow(values, at);
            for (int i = 0; i < sum.length; i++) {
                sum[i] += row[i];
            }
        });
        if (steps.contains(CENTER_UNEMBED)) {
            unembeddingMean = Arrays.stream(sum).map(s -> s / config.dVocab()).toArray();
            vectors.put(Gpt2Weights.UNEMBEDDING_BIAS, centered(bias));
        } else {
            vectors.put(Gpt2Weights.UNEMBEDDING_BIAS, bias);
        }
    }

    private double[] unembeddingBias() {
        return source.hasUnembeddingBias()
                ? vector(new TensorSpec(Gpt2Weights.UNEMBEDDING_BIAS, List.of(config.dVocab())))
                : new double[config.dVocab()];
    }

    /** {@code W_U} as the source has it: the token embedding if they are tied. */
    private TensorSpec unembedding() {
        return tensor(config.tieWordEmbeddings() ? "wte.weight" : "lm_head.weight");
    }

    private TensorSpec tensor(String name) {
        return Objects.requireNonNull(tensors.get(name), name);
    }

    private double[] vector(String name) {
        return vector(tensor(name));
    }

    private double[] vector(TensorSpec tensor) {
        float[] values = new float[tensor.columns()];
        source.read(tensor, 0, 1, values, 0);
        double[] wide = new double[values.length];
        Arrays.setAll(wide, i -> values[i]);
        return wide;
    }

    private interface RowAction {
        void accept(int row, float[] values, int at);
    }

    private void forEachRow(TensorSpec tensor, RowAction action) {
        float[] values = new float[ROWS_AT_ONCE * tensor.columns()];
        for (int first = 0; first < tensor.rows(); first += ROWS_AT_ONCE) {
            int count = Math.min(ROWS_AT_ONCE, tensor.rows() - first);
            source.read(tensor, first, count, values, 0);
            for (int row = 0; row < count; row++) {
                action.accept(first + row, values, row * tensor.columns());
            }
        }
    }

    private static double mean(float[] values, int at, int n) {
        double sum = 0;
        for (int i = at; i < at + n; i++) {
            sum += values[i];
        }
        return sum / n;
    }

    private static double[] centered(double[] values) {
        double mean = Arrays.stream(values).sum() / values.length;
        return Arrays.stream(values).map(value -> value - mean).toArray();
    }
}
