package dev.hyaline.instrument.dump;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.ElementType;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.TensorInfo;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.capture.DerivedSite;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * The tensors that a capture of given prompts fills, known from the prompts' lengths before anything runs: the forecast
 * of a dump's size.
 *
 * <p>Prompts of one length, with as many positions recorded of each, give every point one tensor, {@code [b,p,...]}
 * under its canonical name ({@code [b,H,p,k]} for attention maps). Others are laid end to end, {@code [tokens,...]};
 * attention maps are then one tensor a sequence, {@code [H,p,k]}, named {@code blocks.0.attn.hook_pattern.0},
 * {@code .1} and so on. Where heads or neurons are chosen, their axis has those only, ascending.
 *
 * <p>Three more say which token a row belongs to: {@link #TOKENS}, {@link #POSITIONS} and, for those laid end to end,
 * {@link #OFFSETS}.
 */
public final class TensorPlan {
    /** Token id of every row, {@code [b,p]} or {@code [tokens]}. */
    public static final String TOKENS = "tokens";

    /** Position of every row in its prompt, {@code [b,p]} or {@code [tokens]}. */
    public static final String POSITIONS = "positions";

    /** Row where each sequence begins and, at the end, the number of rows: {@code [sequences + 1]}. */
    public static final String OFFSETS = "offsets";

    /** Begins the name of a tensor of gradients: {@code grad.blocks.0.hook_resid_post}. */
    public static final String GRADIENT = "grad.";

    private final boolean batch;
    private final Map<HookPoint, List<TensorInfo>> activations;
    private final List<TensorInfo> rowInfo;
    /** Tensors of no hook point. */
    private final List<TensorInfo> derived;

    private TensorPlan(boolean batch, Map<HookPoint, List<TensorInfo>> activations, List<TensorInfo> rowInfo) {
        this(batch, activations, rowInfo, List.of());
    }

    private TensorPlan(
            boolean batch,
            Map<HookPoint, List<TensorInfo>> activations,
            List<TensorInfo> rowInfo,
            List<TensorInfo> derived) {
        this.derived = derived;
        this.batch = batch;
        this.activations = activations;
        this.rowInfo = rowInfo;
    }

    /**
     * The tensors of values of one type.
     *
     * @throws dev.hyaline.engine.error.BadInputException if a sequence has none of the capture's positions
     */
    public static TensorPlan of(Gpt2Config config, Capture capture, Prompts prompts, ElementType type) {
        int[] lengths = prompts.lengths();
        int[] positions = IntStream.range(0, prompts.size())
                .map(s -> capture.positions(prompts, s).length)
                .toArray();
        boolean batch = Arrays.stream(lengths).distinct().count() == 1
                && Arrays.stream(positions).distinct().count() == 1;
        return batch
                ? batch(config, capture, lengths[0], positions[0], lengths.length, type)
                : endToEnd(config, capture, lengths, positions, type);
    }

    private static TensorPlan endToEnd(
            Gpt2Config config, Capture capture, int[] lengths, int[] positions, ElementType type) {
        long rows = Arrays.stream(positions).asLongStream().sum();

        Map<HookPoint, List<TensorInfo>> activations = new LinkedHashMap<>();
        for (HookPoint point : capture.points()) {
            Site site = point.site();
            List<TensorInfo> tensors;
            if (site.isMap()) {
                tensors = IntStream.range(0, lengths.length)
                        .mapToObj(s -> new TensorInfo(
                                point.name() + "." + s,
                                type,
                                longs(capture.shape(config, site, positions[s], lengths[s]))))
                        .toList();
            } else {
                List<Integer> row = capture.perToken(config, site);
                tensors = List.of(new TensorInfo(point.name(), type, prepend(rows, row)));
            }
            activations.put(point, tensors);
        }

        List<TensorInfo> rowInfo = List.of(
                new TensorInfo(TOKENS, ElementType.I64, List.of(rows)),
                new TensorInfo(POSITIONS, ElementType.I64, List.of(rows)),
                new TensorInfo(OFFSETS, ElementType.I64, List.of(lengths.length + 1L)));
        return new TensorPlan(false, activations, rowInfo);
    }

    /**
     * As {@link #of(Gpt2Config, Capture, Prompts, ElementType)}, for prompts that all have one length.
     *
     * @param length tokens in each prompt
     * @param count number of prompts
     */
    public static TensorPlan of(Gpt2Config config, Capture capture, int length, int count, ElementType type) {
        return batch(config, capture, length, capture.positions(length).length, count, type);
    }

    private static TensorPlan batch(
            Gpt2Config config, Capture capture, int length, int positions, int count, ElementType type) {
        Map<HookPoint, List<TensorInfo>> activations = new LinkedHashMap<>();
        for (HookPoint point : capture.points()) {
            List<Integer> one = capture.shape(config, point.site(), positions, length);
            activations.put(point, List.of(new TensorInfo(point.name(), type, prepend(count, one))));
        }
        List<Long> rows = List.of((long) count, (long) positions);
        List<TensorInfo> rowInfo = List.of(
                new TensorInfo(TOKENS, ElementType.I64, rows), new TensorInfo(POSITIONS, ElementType.I64, rows));
        return new TensorPlan(true, activations, rowInfo);
    }

    private static List<Long> longs(List<Integer> sizes) {
        return sizes.stream().map(Integer::longValue).toList();
    }

    static List<Long> prepend(long size, List<? extends Number> sizes) {
        return LongStream.concat(LongStream.of(size), sizes.stream().mapToLong(Number::longValue))
                .boxed()
                .toList();
    }

    /** The same tensors of gradients, under the points' names with {@value #GRADIENT} before them. */
    TensorPlan ofGradients() {
        Map<HookPoint, List<TensorInfo>> gradients = new LinkedHashMap<>();
        activations.forEach((point, tensors) -> gradients.put(
                point,
                tensors.stream()
                        .map(tensor -> new TensorInfo(GRADIENT + tensor.name(), tensor.type(), tensor.shape()))
                        .toList()));
        return new TensorPlan(batch, gradients, rowInfo);
    }

    /**
     * The same with a tensor for each derived site, {@code [b,p,width]} or {@code [tokens,width]}.
     *
     * @param prefix of its name
     */
    TensorPlan withDerived(List<DerivedSite> sites, ElementType type, String prefix) {
        List<Long> rows = rowInfo.getFirst().shape();
        List<TensorInfo> more = sites.stream()
                .map(site -> new TensorInfo(
                        prefix + site.name(),
                        type,
                        Stream.concat(rows.stream(), Stream.of((long) site.width()))
                                .toList()))
                .toList();
        return new TensorPlan(batch, activations, rowInfo, more);
    }

    /** Tensors of derived sites. */
    public List<TensorInfo> derived() {
        return derived;
    }

    /** Returns whether tensors begin with a batch axis: all prompts have one length, and as many positions recorded. */
    public boolean isBatch() {
        return batch;
    }

    /** A point's tensors: one, or one a sequence for attention maps of prompts laid end to end. */
    public List<TensorInfo> tensors(HookPoint point) {
        return Objects.requireNonNull(activations.get(point), point::name);
    }

    /**
     * All tensors: the points' in the order in which a pass reaches them, those of derived sites, then those about the
     * rows.
     */
    public List<TensorInfo> tensors() {
        return Stream.of(activations.values().stream().flatMap(List::stream), derived.stream(), rowInfo.stream())
                .flatMap(of -> of)
                .toList();
    }

    /** The tensor that a point's values for a sequence go into. */
    TensorInfo tensor(HookPoint point, int sequence) {
        List<TensorInfo> tensors = tensors(point);
        return tensors.get(tensors.size() == 1 ? 0 : sequence);
    }

    /** Bytes of a point's values. */
    public long bytes(HookPoint point) {
        return tensors(point).stream().mapToLong(TensorInfo::bytes).sum();
    }

    /** Bytes of all tensors; a file adds its header. */
    public long bytes() {
        return tensors().stream().mapToLong(TensorInfo::bytes).sum();
    }

    @Override
    public String toString() {
        return Printable.plural(
                activations.values().stream().mapToInt(List::size).sum(), "tensor");
    }
}
