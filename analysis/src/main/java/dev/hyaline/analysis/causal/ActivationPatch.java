package dev.hyaline.analysis.causal;

import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Target;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Activation patching as TransformerLens's {@code patching} module knows it: {@code get_act_patch_} and the name in
 * lower case. A cell patches one activation of one run of a pair with what the pair's other run had there.
 */
public enum ActivationPatch {
    RESID_PRE(Form.LAYER_POSITION),
    RESID_MID(Form.LAYER_POSITION),
    ATTN_OUT(Form.LAYER_POSITION),
    MLP_OUT(Form.LAYER_POSITION),
    ATTN_HEAD_OUT_BY_POS(Form.HEAD_BY_POSITION),
    ATTN_HEAD_Q_BY_POS(Form.HEAD_BY_POSITION),
    ATTN_HEAD_K_BY_POS(Form.HEAD_BY_POSITION),
    ATTN_HEAD_V_BY_POS(Form.HEAD_BY_POSITION),
    /** Positions are the queries'. */
    ATTN_HEAD_PATTERN_BY_POS(Form.PATTERN_BY_QUERY),
    ATTN_HEAD_PATTERN_DEST_SRC_POS(Form.PATTERN_ENTRY),
    ATTN_HEAD_OUT_ALL_POS(Form.HEAD),
    ATTN_HEAD_Q_ALL_POS(Form.HEAD),
    ATTN_HEAD_K_ALL_POS(Form.HEAD),
    ATTN_HEAD_V_ALL_POS(Form.HEAD),
    ATTN_HEAD_PATTERN_ALL_POS(Form.HEAD),
    /** The three residual activations, along an axis of their own. */
    BLOCK_EVERY(Form.LAYER_POSITION),
    /** The five activations of a head, along an axis of their own. */
    ATTN_HEAD_ALL_POS_EVERY(Form.HEAD),
    /** The five activations of a head by position, along an axis of their own. */
    ATTN_HEAD_BY_POS_EVERY(Form.HEAD_BY_POSITION);

    /** The axes of a patch after that of its sites, beginning with the layer. */
    private enum Form {
        LAYER_POSITION(1),
        HEAD(-1),
        HEAD_BY_POSITION(1),
        PATTERN_BY_QUERY(2),
        /** By query, then by key. */
        PATTERN_ENTRY(2);

        /** Index of the axis of positions; -1 where all are patched together. */
        private final int positionAxis;

        Form(int positionAxis) {
            this.positionAxis = positionAxis;
        }
    }

    private final Form form;

    ActivationPatch(Form form) {
        this.form = form;
    }

    /** The activations that are patched, each by itself. */
    public List<Site> sites() {
        return switch (this) {
            case RESID_PRE -> List.of(Site.RESID_PRE);
            case RESID_MID -> List.of(Site.RESID_MID);
            case ATTN_OUT -> List.of(Site.ATTN_OUT);
            case MLP_OUT -> List.of(Site.MLP_OUT);
            case ATTN_HEAD_OUT_BY_POS, ATTN_HEAD_OUT_ALL_POS -> List.of(Site.Z);
            case ATTN_HEAD_Q_BY_POS, ATTN_HEAD_Q_ALL_POS -> List.of(Site.Q);
            case ATTN_HEAD_K_BY_POS, ATTN_HEAD_K_ALL_POS -> List.of(Site.K);
            case ATTN_HEAD_V_BY_POS, ATTN_HEAD_V_ALL_POS -> List.of(Site.V);
            case ATTN_HEAD_PATTERN_BY_POS, ATTN_HEAD_PATTERN_DEST_SRC_POS, ATTN_HEAD_PATTERN_ALL_POS ->
                List.of(Site.PATTERN);
            case BLOCK_EVERY -> List.of(Site.RESID_PRE, Site.ATTN_OUT, Site.MLP_OUT);
            case ATTN_HEAD_ALL_POS_EVERY, ATTN_HEAD_BY_POS_EVERY ->
                List.of(Site.Z, Site.Q, Site.K, Site.V, Site.PATTERN);
        };
    }

    /** The name in TransformerLens's function, such as {@code attn_head_out_by_pos}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Returns whether cells are by position. */
    public boolean byPosition() {
        return form != Form.HEAD;
    }

    /**
     * The sweep over every layer, every head where the name says so, and these positions.
     *
     * @throws BadInputException if the patch is not by position
     */
    public Sweep sweep(Gpt2Config config, PatchingDirection direction, PositionAxis positions) {
        if (!byPosition()) {
            throw new BadInputException(this + " patches all positions together; choose none");
        }
        return new Patching(config, direction, positions);
    }

    /**
     * The sweep over every layer, every head where the name says so, and every position where it is by position.
     *
     * @throws BadInputException if the patch is by position and the pairs differ in length
     */
    public Sweep sweep(Gpt2Config config, PatchingDirection direction, PromptPairs pairs) {
        return new Patching(config, direction, byPosition() ? PositionAxis.all(pairs) : null);
    }

    private List<TargetAxis> axes(Gpt2Config config, @Nullable PositionAxis positions) {
        TargetAxis layers =
                TargetAxis.layers(IntStream.range(0, config.nLayers()).toArray());
        TargetAxis heads = TargetAxis.heads(IntStream.range(0, config.nHeads()).toArray());
        if (positions == null) {
            return List.of(layers, heads);
        }
        TargetAxis queries = TargetAxis.positions(positions);
        return switch (form) {
            case HEAD -> List.of(layers, heads);
            case LAYER_POSITION -> List.of(layers, queries);
            case HEAD_BY_POSITION -> List.of(layers, queries, heads);
            case PATTERN_BY_QUERY -> List.of(layers, heads, queries);
            case PATTERN_ENTRY ->
                List.of(
                        layers,
                        heads,
                        TargetAxis.positions("destination", positions),
                        TargetAxis.keys("source", positions));
        };
    }

    private final class Patching implements Sweep {
        private final MadeFor madeFor;
        private final PatchingDirection direction;
        /** The chosen ones, unless all positions are patched together. */
        private final @Nullable PositionAxis positions;

        private final List<Site> sites = sites();
        /** All axes but that of the sites. */
        private final List<TargetAxis> targetAxes;

        private final List<Axis> axes;

        Patching(Gpt2Config config, PatchingDirection direction, @Nullable PositionAxis positions) {
            this.madeFor = positions == null ? new MadeFor(config) : new MadeFor(config, positions.pairs());
            this.direction = direction;
            this.positions = positions;
            targetAxes = ActivationPatch.this.axes(config, positions);
            List<Axis> all = new ArrayList<>();
            if (sites.size() > 1) {
                all.add(new Axis(
                        "activation", sites.stream().map(Site::shortName).toList()));
            }
            all.addAll(TargetAxis.axes(targetAxes));
            axes = List.copyOf(all);
        }

        @Override
        public String title() {
            return "Activation patching, " + ActivationPatch.this + ", " + direction;
        }

        @Override
        public List<Axis> axes() {
            return axes;
        }

        @Override
        public Side base() {
            return direction.base();
        }

        @Override
        public void requireMadeFor(PairRuns runs) {
            madeFor.require(title(), runs);
        }

        @Override
        public CellEdits edits(PairRuns runs, int group) {
            return (cell, pair) -> {
                int[] index = Axis.index(axes, cell);
                Site site = sites.size() > 1 ? sites.get(index[0]) : sites.getFirst();
                int[] rest = sites.size() > 1 ? Arrays.copyOfRange(index, 1, index.length) : index;
                PromptPair prompts = runs.pairs().get(pair);
                if (!changesAnything(rest, pair, prompts)) {
                    return List.of();
                }
                Target target = TargetAxis.narrow(Target.of(site), targetAxes, rest, pair);
                if (positions == null) {
                    target = target.positions(prompts.changedPositions());
                }
                return List.of(Intervention.patch(target, runs.recorded(direction.source(), site)));
            };
        }

        /**
         * Returns whether a patch can change a value. Before the prompts differ their runs have the same bits, and no
         * query sees a later key.
         */
        private boolean changesAnything(int[] index, int pair, PromptPair prompts) {
            if (positions == null) {
                return prompts.firstDifference() < prompts.length();
            }
            int query = positions.at(index[form.positionAxis], pair);
            return query >= prompts.firstDifference()
                    && (form != Form.PATTERN_ENTRY || positions.at(index[form.positionAxis + 1], pair) <= query);
        }
    }
}
