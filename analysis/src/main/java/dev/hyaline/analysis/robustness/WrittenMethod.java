package dev.hyaline.analysis.robustness;

import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.AblationSweep;
import dev.hyaline.analysis.causal.AblationSweep.Along;
import dev.hyaline.analysis.causal.ActivationPatch;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.causal.PathPatching;
import dev.hyaline.analysis.causal.PositionAxis;
import dev.hyaline.analysis.causal.Sweep;
import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.graph.Receiver;
import dev.hyaline.analysis.lens.DirectLogitAttribution;
import dev.hyaline.analysis.lens.LogitLens;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.sanity.Finding;
import dev.hyaline.analysis.sanity.Method;
import dev.hyaline.analysis.sanity.Subject;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.HookPoints;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.weights.WeightProcessing;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The method that made a table, known by the table's title and axes. Its components are the table's cells. A position
 * that a role names is that role's in any prompts, another one as far from the end; an effect at a position that a
 * prompt does not have is 0.
 */
final class WrittenMethod implements Method {
    private static final String ABLATION = "Ablation (";
    private static final String PATCHING = "Activation patching, ";
    private static final String EDGES = "Path patching of edges, ";
    private static final String PATHS = "Path patching, ";
    private static final String ATTRIBUTION = "Direct logit attribution ";
    private static final String LENS = "Logit lens";

    private final String title;
    private final List<Axis> axes;
    /** Of every prompt, if the table is by position. */
    private final int length;

    private final @Nullable Ablation ablation;
    private final boolean processed;

    private WrittenMethod(String title, List<Axis> axes, int length, @Nullable Ablation ablation, boolean processed) {
        this.title = title;
        this.axes = axes;
        this.length = length;
        this.ablation = ablation;
        this.processed = processed;
    }

    /**
     * The methods that may have made a table: attribution is of processed weights or of the weights as they are.
     *
     * @throws BadInputException if none did, or the table is by position and the pairs are not of one length
     */
    static List<WrittenMethod> of(String file, String title, List<Axis> axes, PromptPairs pairs) {
        boolean known = title.startsWith(ABLATION)
                || title.startsWith(PATCHING)
                || title.startsWith(EDGES)
                || title.startsWith(PATHS)
                || title.startsWith(ATTRIBUTION)
                || title.equals(LENS);
        boolean byPosition = axes.stream().anyMatch(WrittenMethod::isPosition);
        if (!known || (byPosition && title.startsWith(ATTRIBUTION))) {
            throw new BadInputException(file + ": '" + title
                    + "' cannot be repeated under variations; expected a table of ablate, patch, attribute or lens");
        }
        int length = byPosition ? pairs.commonLength() : 0;
        Ablation ablation = title.startsWith(ABLATION) ? ablation(file, title) : null;
        WrittenMethod method = new WrittenMethod(title, axes, length, ablation, false);
        return title.startsWith(ATTRIBUTION)
                ? List.of(new WrittenMethod(title, axes, length, null, true), method)
                : List.of(method);
    }

    private static Ablation ablation(String file, String title) {
        String kind = title.substring(ABLATION.length(), title.lastIndexOf(") of "));
        if (kind.startsWith("resample, seed ")) {
            return Ablation.resample(Long.parseLong(kind.substring("resample, seed ".length())));
        }
        if (kind.startsWith("noise of deviation ")) {
            String[] words = kind.substring("noise of deviation ".length()).split(", seed ", 2);
            return Ablation.noise(Float.parseFloat(words[0]), Long.parseLong(words[1]));
        }
        for (Ablation ablation :
                List.of(Ablation.zero(), Ablation.mean(), Ablation.meanByPosition(), Ablation.counterfactual())) {
            if (ablation.description().equals(kind)) {
                return ablation;
            }
        }
        throw new BadInputException(file + ": an ablation by '" + kind + "' cannot be repeated");
    }

    private static boolean isPosition(Axis axis) {
        return Set.of(Axis.POSITION, "destination", "source").contains(axis.name());
    }

    @Override
    public String title() {
        return title;
    }

    @Override
    public Ablation ablation() {
        return ablation == null ? Method.super.ablation() : ablation;
    }

    @Override
    public Optional<Method> with(Ablation other) {
        return ablation == null
                ? Optional.empty()
                : Optional.of(new WrittenMethod(title, axes, length, other, processed));
    }

    /** Returns whether every cell is one head's output at all positions together. */
    boolean ablatesHeads() {
        return ablation != null
                && title.endsWith(") of z")
                && axes.stream().map(Axis::name).toList().equals(List.of("layer", "head"));
    }

    @Override
    public boolean ignoresMetric() {
        return title.startsWith(ATTRIBUTION);
    }

    @Override
    public Finding run(Subject subject) {
        ResultTable table = table(subject);
        int sign = ablation != null || title.contains(", " + PatchingDirection.NOISING) ? -1 : 1;
        List<String> components = new ArrayList<>();
        List<double[]> effects = new ArrayList<>();
        for (int cell = 0; cell < table.cells(); cell++) {
            double[] values = table.values(cell);
            for (int pair = 0; pair < values.length; pair++) {
                values[pair] = isThere(table, cell, subject.pairs().get(pair))
                        ? sign * (values[pair] - table.reference(cell, pair))
                        : 0;
            }
            components.add(component(table.axes(), cell));
            effects.add(values);
        }
        return new Finding(components, effects.toArray(double[][]::new), null);
    }

    /** The name of a cell: {@code a1.h3} of heads, else the labels of all axes. */
    static String component(List<Axis> axes, int cell) {
        int[] index = Axis.index(axes, cell);
        List<String> names = axes.stream().map(Axis::name).toList();
        List<String> labels = IntStream.range(0, index.length)
                .mapToObj(axis -> axes.get(axis).labels().get(index[axis]))
                .toList();
        if (names.equals(List.of("layer", "head"))) {
            return "a" + labels.get(0) + ".h" + labels.get(1);
        }
        return IntStream.range(0, index.length)
                .mapToObj(axis -> names.get(axis) + " " + labels.get(axis))
                .collect(Collectors.joining(", "));
    }

    private boolean isThere(ResultTable table, int cell, PromptPair pair) {
        int[] index = table.index(cell);
        for (int axis = 0; axis < index.length; axis++) {
            if (isPosition(axes.get(axis)) && position(axes.get(axis).labels().get(index[axis]), pair) < 0) {
                return false;
            }
        }
        return true;
    }

    /** A labelled position in a pair; below 0 if it has none. */
    private int position(String label, PromptPair pair) {
        boolean indexed = Character.isDigit(label.charAt(0));
        String words = indexed ? label.substring(label.indexOf(' ') + 1) : label;
        for (String role : words.split("/", -1)) {
            if (role.equals(PromptPair.END) || pair.roles().containsKey(role)) {
                return pair.position(role);
            }
        }
        if (!indexed) {
            return -1;
        }
        int at = Integer.parseInt(label.split(" ", 2)[0]);
        return pair.length() - (length - at);
    }

    private ResultTable table(Subject subject) {
        if (title.equals(LENS)) {
            return LogitLens.of(subject.model()).measure(subject.pairs(), subject.metric());
        }
        if (title.startsWith(ATTRIBUTION)) {
            return attribution(subject);
        }
        return Experiment.start(subject.model(), subject.pairs(), subject.metric())
                .sweep(sweep(subject))
                .table();
    }

    private ResultTable attribution(Subject subject) {
        if (!processed) {
            return attribution(subject.model(), subject.pairs());
        }
        try (Gpt2 model = Gpt2.of(
                WeightProcessing.processWeights(subject.model().weights()),
                subject.model().threads())) {
            return attribution(model, subject.pairs());
        }
    }

    private ResultTable attribution(Gpt2 model, PromptPairs pairs) {
        DirectLogitAttribution attribution = DirectLogitAttribution.of(model, pairs, PromptPair.END);
        return switch (title.substring(ATTRIBUTION.length())) {
            case "by head" -> attribution.byHead().table();
            case "by layer" -> attribution.byLayer().table();
            case "along the residual stream" -> attribution.alongTheStream().table();
            default -> attribution.byNeuron().table();
        };
    }

    private Sweep sweep(Subject subject) {
        Gpt2Config config = subject.model().config();
        if (ablation != null) {
            return ablationSweep(config, subject.pairs(), ablation);
        }
        PatchingDirection direction = title.contains(", " + PatchingDirection.NOISING)
                ? PatchingDirection.NOISING
                : PatchingDirection.DENOISING;
        if (title.startsWith(EDGES)) {
            return PathPatching.edges(
                    config,
                    direction,
                    axes.getFirst().labels().stream()
                            .map(edge -> Edge.parse(config, edge))
                            .toList());
        }
        if (title.startsWith(PATHS)) {
            return paths(config, direction);
        }
        String name = title.substring(PATCHING.length(), title.lastIndexOf(", "));
        ActivationPatch patch = Arrays.stream(ActivationPatch.values())
                .filter(known -> known.toString().equals(name))
                .findFirst()
                .orElseThrow(() -> new BadInputException("no activations are called '" + name + "'"));
        return patch.byPosition()
                ? patch.sweep(config, direction, positions(subject.pairs()))
                : patch.sweep(config, direction, subject.pairs());
    }

    private PathPatching paths(Gpt2Config config, PatchingDirection direction) {
        String words = title.substring(title.indexOf("each head to ") + "each head to ".length());
        String[] parts = words.endsWith(" directly")
                ? new String[] {words.substring(0, words.length() - " directly".length())}
                : words.split(" through ", 2);
        Set<Receiver> receivers = Arrays.stream(parts[0].split(", ", -1))
                .map(name -> Receiver.parse(config, name))
                .collect(Collectors.toSet());
        Set<Node> through = parts.length == 1
                ? Set.of()
                : Arrays.stream(parts[1].split(", ", -1))
                        .map(name -> Node.parse(config, name))
                        .collect(Collectors.toSet());
        return PathPatching.heads(config, direction, receivers, through);
    }

    private AblationSweep ablationSweep(Gpt2Config config, PromptPairs pairs, Ablation by) {
        String name = title.substring(title.lastIndexOf(") of ") + ") of ".length());
        if (axes.getFirst().name().equals("set")) {
            Map<String, List<Target>> sets = new LinkedHashMap<>();
            for (String set : axes.getFirst().labels()) {
                sets.put(
                        set,
                        Arrays.stream(set.split("\\+", -1))
                                .map(node -> Node.parse(config, node.strip()).output())
                                .toList());
            }
            return AblationSweep.ofSets(config, by, sets);
        }
        Site site = HookPoints.select(config, name).getFirst().site();
        Along along =
                axes.stream().anyMatch(axis -> axis.name().equals("head")) ? Along.everyHead() : Along.everyLayer();
        for (Axis axis : axes) {
            along = switch (axis.name()) {
                case "layer" -> along.inLayers(indices(axis));
                case "neuron", "component" -> along.components(indices(axis));
                case Axis.POSITION -> along.positions(positions(pairs));
                default -> along;
            };
        }
        return AblationSweep.of(config, by, site, along);
    }

    private static IndexSelection indices(Axis axis) {
        return IndexSelection.of(
                axis.labels().stream().mapToInt(Integer::parseInt).toArray());
    }

    /** The positions of the table in other pairs; the first where a pair has none. */
    private PositionAxis positions(PromptPairs pairs) {
        Axis axis = axes.stream().filter(WrittenMethod::isPosition).findFirst().orElseThrow();
        int[][] positions = axis.labels().stream()
                .map(label -> pairs.list().stream()
                        .mapToInt(pair -> Math.max(0, position(label, pair)))
                        .toArray())
                .toArray(int[][]::new);
        return PositionAxis.of(pairs, axis.labels(), positions);
    }
}
