package dev.hyaline.analysis.lens;

import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Config;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.ActivationCache;
import dev.hyaline.instrument.Capture;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.LogitAttribution;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.ResidualStack;
import dev.hyaline.instrument.SumCheck;
import dev.hyaline.instrument.weights.Matrix;
import dev.hyaline.instrument.weights.ModelWeights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * How much of the logit difference of answers and distractors each part of the model contributes directly, and how it
 * grows along the residual stream: the final LayerNorm's scale is held at the run's, as TransformerLens does, so that
 * parts add up. Of clean prompts, at the position of a role.
 *
 * <p>Biases that no part owns are kept apart, so that parts and bias make the logit difference;
 * {@link Result#conservation} says how well. With weights that went through
 * {@link dev.hyaline.instrument.weights.WeightProcessing} the shares are TransformerLens's; with raw weights a head's
 * also has what its value bias adds.
 */
public final class DirectLogitAttribution {
    private final Gpt2 model;
    private final PromptPairs pairs;
    private final String role;

    private DirectLogitAttribution(Gpt2 model, PromptPairs pairs, String role) {
        this.model = model;
        this.pairs = pairs;
        this.role = role;
    }

    /**
     * Attribution of every pair's clean prompt.
     *
     * @param role whose position's next token is asked about
     * @throws BadInputException if a pair lacks the role or distractors
     */
    public static DirectLogitAttribution of(Gpt2 model, PromptPairs pairs, String role) {
        Metric difference = Metric.logitDifference(role);
        for (PromptPair pair : pairs.list()) {
            difference.positions(pair);
            difference.tokens(pair);
        }
        return new DirectLogitAttribution(model, pairs, role);
    }

    /**
     * Contributions.
     *
     * @param table in logits
     * @param conservation how far parts and bias are from the model's own logit differences; of heads or neurons alone,
     *     how far they are from what their layers contribute
     */
    public record Result(ResultTable table, SumCheck conservation) {}

    /** What one part of the stack contributes, and the whole it is to add up to. */
    private record Share(double[] values, double whole, double sum) {}

    /** Takes a pair's parts out of a cache of one prompt. */
    private interface Parts {
        Share of(ActivationCache cache, PromptPair pair);
    }

    /**
     * The logit lens as attribution: the logit difference read from the residual stream before and between all layers,
     * {@code [residual stream]}.
     */
    public Result lens() {
        Gpt2Config config = model.config();
        List<String> labels = new ArrayList<>();
        for (int layer = 0; layer < config.nLayers(); layer++) {
            labels.add(layer + "_pre");
            labels.add(layer + "_mid");
        }
        labels.add("final_post");
        return measure("Logit lens", List.of(new Axis("residual stream", labels)), (cache, pair) -> {
            double[] values = attribute(cache, cache.accumulatedResid(end(), true), pair);
            return new Share(
                    Arrays.copyOf(values, values.length - 1),
                    whole(cache, pair),
                    values[values.length - 2] + values[values.length - 1]);
        });
    }

    /** By embedding, attention and MLP of each layer: {@code [component]}. */
    public Result byLayer() {
        Gpt2Config config = model.config();
        List<String> labels = new ArrayList<>(List.of("embed", "pos_embed"));
        for (int layer = 0; layer < config.nLayers(); layer++) {
            labels.add(layer + "_attn_out");
            labels.add(layer + "_mlp_out");
        }
        return measure("Direct logit attribution by layer", List.of(new Axis("component", labels)), (cache, pair) -> {
            double[] values = attribute(cache, cache.decomposeResid(), pair);
            return new Share(
                    Arrays.copyOf(values, values.length - 1),
                    whole(cache, pair),
                    Arrays.stream(values).sum());
        });
    }

    /** By head: {@code [layer, head]}. */
    public Result byHead() {
        Gpt2Config config = model.config();
        return measure(
                "Direct logit attribution by head",
                List.of(Axis.layers(config.nLayers()), Axis.heads(config.nHeads())),
                (cache, pair) -> {
                    double[] values = attribute(cache, cache.stackHeadResults(), pair);
                    double heads = sumWithoutBias(values);
                    return new Share(
                            Arrays.copyOf(values, values.length - 1),
                            sumOf(cache, pair, "_attn_out"),
                            heads + attentionBias(cache, pair));
                });
    }

    /** By neuron: {@code [layer, neuron]}. */
    public Result byNeuron() {
        Gpt2Config config = model.config();
        return measure(
                "Direct logit attribution by neuron",
                List.of(Axis.layers(config.nLayers()), Axis.indices("neuron", config.dMlp())),
                (cache, pair) -> {
                    double[] values = attribute(cache, cache.stackNeuronResults(), pair);
                    double[] biases = attribute(cache, biases(cache, true), pair);
                    return new Share(
                            Arrays.copyOf(values, values.length - 1),
                            sumOf(cache, pair, "_mlp_out"),
                            sumWithoutBias(values) + sumWithoutBias(biases));
                });
    }

    /**
     * By head and by the position it takes the contribution from: the values it weighs there, through its output.
     * {@code [layer, head, position]}.
     *
     * @throws BadInputException if the pairs differ in length
     */
    public Result byPosition() {
        Gpt2Config config = model.config();
        int length = pairs.commonLength();
        ModelWeights weights = ModelWeights.of(model.weights());
        Matrix[][] outputs = new Matrix[config.nLayers()][config.nHeads()];
        for (int layer = 0; layer < config.nLayers(); layer++) {
            for (int head = 0; head < config.nHeads(); head++) {
                outputs[layer][head] = weights.wO(layer, head);
            }
        }
        return measure(
                "Direct logit attribution by head and source position",
                List.of(
                        Axis.layers(config.nLayers()),
                        Axis.heads(config.nHeads()),
                        Axis.indices(Axis.POSITION, length)),
                (cache, pair) -> {
                    ResidualStack sources = sources(cache, pair, outputs);
                    double[] values = attribute(cache, sources, pair);
                    double[] heads = attribute(cache, cache.stackHeadResults(), pair);
                    return new Share(
                            Arrays.copyOf(values, values.length - 1), sumWithoutBias(heads), sumWithoutBias(values));
                });
    }

    private Result measure(String title, List<Axis> axes, Parts parts) {
        int cells = axes.stream().mapToInt(Axis::size).reduce(1, Math::multiplyExact);
        double[] values = new double[Math.multiplyExact(cells, pairs.size())];
        double[] wholes = new double[pairs.size()];
        double[] sums = new double[pairs.size()];
        for (int p = 0; p < pairs.size(); p++) {
            PromptPair pair = pairs.get(p);
            Share share = parts.of(cache(pair), pair);
            for (int cell = 0; cell < cells; cell++) {
                values[cell * pairs.size() + p] = share.values[cell];
            }
            wholes[p] = share.whole;
            sums[p] = share.sum;
        }
        ResultTable table =
                ResultTable.of(title, "contribution to the logit difference", "logits", axes, pairs.names(), values);
        return new Result(table.neutralAt(0), SumCheck.of(wholes, sums));
    }

    /** What the parts are made of, at the role's position. */
    private ActivationCache cache(PromptPair pair) {
        Gpt2Config config = model.config();
        Capture capture = Capture.of(
                        config,
                        "embed",
                        "pos_embed",
                        "resid_pre",
                        "resid_mid",
                        "resid_post",
                        "attn_out",
                        "mlp_out",
                        "z",
                        "mlp.post",
                        "unembed.out")
                .positions(IndexSelection.of(pair.position(role)));
        return ActivationCache.of(model, Prompts.of(config, pair.clean()), capture);
    }

    private Boundary end() {
        return Boundary.last(model.config());
    }

    /**
     * Contributions of a stack's components to the mean answer's logit less the mean distractor's, and last the bias
     * that none has.
     */
    private static double[] attribute(ActivationCache cache, ResidualStack stack, PromptPair pair) {
        double[] values = new double[stack.size() + 1];
        add(values, cache, stack, pair.answers(), 1.0 / pair.answers().length);
        add(values, cache, stack, pair.distractors(), -1.0 / pair.distractors().length);
        return values;
    }

    private static void add(double[] values, ActivationCache cache, ResidualStack stack, int[] tokens, double share) {
        for (int token : tokens) {
            LogitAttribution attribution = cache.logitAttrs(stack, token);
            for (int component = 0; component < stack.size(); component++) {
                values[component] += share * attribution.value(component, 0);
            }
            values[stack.size()] += share * attribution.bias()[0];
        }
    }

    private static double sumWithoutBias(double[] values) {
        return Arrays.stream(values, 0, values.length - 1).sum();
    }

    /** The model's own logit difference. */
    private double whole(ActivationCache cache, PromptPair pair) {
        float[] logits = cache.values(HookPoint.of(Site.UNEMBED_OUT), 0);
        return mean(logits, pair.answers()) - mean(logits, pair.distractors());
    }

    private static double mean(float[] logits, int[] tokens) {
        return IntStream.of(tokens)
                .mapToDouble(token -> logits[token])
                .average()
                .orElseThrow();
    }

    /** What all attentions, or all MLPs, contribute together. */
    private double sumOf(ActivationCache cache, PromptPair pair, String suffix) {
        ResidualStack layers = cache.decomposeResid();
        String[] labels =
                layers.labels().stream().filter(label -> label.endsWith(suffix)).toArray(String[]::new);
        return sumWithoutBias(attribute(cache, layers.select(labels), pair));
    }

    private double attentionBias(ActivationCache cache, PromptPair pair) {
        return sumWithoutBias(attribute(cache, biases(cache, false), pair));
    }

    /** The biases of all MLPs' or all attentions' outputs as a stack. */
    private ResidualStack biases(ActivationCache cache, boolean mlp) {
        int d = model.config().dModel();
        List<ResidualStack.Component> components = new ArrayList<>();
        for (int layer = 0; layer < model.config().nLayers(); layer++) {
            float[] bias = model.weights().tensor("h." + layer + (mlp ? ".mlp" : ".attn") + ".c_proj.bias");
            components.add(new ResidualStack.Component(
                    layer + "_bias", (row, out, offset) -> System.arraycopy(bias, 0, out, offset, d)));
        }
        return ResidualStack.of(cache.rows(), d, components);
    }

    /** {@code pattern[position, source] * v[source] W_O} of every head and source. */
    private ResidualStack sources(ActivationCache cache, PromptPair pair, Matrix[][] outputs) {
        Gpt2Config config = model.config();
        int query = pair.position(role);
        int length = pair.length();
        ActivationCache attention =
                ActivationCache.of(model, Prompts.of(config, pair.clean()), Capture.of(config, "pattern", "v"));
        List<ResidualStack.Component> components = new ArrayList<>();
        for (int layer = 0; layer < config.nLayers(); layer++) {
            float[] patterns = attention.values(HookPoint.of(Site.PATTERN, layer), 0);
            float[] values = attention.values(HookPoint.of(Site.V, layer), 0);
            for (int head = 0; head < config.nHeads(); head++) {
                Matrix output = outputs[layer][head];
                for (int source = 0; source < length; source++) {
                    double weight = patterns[(head * length + query) * length + source];
                    int from = (source * config.nHeads() + head) * config.dHead();
                    components.add(new ResidualStack.Component(
                            "L" + layer + "H" + head + "P" + source, (row, out, offset) -> {
                                for (int i = 0; i < config.dModel(); i++) {
                                    double sum = 0;
                                    for (int k = 0; k < config.dHead(); k++) {
                                        sum += values[from + k] * output.get(k, i);
                                    }
                                    out[offset + i] = (float) (weight * sum);
                                }
                            }));
                }
            }
        }
        return ResidualStack.of(cache.rows(), config.dModel(), components);
    }
}
