package dev.hyaline.analysis.causal;

import dev.hyaline.analysis.table.Axis;
import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.Gpt2Config;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.Target;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** Ablations of the clean run, one a cell: of every step of the chosen axes of a site, or of given sets of places. */
public final class AblationSweep implements Sweep {
    private interface Targets {
        List<Target> of(int[] index, int pair);
    }

    private final String title;
    private final String key;
    private final List<Axis> axes;
    private final Ablation ablation;
    private final Targets targets;

    private AblationSweep(String title, String key, List<Axis> axes, Ablation ablation, Targets targets) {
        this.title = title;
        this.key = key;
        this.axes = List.copyOf(axes);
        this.ablation = ablation;
        this.targets = targets;
    }

    /**
     * Which axes of a site a sweep goes along; an axis that is left out is ablated as a whole.
     *
     * @param layers also where it is left out of the axes
     * @param positions empty to ablate all positions together
     * @param components neurons, or dimensions of the site, to ablate one by one; empty to ablate all together
     */
    public record Along(
            IndexSelection layers,
            boolean heads,
            Optional<PositionAxis> positions,
            Optional<IndexSelection> components) {
        /** Every layer. */
        public static Along everyLayer() {
            return new Along(IndexSelection.all(), false, Optional.empty(), Optional.empty());
        }

        /** Every head of every layer. */
        public static Along everyHead() {
            return new Along(IndexSelection.all(), true, Optional.empty(), Optional.empty());
        }

        public Along inLayers(IndexSelection newLayers) {
            return new Along(newLayers, heads, positions, components);
        }

        public Along positions(PositionAxis newPositions) {
            return new Along(layers, heads, Optional.of(newPositions), components);
        }

        public Along components(IndexSelection newComponents) {
            return new Along(layers, heads, positions, Optional.of(newComponents));
        }
    }

    /**
     * Ablates a site step by step.
     *
     * @throws BadInputException if the site has no such axes
     */
    public static AblationSweep of(Gpt2Config config, Ablation ablation, Site site, Along along) {
        List<Axis> axes = new ArrayList<>();
        List<int[]> steps = new ArrayList<>();
        if (site.perLayer()) {
            add(axes, steps, "layer", along.layers.in(config.nLayers(), "layer"));
        }
        if (along.heads) {
            add(axes, steps, "head", IntStream.range(0, heads(config, site)).toArray());
        }
        along.components.ifPresent(chosen -> {
            String name = site.shape() == Site.Shape.NEURONS ? "neuron" : "component";
            add(axes, steps, name, chosen.in(components(config, site), name));
        });
        along.positions.ifPresent(positions -> {
            axes.add(positions.axis());
            steps.add(new int[0]);
        });
        if (axes.isEmpty()) {
            throw new BadInputException(site.localName() + " has no layers; ablate it by position");
        }
        List<String> names = axes.stream().map(Axis::name).toList();
        String title = "Ablation (" + ablation.description() + ") of " + site.shortName();
        return new AblationSweep(title, title, axes, ablation, (index, pair) -> {
            Target target = Target.of(site);
            for (int a = 0; a < index.length; a++) {
                target = switch (names.get(a)) {
                    case "layer" -> target.layers(steps.get(a)[index[a]]);
                    case "head" -> target.heads(index[a]);
                    case Axis.POSITION ->
                        target.positions(along.positions.orElseThrow().at(index[a], pair));
                    default -> target.components(steps.get(a)[index[a]]);
                };
            }
            return List.of(target);
        });
    }

    /** Ablates sets of places, each set together. */
    public static AblationSweep ofSets(Ablation ablation, Map<String, List<Target>> sets) {
        Map<String, List<Target>> copy = new LinkedHashMap<>(sets);
        List<List<Target>> byCell = List.copyOf(copy.values());
        String title = "Ablation (" + ablation.description() + ") of sets";
        return new AblationSweep(
                title,
                title + " " + copy,
                List.of(new Axis("set", List.copyOf(copy.keySet()))),
                ablation,
                (index, pair) -> byCell.get(index[0]));
    }

    private static void add(List<Axis> axes, List<int[]> steps, String name, int[] indices) {
        axes.add(new Axis(name, Arrays.stream(indices).mapToObj(String::valueOf).toList()));
        steps.add(indices);
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
    public CellEdits edits(int group) {
        return (cell, pair) -> targets.of(Axis.index(axes, cell), pair).stream()
                .map(ablation::of)
                .toList();
    }
}
