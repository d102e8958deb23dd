package dev.hyaline.analysis.lens;

import dev.hyaline.analysis.causal.PositionAxis;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.capture.LogitAttribution;
import dev.hyaline.instrument.capture.ResidualStack;
import dev.hyaline.instrument.capture.SumCheck;
import dev.hyaline.instrument.weights.Matrix;
import dev.hyaline.instrument.weights.ModelWeights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The direct contribution of each part of the model to the logit difference of answers and distractors, and how it
 * grows along the residual stream: the final LayerNorm's scale is held at the run's, as TransformerLens does, so that
 * parts add up. Of clean prompts, at the position of a role or at chosen ones.
 *
 * <p>Biases that no part owns have a step of their own, so that all steps of a table add up to its whole;
 * {@link Result#sumCheck} says how well. With weights that went through
 * {@link dev.hyaline.instrument.weights.WeightProcessing} the shares are TransformerLens's; with raw weights a head's
 * also has what its value bias adds.
 */
public final class DirectLogitAttribution {
    /** The axis of the positions that are asked at, where they are chosen. */
    public static final String READ_AT = "read at";

    /** The step of a table for what no other part owns. */
    public static final String BIAS = "bias";

    /** The step of a table for what an autoencoder does not explain. */
    public static final String ERROR = "error";

    private static final String LOGIT_DIFFERENCE = "the logit difference";

    private final Gpt2 model;
    private final PromptPairs pairs;
    private final PositionAxis positions;
    /** Whether tables have an axis for the positions. */
    private final boolean byReadPosition;

    private DirectLogitAttribution(Gpt2 model, PromptPairs pairs, PositionAxis positions, boolean byReadPosition) {
        this.model = model;
        this.pairs = pairs;
        this.positions = positions;
        this.byReadPosition = byReadPosition;
    }

    /**
     * Attribution of every pair's clean prompt.
     *
     * @param role whose position's next token is asked about
     * @throws BadInputException if a pair lacks the role or distractors
     */
    public static DirectLogitAttribution of(Gpt2 model, PromptPairs pairs, String role) {
        requireComparable(pairs, role);
        return new DirectLogitAttribution(model, pairs, PositionAxis.ofRoles(pairs, List.of(role)), false);
    }

    /**
     * The same at other positions: tables have a first axis {@code read at}, with a step for each.
     *
     * @throws BadInputException if they are positions of other pairs
     */
    public DirectLogitAttribution at(PositionAxis chosen) {
        if (!chosen.pairs().equals(pairs)) {
            throw new BadInputException("the positions are those of other pairs than are attributed");
        }
        return new DirectLogitAttribution(model, pairs, chosen, true);
    }

    /**
     * Checks before any model is there that pairs have what is attributed.
     *
     * @throws dev.hyaline.engine.error.BadInputException if a pair has no such role, no answer or no distractor
     */
    public static void requireComparable(PromptPairs pairs, String role) {
        Metric difference = Metric.logitDifference(role);
        for (PromptPair pair : pairs.list()) {
            difference.positions(pair);
            difference.tokens(pair);
        }
    }

    /**
     * Contributions.
     *
     * @param table in logits, with a step {@code bias} for what no other part owns
     * @param whole the name of the sum of the parts, such as {@code the logit difference}
     * @param sumCheck the distance of the parts' sum from the whole
     */
    public record Result(ResultTable table, String whole, SumCheck sumCheck) {}

    /** The contributions of the parts, in the order of the table's cells, and the whole they are to add up to. */
    private record Share(double[] parts, double whole, double sum) {
        static Share of(double[] parts, double whole) {
            return new Share(parts, whole, Arrays.stream(parts).sum());
        }
    }

    /** Takes a pair's parts out of a cache of one prompt. */
    private interface Parts {
        Share of(ActivationCache cache, PromptPair pair);
    }

    /**
     * The logit difference as it grows: read from the residual stream before and between all layers, with the final
     * norm's scale held. What no part owns comes last: {@code [residual stream, and bias]}. The last place and the bias
     * are the logit difference.
     */
    public Result alongTheStream() {
        Gpt2Config config = model.config();
        List<String> labels = new ArrayList<>();
        for (int layer = 0; layer < config.nLayers(); layer++) {
            labels.add(layer + "_pre");
            labels.add(layer + "_mid");
        }
        labels.add("final_post");
        labels.add(BIAS);
        return measure(
                "Direct logit attribution along the residual stream",
                LOGIT_DIFFERENCE,
                List.of(new Axis("residual stream", labels)),
                (cache, pair) -> {
                    double[] values = attribute(cache, cache.accumulatedResid(end(), true), pair);
                    double sum = values[values.length - 2] + values[values.length - 1];
                    return new Share(values, whole(cache, pair), sum);
                });
    }

    /**
     * By embedding, attention and MLP of each layer, and the bias that no layer owns: {@code [component, and bias]}.
     * The parts are the logit difference.
     */
    public Result byLayer() {
        Gpt2Config config = model.config();
        List<String> labels = new ArrayList<>(List.of("embed", "pos_embed"));
        for (int layer = 0; layer < config.nLayers(); layer++) {
            labels.add(layer + "_attn_out");
            labels.add(layer + "_mlp_out");
        }
        labels.add(BIAS);
        return measure(
                "Direct logit attribution by layer",
                LOGIT_DIFFERENCE,
                List.of(new Axis("component", labels)),
                (cache, pair) -> Share.of(attribute(cache, cache.decomposeResid(), pair), whole(cache, pair)));
    }

    /**
     * By head, and in each layer the bias of attention's output, which no head owns: {@code [layer, head and bias]}.
     * The parts are what all attention adds.
     */
    public Result byHead() {
        Gpt2Config config = model.config();
        return measure(
                "Direct logit attribution by head",
                "what all attention adds to the logit difference",
                List.of(Axis.layers(config.nLayers()), withBias("head", config.nHeads())),
                (cache, pair) -> Share.of(
                        withBiases(cache, pair, cache.stackHeadResults(), false), sumOf(cache, pair, "_attn_out")));
    }

    /**
     * By neuron, and in each layer the bias of the MLP's output, which no neuron owns: {@code [layer, neuron and
     * bias]}. The parts are what all MLPs add.
     */
    public Result byNeuron() {
        Gpt2Config config = model.config();
        return measure(
                "Direct logit attribution by neuron",
                "what all MLPs add to the logit difference",
                List.of(Axis.layers(config.nLayers()), withBias("neuron", config.dMlp())),
                (cache, pair) -> Share.of(
                        withBiases(cache, pair, cache.stackNeuronResults(), true), sumOf(cache, pair, "_mlp_out")));
    }

    /**
     * By head and by the position it takes the contribution from: the values it weighs there, through its output.
     * {@code [layer, head, position]}. The parts are what the heads add, to which no bias belongs.
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
                "what the heads add to the logit difference",
                List.of(
                        Axis.layers(config.nLayers()),
                        Axis.heads(config.nHeads()),
                        Axis.indices(Axis.POSITION, length)),
                (cache, pair) -> {
                    double[] parts = withoutBias(attribute(cache, sources(cache, pair, outputs), pair));
                    double[] heads = withoutBias(attribute(cache, cache.stackHeadResults(), pair));
                    return Share.of(parts, Arrays.stream(heads).sum());
                });
    }

    /**
     * By latent of an autoencoder: what each that is active writes, the decoder's bias with what a skip connection
     * writes, and the error, which is what the site holds beyond the reconstruction. {@code [feature, error and bias]},
     * with a step for every latent that is active in any pair. The parts are what the site adds.
     *
     * @throws BadInputException if the autoencoder's site is neither the residual stream, nor added to it, nor the
     *     heads' values {@code z}
     */
    public Result byFeature(Attachment attachment) {
        FeatureParts features = FeatureParts.encode(model, positions, attachment);
        return measure(
                "Direct logit attribution by feature of " + attachment.place(),
                "what " + attachment.place() + " adds to the logit difference",
                List.of(new Axis("feature", features.labels())),
                (cache, pair) -> {
                    double[] values = withoutBias(attribute(cache, features.stack(cache, pair), pair));
                    return Share.of(features.parts(cache, pair, values), values[values.length - 1]);
                });
    }

    private Result measure(String title, String whole, List<Axis> axes, Parts parts) {
        int cells = axes.stream().mapToInt(Axis::size).reduce(1, Math::multiplyExact);
        int steps = positions.size();
        double[] values = new double[Math.multiplyExact(Math.multiplyExact(cells, steps), pairs.size())];
        double[] wholes = new double[steps * pairs.size()];
        double[] sums = new double[steps * pairs.size()];
        for (int step = 0; step < steps; step++) {
            for (int p = 0; p < pairs.size(); p++) {
                PromptPair pair = pairs.get(p);
                Share share = parts.of(cache(pair, positions.at(step, p)), pair);
                for (int cell = 0; cell < cells; cell++) {
                    values[(step * cells + cell) * pairs.size() + p] = share.parts[cell];
                }
                wholes[step * pairs.size() + p] = share.whole;
                sums[step * pairs.size() + p] = share.sum;
            }
        }
        List<Axis> all = new ArrayList<>(axes);
        if (byReadPosition) {
            all.addFirst(new Axis(READ_AT, positions.axis().labels()));
        }
        ResultTable table =
                ResultTable.of(title, "contribution to the logit difference", "logits", all, pairs.names(), values);
        ResultTable neutral = table.ofSamples("pairs").neutralAt(0);
        return new Result(pairs.units().map(neutral::ofUnits).orElse(neutral), whole, SumCheck.of(wholes, sums));
    }

    /** The activations that parts are made of, at one position. */
    private ActivationCache cache(PromptPair pair, int position) {
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
                .positions(IndexSelection.of(position));
        return ActivationCache.record(model, Prompts.of(config, pair.clean()), capture);
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

    /** The components' contributions alone. */
    private static double[] withoutBias(double[] values) {
        return Arrays.copyOf(values, values.length - 1);
    }

    /** Equally many contributions of each layer, each time followed by that of the layer's output bias. */
    private double[] withBiases(ActivationCache cache, PromptPair pair, ResidualStack stack, boolean mlp) {
        double[] parts = attribute(cache, stack, pair);
        double[] biases = attribute(cache, biases(cache, mlp), pair);
        int layers = model.config().nLayers();
        int perLayer = stack.size() / layers;
        double[] all = new double[layers * (perLayer + 1)];
        for (int layer = 0; layer < layers; layer++) {
            System.arraycopy(parts, layer * perLayer, all, layer * (perLayer + 1), perLayer);
            all[layer * (perLayer + 1) + perLayer] = biases[layer];
        }
        return all;
    }

    /** Steps called 0, 1, 2 and so on, and one for the bias. */
    private static Axis withBias(String name, int size) {
        List<String> labels = new ArrayList<>(Axis.indices(name, size).labels());
        labels.add(BIAS);
        return new Axis(name, labels);
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

    /** The contribution of all attentions, or of all MLPs, together. */
    private double sumOf(ActivationCache cache, PromptPair pair, String suffix) {
        ResidualStack layers = cache.decomposeResid();
        String[] labels =
                layers.labels().stream().filter(label -> label.endsWith(suffix)).toArray(String[]::new);
        return Arrays.stream(withoutBias(attribute(cache, layers.select(labels), pair)))
                .sum();
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
        int query = cache.rows().position(0);
        int length = pair.length();
        ActivationCache attention =
                ActivationCache.record(model, Prompts.of(config, pair.clean()), Capture.of(config, "pattern", "v"));
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

    @Override
    public String toString() {
        return "direct logit attribution of " + pairs + ", read at "
                + Printable.listed(positions.axis().labels());
    }
}
