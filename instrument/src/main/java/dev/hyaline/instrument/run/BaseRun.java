package dev.hyaline.instrument.run;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Generator;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.KvCache;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.Slot;
import dev.hyaline.instrument.internal.Batches;
import dev.hyaline.instrument.internal.edit.BoundEdit;
import dev.hyaline.instrument.internal.edit.BoundEdits;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/**
 * A pass over prompts that can restart anywhere: it keeps the residual stream before and between all blocks, the output
 * of each branch, z, and all keys and values. {@link #rerun} recomputes only what edits can change. Immutable and
 * thread-safe; the model must stay open.
 *
 * <p>For example: {@snippet file="dev/hyaline/instrument/JavadocExamplesTest.java" region="base-run"}
 */
public final class BaseRun implements ActivationSource {
    private final Gpt2 model;
    private final Prompts prompts;
    private final KvCache[] caches;
    /** By sequence {@code [tokens, dModel]}. */
    private final Map<HookPoint, float[][]> kept = new HashMap<>();

    private BaseRun(Gpt2 model, Prompts prompts) {
        this.model = model;
        this.prompts = prompts;
        caches = new KvCache[prompts.size()];
    }

    /**
     * Runs prompts.
     *
     * @throws BadInputException if what is to be kept exceeds the memory Java may use
     */
    public static BaseRun record(Gpt2 model, Prompts prompts) {
        long bytes = bytes(model.config(), prompts);
        if (bytes > Runtime.getRuntime().maxMemory()) {
            throw new BadInputException("a run over " + prompts.totalTokens() + " tokens keeps " + bytes
                    + " bytes, but Java may use " + Runtime.getRuntime().maxMemory() + "; run fewer prompts at a time");
        }
        BaseRun run = new BaseRun(model, prompts);
        for (HookPoint point : HookPoint.all(model.config())) {
            if (keeps(point, model.config())) {
                run.kept.put(point, new float[prompts.size()][]);
            }
        }
        Batches.run(prompts.size(), prompts::length, run::pass);
        return run;
    }

    /** Bytes that a run over prompts keeps. */
    public static long bytes(Gpt2Config config, Prompts prompts) {
        long bytes = 0;
        for (int length : prompts.lengths()) {
            bytes += (5L * config.nLayers() + 1) * length * config.dModel() * Float.BYTES
                    + KvCache.bytes(config, length);
        }
        return bytes;
    }

    private static boolean keeps(HookPoint point, Gpt2Config config) {
        return RestartPoint.KEPT_ENTRIES.contains(point.site())
                || point.residual(config)
                        .filter(boundary -> keptAt(boundary, config).equals(point))
                        .isPresent();
    }

    /** Of the points that hold the residual stream at a boundary, the one that is kept. */
    private static HookPoint keptAt(Boundary boundary, Gpt2Config config) {
        return boundary.points(config).getLast();
    }

    private void pass(int first, int end) {
        List<Sequence> batch = new ArrayList<>();
        for (int s = first; s < end; s++) {
            caches[s] = model.newCache();
            batch.add(Sequence.append(caches[s], prompts.tokens(s)));
        }
        Probe keeper = new Probe() {
            @Override
            public boolean wants(HookPoint point) {
                return kept.containsKey(point);
            }

            @Override
            public void at(HookPoint point, Activation activation) {
                for (int s = first; s < end; s++) {
                    int from = activation.offset(s - first);
                    kept(point)[s] = Arrays.copyOfRange(activation.values(), from, from + activation.size(s - first));
                }
            }
        };
        model.forward(ForwardRequest.of(batch).logits(LogitSelection.none()).probe(keeper));
    }

    public Gpt2 model() {
        return model;
    }

    public Prompts prompts() {
        return prompts;
    }

    Gpt2Config config() {
        return model.config();
    }

    @Override
    public int sequences() {
        return prompts.size();
    }

    @Override
    public int length(int sequence) {
        return prompts.length(sequence);
    }

    /** Reruns this run once for each edit. The edits do not see each other. */
    public Rerun rerun(List<SequenceEdit> edits) {
        return new Rerun(this, edits);
    }

    /**
     * Continues a sequence under an edit, as {@link EditedModel#generate} does, from this run's keys and values: of the
     * past, only what the edit can change is computed again.
     *
     * @param generator with this run's model
     * @return the new tokens
     */
    public int[] generate(SequenceEdit edit, Generator generator) {
        requireSequence(edit.sequence());
        if (generator.model() != model) {
            throw new BadInputException("a run is continued with the model that made it");
        }
        BoundEdits.requireActsOn(edit.interventions(), edit.sequence(), sequences());
        List<BoundEdit> edits = EditedGeneration.edits(edit.interventions(), generator, prompts, edit.sequence());
        KvCache cache = EditedGeneration.cache(this, edit.sequence(), edits);
        return EditedGeneration.edited(generator, List.of(edits))
                .generate(List.of(prompts.tokens(edit.sequence())), List.of(cache), (sequence, token) -> {})
                .getFirst();
    }

    void requireSequence(int sequence) {
        BadInputException.requireIndex("sequence", sequence, sequences());
    }

    @Override
    public OptionalInt layers() {
        return OptionalInt.of(config().nLayers());
    }

    @Override
    public Optional<Block> block(HookPoint point, int sequence) {
        requireSequence(sequence);
        if (!holds(point.site())) {
            return Optional.empty();
        }
        int[] positions = IntStream.range(0, length(sequence)).toArray();
        float[] rows = rows(point, sequence);
        if (point.site().shape() != Site.Shape.HEAD_RESIDUAL) {
            return Optional.of(new Block(positions, rows));
        }
        int d = config().dModel();
        int heads = config().nHeads();
        float[] spread = new float[rows.length * heads];
        for (int i = 0; i < positions.length * heads; i++) {
            System.arraycopy(rows, i / heads * d, spread, i * d, d);
        }
        return Optional.of(new Block(positions, spread));
    }

    /** Returns whether a site's values are held in all layers, or are copies of those that are. */
    public boolean holds(Site site) {
        return site.isResidual() || RestartPoint.KEPT_ENTRIES.contains(site);
    }

    @Override
    public boolean holds(HookPoint point, int sequence, int position) {
        return holds(point.site())
                && sequence >= 0
                && sequence < sequences()
                && position >= 0
                && position < length(sequence);
    }

    @Override
    public void read(Slot slot, float[] out) {
        if (!holds(slot.point(), slot.sequence(), slot.position())) {
            throw new BadInputException("a run keeps no " + slot.point() + " at position " + slot.position());
        }
        int d = config().dModel();
        int inRow = slot.point().site() == Site.Z ? slot.head() * out.length : 0;
        System.arraycopy(rows(slot.point(), slot.sequence()), slot.position() * d + inRow, out, 0, out.length);
    }

    /** {@code [tokens, dModel]}; of points that differ by nothing in a run without edits, the one that is kept. */
    float[] rows(HookPoint point, int sequence) {
        HookPoint same = point.residual(config())
                .map(boundary -> keptAt(boundary, config()))
                .orElse(point);
        return kept(same)[sequence];
    }

    /** {@code [tokens, dModel]} at a boundary. */
    float[] rows(Boundary boundary, int sequence) {
        return kept(keptAt(boundary, config()))[sequence];
    }

    private float[][] kept(HookPoint point) {
        return Objects.requireNonNull(kept.get(point), point::name);
    }

    KvCache cache(int sequence) {
        return caches[sequence];
    }

    /** The prompts that ran. */
    @Override
    public String toString() {
        return "base run of " + prompts;
    }
}
