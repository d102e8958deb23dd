package dev.hyaline.analysis.causal;

import dev.hyaline.analysis.table.Axis;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.edit.Target;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Ablations of the clean run, one in each cell: of every step of the chosen axes of a site, or of given sets of places.
 */
public final class AblationSweep implements Sweep {
    /** The targets of a cell in a pair. */
    private interface Targets {
        List<Target> of(int cell, int pair);
    }

    private final MadeFor madeFor;
    private final String title;
    private final String key;
    private final List<Axis> axes;
    private final Ablation ablation;
    private final Targets targets;

    private AblationSweep(
            MadeFor madeFor, String title, String key, List<Axis> axes, Ablation ablation, Targets targets) {
        this.madeFor = madeFor;
        this.title = title;
        this.key = key;
        this.axes = List.copyOf(axes);
        this.ablation = ablation;
        this.targets = targets;
    }

    /**
     * The axes of a site that a sweep goes along; an axis that is left out is ablated as a whole. Immutable; each
     * method returns a changed copy.
     */
    public static final class Along {
        private final IndexSelection layers;
        private final boolean heads;
        private final @Nullable PositionAxis positions;
        private final @Nullable IndexSelection components;

        private Along(
                IndexSelection layers,
                boolean heads,
                @Nullable PositionAxis positions,
                @Nullable IndexSelection components) {
            this.layers = layers;
            this.heads = heads;
            this.positions = positions;
            this.components = components;
        }

        /** Every layer. */
        public static Along everyLayer() {
            return new Along(IndexSelection.all(), false, null, null);
        }

        /** Every head of every layer. */
        public static Along everyHead() {
            return new Along(IndexSelection.all(), true, null, null);
        }

        /** Only these layers. */
        public Along inLayers(IndexSelection newLayers) {
            return new Along(newLayers, heads, positions, components);
        }

        /** Position by position, instead of all positions together. */
        public Along positions(PositionAxis newPositions) {
            return new Along(layers, heads, newPositions, components);
        }

        /** One by one these neurons, or dimensions of the site, instead of all together. */
        public Along components(IndexSelection newComponents) {
            return new Along(layers, heads, positions, newComponents);
        }

        @Override
        public String toString() {
            return "layers " + layers + (heads ? ", by head" : "") + (positions == null ? "" : ", by position")
                    + (components == null ? "" : ", components " + components);
        }
    }

    /**
     * Ablates a site step by step.
     *
     * @throws BadInputException if the site has no such axes
     */
    public static AblationSweep of(Gpt2Config config, Ablation ablation, Site site, Along along) {
        List<TargetAxis> axes = new ArrayList<>();
        if (site.perLayer()) {
            axes.add(TargetAxis.layers(along.layers.in(config.nLayers(), "layer")));
        }
        if (along.heads) {
            axes.add(TargetAxis.heads(IntStream.range(0, heads(config, site)).toArray()));
        }
        if (along.components != null) {
            String name = site.shape() == Site.Shape.NEURONS ? "neuron" : "component";
            axes.add(TargetAxis.components(name, along.components.in(components(config, site), name)));
        }
        if (along.positions != null) {
            axes.add(TargetAxis.positions(along.positions));
        }
        if (axes.isEmpty()) {
            throw new BadInputException(site.localName() + " has no layers; ablate it by position");
        }
        String title = "Ablation (" + ablation.description() + ") of " + site.shortName();
        List<Axis> tableAxes = TargetAxis.axes(axes);
        return new AblationSweep(
                along.positions == null ? new MadeFor(config) : new MadeFor(config, along.positions.pairs()),
                title,
                title,
                tableAxes,
                ablation,
                (cell, pair) -> List.of(TargetAxis.narrow(Target.of(site), axes, Axis.index(tableAxes, cell), pair)));
    }

    /** Ablates sets of places, each set together. */
    public static AblationSweep ofSets(Gpt2Config config, Ablation ablation, Map<String, List<Target>> sets) {
        Map<String, List<Target>> copy = new LinkedHashMap<>(sets);
        List<List<Target>> byCell = List.copyOf(copy.values());
        String title = "Ablation (" + ablation.description() + ") of sets";
        List<Axis> axes = List.of(new Axis("set", List.copyOf(copy.keySet())));
        return new AblationSweep(
                new MadeFor(config),
                title,
                title + " " + copy,
                axes,
                ablation,
                (cell, pair) -> byCell.get(Axis.index(axes, cell)[0]));
    }

    private static int heads(Gpt2Config config, Site site) {
        if (!site.shape().byHead()) {
            throw new BadInputException(site.localName() + " has no heads to ablate one by one");
        }
        return config.nHeads();
    }

    private static int components(Gpt2Config config, Site site) {
        return switch (site.shape()) {
            case ATTENTION -> throw new BadInputException(site.localName() + " has no components to ablate one by one");
            case HEADS -> config.dHead();
            case HEAD_RESIDUAL -> config.dModel();
            default -> site.shape().width(config);
        };
    }

    @Override
    public String title() {
        return title;
    }

    @Override
    public String key() {
        return key;
    }

    @Override
    public List<Axis> axes() {
        return axes;
    }

    @Override
    public Side base() {
        return Side.CLEAN;
    }

    @Override
    public void requireMadeFor(PairRuns runs) {
        madeFor.require(title, runs);
    }

    @Override
    public CellEdits edits(PairRuns runs, int group) {
        return (cell, pair) -> targets.of(cell, pair).stream()
                .map(target -> ablation.intervention(target, runs))
                .toList();
    }

    @Override
    public String toString() {
        return title + ", over " + axes.stream().map(Axis::name).toList();
    }
}
