package dev.hyaline.instrument.capture;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.engine.tensor.Tensor;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.HookPoints;
import dev.hyaline.instrument.NamedTensors;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.internal.RecordedTensors;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Copies of a run's recorded values, held in memory, and what TransformerLens's {@code ActivationCache} makes of them.
 * Immutable once made.
 *
 * <p>For example: {@snippet file="dev/hyaline/instrument/JavadocExamplesTest.java" region="residuals"}
 *
 * <p>The methods that take the residual stream apart need what they are made of to be recorded: {@code embed},
 * {@code pos_embed}, {@code attn_out} and {@code mlp_out} for layers, {@code z} for heads, {@code mlp.post} for
 * neurons. To be checked against the residual stream, that too: {@code resid_pre}, {@code resid_mid},
 * {@code resid_post}.
 */
public final class ActivationCache implements NamedTensors {
    private final Gpt2Weights weights;
    private final Gpt2Config config;
    private final Capture capture;
    private final int[] lengths;
    private final TokenRows rows;
    private final Map<HookPoint, float[][]> values = new HashMap<>();
    private final float[][] nextTokenLogits;

    private ActivationCache(Gpt2Weights weights, Prompts prompts, Capture capture) {
        this.weights = weights;
        this.config = weights.config();
        this.capture = capture;
        this.lengths = prompts.lengths();
        this.rows = new TokenRows(
                IntStream.range(0, lengths.length)
                        .mapToObj(s -> capture.positions(prompts, s))
                        .toArray(int[][]::new),
                lengths);
        this.nextTokenLogits = new float[lengths.length][];
        capture.points().forEach(point -> values.put(point, new float[lengths.length][]));
    }

    /**
     * Runs prompts and keeps what the capture names.
     *
     * @throws BadInputException if a sequence has none of the capture's positions, or the values would take more than
     *     the capture's budget, or than Java's whole memory
     */
    public static ActivationCache record(Gpt2 model, Prompts prompts, Capture capture) {
        return record(model, prompts, capture, PromptPass.plain(model, prompts));
    }

    /** As {@link #record(Gpt2, Prompts, Capture)}, of passes that may do more than run the model. */
    public static ActivationCache record(Gpt2 model, Prompts prompts, Capture capture, PromptPass pass) {
        ActivationCache cache = empty(model, prompts, capture);
        CapturePasses.run(pass, model.config(), prompts, capture, cache.filler());
        return cache;
    }

    private static ActivationCache empty(Gpt2 model, Prompts prompts, Capture capture) {
        capture.require(model.config(), prompts);
        requireRoom(capture, capture.bytes(model.config(), prompts), prompts.totalTokens());
        return new ActivationCache(model.weights(), prompts, capture);
    }

    private static void requireRoom(Capture capture, long bytes, long tokens) {
        long memory = Runtime.getRuntime().maxMemory();
        long limit = Math.min(memory, capture.budget().orElse(memory));
        if (bytes > limit) {
            throw new BadInputException(String.format(
                    Locale.ROOT,
                    "recording %,d hook points of %,d tokens takes %,d bytes, more than %s of %,d; record fewer sites,"
                            + " positions or heads, or dump them to disk",
                    capture.points().size(),
                    tokens,
                    bytes,
                    limit < memory ? "the budget" : "Java's memory",
                    limit));
        }
    }

    private CaptureListener filler() {
        return new CaptureListener() {
            private final Map<HookPoint, int[]> filled = new HashMap<>();

            @Override
            public void captured(HookPoint point, int sequence, float[] from, int offset, int length) {
                float[][] sequences = Objects.requireNonNull(values.get(point));
                if (sequences[sequence] == null) {
                    int size = size(point, sequence);
                    if (length == size) { // copied as it is made, which spares writing zeros first
                        sequences[sequence] = FreshCopy.of(from, offset, length);
                        return;
                    }
                    sequences[sequence] = new float[size];
                }
                int[] ends = filled.computeIfAbsent(point, p -> new int[lengths.length]);
                System.arraycopy(from, offset, sequences[sequence], ends[sequence], length);
                ends[sequence] += length;
            }

            @Override
            public void finished(int sequence, float[] logits) {
                nextTokenLogits[sequence] = logits;
            }
        };
    }

    private int size(HookPoint point, int sequence) {
        return shape(point, sequence).stream().reduce(1, Math::multiplyExact);
    }

    /**
     * The cache as interventions read it.
     *
     * @throws BadInputException if the capture chose heads, neurons, sequences or roles
     */
    public ActivationSource source() {
        capture.requireWholePoints("an intervention that reads a cache");
        return new RecordedTensors(
                lengths.clone(),
                config.nLayers(),
                (point, sequence) -> values.containsKey(point)
                        ? Optional.of(new ActivationSource.Block(positions(sequence), values(point, sequence)))
                        : Optional.empty());
    }

    @Override
    public List<HookPoint> points() {
        return capture.points();
    }

    /** The recorded tokens, sequence after sequence. */
    public TokenRows rows() {
        return rows;
    }

    /** The weights of the model that ran. */
    public Gpt2Weights weights() {
        return weights;
    }

    @Override
    public int sequences() {
        return lengths.length;
    }

    /** Tokens in a sequence. */
    public int length(int sequence) {
        return rows.length(sequence);
    }

    /** The recorded positions of a sequence, ascending. */
    int[] positions(int sequence) {
        return rows.positions(sequence);
    }

    /** Shape of a point's values for one sequence, as {@link Capture#shape} says. */
    public List<Integer> shape(HookPoint point, int sequence) {
        return capture.shape(config, point.site(), rows.positions(sequence).length, rows.length(sequence));
    }

    /**
     * A copy of a point's values for one sequence, row-major in its {@link #shape}.
     *
     * @throws BadInputException if the point was not recorded
     */
    public float[] values(HookPoint point, int sequence) {
        return of(point, sequence).clone();
    }

    /** A view of a point's values for one sequence; nothing is copied. */
    @Override
    public Tensor get(HookPoint point, int sequence) {
        float[] recorded = of(point, sequence);
        return Tensor.view(point.name(), point.site().shape().axes(), shape(point, sequence), recorded);
    }

    /** A copy of the logits after a sequence's last token, {@code [dVocab]}. */
    public float[] nextTokenLogits(int sequence) {
        return nextTokenLogits[BadInputException.requireIndex("sequence", sequence, sequences())].clone();
    }

    /**
     * A copy of the values of the one hook point that a name means: canonical, short or with its layer.
     *
     * @param name as {@link HookPoints} reads it, such as {@code blocks.3.attn.hook_z} or {@code z3}
     * @throws BadInputException if it means no point or several, or the point was not recorded
     */
    public float[] values(String name, int sequence) {
        List<HookPoint> points = HookPoints.select(config, name);
        if (points.size() > 1) {
            throw new BadInputException(
                    "'" + name + "' means " + points.size() + " hook points; name one, such as " + points.getFirst());
        }
        return values(points.getFirst(), sequence);
    }

    /** A copy of a point's values for one token, of all heads if it has any; attention maps have no such row. */
    public float[] row(HookPoint point, int sequence, int position) {
        if (point.site().isMap()) {
            throw new BadInputException(point + " holds maps, not a row a token");
        }
        int row = rows.row(sequence, position) - rows.firstRow(sequence);
        int width = capture.perToken(config, point.site()).stream().reduce(1, Math::multiplyExact);
        return Arrays.copyOfRange(of(point, sequence), row * width, (row + 1) * width);
    }

    /** The choice of what was recorded. */
    public Capture capture() {
        return capture;
    }

    /** Bytes its values take. */
    public long bytes() {
        long elements = 0;
        for (HookPoint point : points()) {
            for (int s = 0; s < lengths.length; s++) {
                elements += of(point, s).length;
            }
        }
        return elements * Float.BYTES;
    }

    private float[] of(HookPoint point, int sequence) {
        float[] recorded = recorded(point)[BadInputException.requireIndex("sequence", sequence, sequences())];
        return recorded == null ? new float[0] : recorded;
    }

    /**
     * A site's values in every layer it was recorded in, for one sequence, row-major: {@code [layers, ...]} followed by
     * {@link #shape}.
     */
    public float[] stackActivation(Site site, int sequence) {
        float[][] layers = points().stream()
                .filter(point -> point.site() == site)
                .map(point -> of(point, sequence))
                .toArray(float[][]::new);
        if (layers.length == 0) {
            throw new BadInputException(site.localName() + " was not recorded");
        }
        float[] stack = new float[Math.multiplyExact(layers.length, layers[0].length)];
        for (int layer = 0; layer < layers.length; layer++) {
            System.arraycopy(layers[layer], 0, stack, layer * layers[0].length, layers[0].length);
        }
        return stack;
    }

    /** As {@link #accumulatedResid(Boundary, boolean)}, before every layer and after the last. */
    public ResidualStack accumulatedResid() {
        return accumulatedResid(last(), false);
    }

    /**
     * The residual stream as it stands before each layer up to a boundary: what a logit lens reads. Labels:
     * {@code 0_pre}, {@code 0_mid}, {@code 1_pre} and so on to {@code final_post}.
     *
     * @param includeMid whether to take it between attention and MLP too
     */
    public ResidualStack accumulatedResid(Boundary upTo, boolean includeMid) {
        return new ResidualDecomposition(this).accumulated(upTo, includeMid);
    }

    /** As {@link #decomposeResid(Boundary)}, of the final residual stream. */
    public ResidualStack decomposeResid() {
        return decomposeResid(last());
    }

    /**
     * The residual stream at a boundary as the sum of the embeddings and of each layer's output. Labels: {@code embed},
     * {@code pos_embed}, {@code 0_attn_out}, {@code 0_mlp_out}, {@code 1_attn_out} and so on.
     */
    public ResidualStack decomposeResid(Boundary upTo) {
        return new ResidualDecomposition(this).layers(upTo);
    }

    /** As {@link #stackHeadResults(Boundary)}, of all heads. */
    public ResidualStack stackHeadResults() {
        return stackHeadResults(last());
    }

    /**
     * The output of each head before a boundary to the residual stream: {@code z W_O}, the bits of {@code hook_result},
     * which need not be recorded. Labels: {@code L0H0}, {@code L0H1} and so on. The rest of the residual stream is
     * {@link ResidualStack#withRemainder}.
     */
    public ResidualStack stackHeadResults(Boundary upTo) {
        return new ResidualDecomposition(this).heads(upTo);
    }

    /** As {@link #stackNeuronResults(Boundary)}, of all neurons. */
    public ResidualStack stackNeuronResults() {
        return stackNeuronResults(last());
    }

    /**
     * The output of each neuron before a boundary to the residual stream: its activation times its row of
     * {@code W_out}. Labels: {@code L0N0}, {@code L0N1} and so on.
     */
    public ResidualStack stackNeuronResults(Boundary upTo) {
        return new ResidualDecomposition(this).neurons(upTo);
    }

    /** As {@link #getFullResidDecomposition(Boundary, boolean)}, of the final residual stream, with every neuron. */
    public ResidualStack getFullResidDecomposition() {
        return getFullResidDecomposition(last(), true);
    }

    /**
     * The residual stream at a boundary as the sum of every head, every neuron (or every MLP), the embeddings and the
     * biases, in this order. Labels: {@code L0H0}, {@code L0N0} (or {@code 0_mlp_out}), {@code embed},
     * {@code pos_embed}, {@code bias}.
     */
    public ResidualStack getFullResidDecomposition(Boundary upTo, boolean expandNeurons) {
        return new ResidualDecomposition(this).full(upTo, expandNeurons);
    }

    /** As {@link #applyLnToStack(ResidualStack, Boundary)}, for the final LayerNorm. */
    public ResidualStack applyLnToStack(ResidualStack stack) {
        return applyLnToStack(stack, last());
    }

    /**
     * Every vector as the LayerNorm at a boundary scales it: centred and divided by what that norm divided the whole
     * residual stream by in the run. Gain and bias are not applied, so that a whole becomes {@code hook_normalized}.
     *
     * @param input {@code residPre} for ln1, {@code residMid} for ln2, {@code residPre(nLayers)} for the final norm
     */
    public ResidualStack applyLnToStack(ResidualStack stack, Boundary input) {
        LayerNormInput norm = new LayerNormInput(this, input);
        double[] scales = norm.scales();
        return stack.map(source -> norm.centredAndScaled(source, scales));
    }

    /**
     * Every vector through the final LayerNorm with its own mean and scale, gain and bias applied: what a logit lens
     * multiplies by {@code W_U}. TransformerLens calls it {@code recompute_ln}. Parts no longer add up to their whole.
     */
    public ResidualStack applyFinalLnToEach(ResidualStack stack) {
        LayerNormInput norm = new LayerNormInput(this, last());
        return stack.map(norm::applied);
    }

    /**
     * The direct contribution of each component of a stack to a logit.
     *
     * @param tokens whose logit: one for all, one per sequence or one per row
     */
    public LogitAttribution logitAttrs(ResidualStack stack, int... tokens) {
        return LogitDirections.of(this, tokens).attribute(stack);
    }

    /**
     * The direct contribution of each component of a stack to the difference of two logits.
     *
     * @param tokens whose logit counts positive: one for all, one per sequence or one per row
     * @param incorrectTokens whose logit is subtracted, likewise
     */
    public LogitAttribution logitAttrs(ResidualStack stack, int[] tokens, int[] incorrectTokens) {
        return LogitDirections.of(this, tokens, incorrectTokens).attribute(stack);
    }

    private Boundary last() {
        return Boundary.last(config);
    }

    /**
     * A point's values themselves, by sequence.
     *
     * @throws BadInputException if the point was not recorded
     */
    float[][] recorded(HookPoint point) {
        float[][] sequences = values.get(point);
        if (sequences == null) {
            if (point.site().perLayer()) {
                BadInputException.requireIndex("layer", point.layer(), config.nLayers());
            }
            throw new BadInputException(point + " was not recorded");
        }
        return sequences;
    }

    /** The recorded point that holds the residual stream at a boundary, if there is one. */
    Optional<HookPoint> recordedResidual(Boundary boundary) {
        return residuals(boundary).filter(values::containsKey).findFirst();
    }

    /**
     * As {@link #recordedResidual}.
     *
     * @throws BadInputException if there is none
     */
    HookPoint requireResidual(Boundary boundary) {
        return recordedResidual(boundary)
                .orElseThrow(() -> new BadInputException("the residual stream there was not recorded: "
                        + residuals(boundary).map(HookPoint::name).collect(Collectors.joining(" or "))));
    }

    /** The points that hold the residual stream at a boundary. */
    private Stream<HookPoint> residuals(Boundary boundary) {
        return boundary.points(config).reversed().stream();
    }

    /** The names of the recorded points. */
    @Override
    public String toString() {
        return points().size() + " hook points of " + sequences() + (sequences() == 1 ? " sequence: " : " sequences: ")
                + Printable.listed(points().stream().map(HookPoint::name).toList());
    }
}
