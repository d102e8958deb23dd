package dev.hyaline.analysis.causal;

import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.Intervention;
import dev.hyaline.instrument.Target;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

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

    private enum Form {
        LAYER_POSITION,
        HEAD,
        HEAD_BY_POSITION,
        PATTERN_BY_QUERY,
        PATTERN_ENTRY
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

    /** Whether cells are by position. */
    public boolean byPosition() {
        return form != Form.HEAD;
    }

    /** The sweep over every layer, and every head and position where the name says so. */
    public Sweep sweep(Experiment experiment, PatchingDirection direction, PositionAxis positions) {
        return new Patching(experiment, direction, positions);
    }

    /**
     * As {@link #sweep(Experiment, PatchingDirection, PositionAxis)}, at every position.
     *
     * @throws BadInputException if positions are needed and the pairs differ in length
     */
    public Sweep sweep(Experiment experiment, PatchingDirection direction) {
        return new Patching(experiment, direction, byPosition() ? PositionAxis.all(experiment.pairs()) : null);
    }

    private final class Patching implements Sweep {
        private final Experiment experiment;
        private final PatchingDirection direction;
        private final PositionAxis positions;
        private final List<Site> sites = sites();
        private final List<Axis> axes;

        Patching(Experiment experiment, PatchingDirection direction, PositionAxis positions) {
            this.experiment = experiment;
            this.direction = direction;
            this.positions = positions;
            this.axes = axes();
        }

        @Override
        public String title() {
            return "Activation patching, " + ActivationPatch.this + ", " + direction;
        }

        @Override
        public List<Axis> axes() {
            if (axes != null) {
                return axes;
            }
            List<Axis> all = new ArrayList<>();
            if (sites.size() > 1) {
                all.add(new Axis(
                        "activation", sites.stream().map(Site::shortName).toList()));
            }
            Axis layers = Axis.layers(experiment.config().nLayers());
            Axis heads = Axis.heads(experiment.config().nHeads());
            all.addAll(
                    switch (form) {
                        case LAYER_POSITION -> List.of(layers, positions.axis());
                        case HEAD -> List.of(layers, heads);
                        case HEAD_BY_POSITION -> List.of(layers, positions.axis(), heads);
                        case PATTERN_BY_QUERY -> List.of(layers, heads, positions.axis());
                        case PATTERN_ENTRY ->
                            List.of(
                                    layers,
                                    heads,
                                    new Axis("destination", positions.axis().labels()),
                                    new Axis("source", positions.axis().labels()));
                    });
            return List.copyOf(all);
        }

        @Override
        public Side base() {
            return direction.base();
        }

        @Override
        public CellEdits edits(int group) {
            return (cell, pair) -> {
                int[] index = Axis.index(axes, cell);
                Site site = sites.size() > 1 ? sites.get(index[0]) : sites.getFirst();
                int[] rest = sites.size() > 1 ? Arrays.copyOfRange(index, 1, index.length) : index;
                return patch(site, rest, pair);
            };
        }

        private List<Intervention> patch(Site site, int[] index, int pair) {
            PromptPair prompts = experiment.pairs().get(pair);
            Target layer = Target.of(site, index[0]);
            return switch (form) {
                case LAYER_POSITION -> at(layer, positions.at(index[1], pair), prompts);
                case HEAD_BY_POSITION -> at(layer.heads(index[2]), positions.at(index[1], pair), prompts);
                case PATTERN_BY_QUERY -> at(layer.heads(index[1]), positions.at(index[2], pair), prompts);
                case PATTERN_ENTRY -> {
                    int query = positions.at(index[2], pair);
                    int key = positions.at(index[3], pair);
                    yield key > query ? List.of() : at(layer.heads(index[1]).components(key), query, prompts);
                }
                case HEAD -> fromTheFirstDifference(layer.heads(index[1]), prompts);
            };
        }

        /** Before the prompts differ their runs have the same bits, and nothing is to be patched. */
        private List<Intervention> at(Target target, int position, PromptPair prompts) {
            return position < prompts.firstDifference() ? List.of() : List.of(patch(target.positions(position)));
        }

        private List<Intervention> fromTheFirstDifference(Target target, PromptPair prompts) {
            int first = prompts.firstDifference();
            return first == prompts.length()
                    ? List.of()
                    : List.of(patch(target.positions(IndexSelection.of(
                            IntStream.range(first, prompts.length()).toArray()))));
        }

        private Intervention patch(Target target) {
            return Intervention.patch(target, experiment.recorded(direction.source(), target.site()));
        }
    }
}
