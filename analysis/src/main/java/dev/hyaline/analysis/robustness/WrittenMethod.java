package dev.hyaline.analysis.robustness;

import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.AblationSweep;
import dev.hyaline.analysis.causal.AblationSweep.Along;
import dev.hyaline.analysis.causal.ActivationPatch;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.Interactions;
import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.causal.PathPatching;
import dev.hyaline.analysis.causal.PositionAxis;
import dev.hyaline.analysis.causal.ShapleyValues;
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
 *
 * @param length of every prompt, if the table is by position; 0 of others
 * @param roles that all pairs have at one position, by position
 * @param ablated what ablation puts in place; null if the method does not ablate
 * @param untold what the title does not say
 */
record WrittenMethod(
        String title,
        List<Axis> axes,
        int length,
        Map<Integer, String> roles,
        @Nullable Ablation ablated,
        Untold untold)
        implements Method {
    private static final String ABLATION = "Ablation (";
    private static final String PATCHING = "Activation patching, ";
    private static final String EDGES = "Path patching of edges, ";
    private static final String PATHS = "Path patching, ";
    private static final String ATTRIBUTION = "Direct logit attribution ";
    private static final String LENS = "Logit lens";
    private static final String INTERACTIONS = "Interactions, ablation (";
    private static final String SHAPLEY = "Shapley values, ablation (";
    private static final String SHAPLEY_INTERACTIONS = "Shapley interactions, ablation (";

    /**
     * What a title does not say.
     *
     * @param processed whether attribution is of processed weights
     * @param role whose position attribution is at
     * @param alone whether all heads but the components of Shapley values are ablated throughout
     */
    record Untold(boolean processed, String role, boolean alone) {}

    WrittenMethod {
        axes = List.copyOf(axes);
        roles = Map.copyOf(roles);
    }

    /**
     * The methods that may have made a table.
     *
     * @throws BadInputException if none did, or the table is by position and the pairs are not of one length
     */
    static List<WrittenMethod> of(String file, String title, List<Axis> axes, PromptPairs pairs) {
        List<String> prefixes = List.of(
                ABLATION, PATCHING, EDGES, PATHS, ATTRIBUTION, LENS, INTERACTIONS, SHAPLEY, SHAPLEY_INTERACTIONS);
        if (prefixes.stream().noneMatch(title::startsWith)) {
            throw new BadInputException(file + ": '" + title + "' cannot be repeated under variations; expected "
                    + WrittenFinding.EXPECTED);
        }
        boolean byPosition = axes.stream().anyMatch(WrittenMethod::isPosition);
        int length = byPosition ? pairs.commonLength() : 0;
        int opening = title.indexOf("ablation (");
        Ablation ablation = opening >= 0 || title.startsWith(ABLATION) ? ablation(file, title) : null;
        List<Untold> possible = new ArrayList<>();
        if (title.startsWith(ATTRIBUTION)) {
            List<String> roles = new ArrayList<>(List.of(PromptPair.END));
            pairs.roles().stream().filter(role -> !role.equals(PromptPair.END)).forEach(roles::add);
            roles.forEach(role -> {
                possible.add(new Untold(true, role, false));
                possible.add(new Untold(false, role, false));
            });
        } else {
            possible.add(new Untold(false, PromptPair.END, false));
            if (isShapley(title)) {
                possible.add(new Untold(false, PromptPair.END, true));
            }
        }
        Map<Integer, String> roles = byPosition ? roles(pairs) : Map.of();
        return possible.stream()
                .map(untold -> new WrittenMethod(title, axes, length, roles, ablation, untold))
                .toList();
    }

    private static boolean isShapley(String title) {
        return title.startsWith(SHAPLEY) || title.startsWith(SHAPLEY_INTERACTIONS);
    }

    /** The roles that all pairs have at one position. */
    private static Map<Integer, String> roles(PromptPairs pairs) {
        Map<Integer, String> roles = new LinkedHashMap<>();
        for (String role : pairs.roles()) {
            int[] positions = pairs.list().stream()
                    .mapToInt(pair -> pair.position(role))
                    .distinct()
                    .toArray();
            if (positions.length == 1) {
                roles.putIfAbsent(positions[0], role);
            }
        }
        return roles;
    }

    private static Ablation ablation(String file, String title) {
        int end = title.startsWith(ABLATION) ? title.lastIndexOf(") of ") : title.length() - 1;
        String kind = title.substring(title.indexOf('(') + 1, end);
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
    public Ablation ablation() {
        return ablated == null ? Method.super.ablation() : ablated;
    }

    @Override
    public Optional<Method> with(Ablation other) {
        return ablated == null
                ? Optional.empty()
                : Optional.of(new WrittenMethod(title, axes, length, roles, other, untold));
    }

    /** Returns whether every cell is one head's output at all positions together. */
    boolean ablatesHeads() {
        return ablated != null
                && title.startsWith(ABLATION)
                && title.endsWith(") of z")
                && axes.stream().map(Axis::name).toList().equals(List.of("layer", "head"));
    }

    @Override
    public boolean ignoresMetric() {
        return title.startsWith(ATTRIBUTION);
    }

    @Override
    public Finding run(Subject subject) {
        if (title.startsWith(ATTRIBUTION) && axes.stream().anyMatch(WrittenMethod::isPosition)) {
            return attributionByPosition(subject);
        }
        ResultTable table = table(subject);
        int sign = title.startsWith(ABLATION) || title.contains(", " + PatchingDirection.NOISING) ? -1 : 1;
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

    /** Returns whether a table is one of edges as senders by receivers. */
    static boolean isMatrixOfEdges(String title, List<Axis> axes) {
        return title.startsWith(EDGES) && axes.size() == 2;
    }

    /** The edges of cells of such a table. */
    static Axis edges(List<Axis> axes, List<Integer> cells) {
        return new Axis(
                "edge",
                cells.stream()
                        .map(cell -> Axis.index(axes, cell))
                        .map(index -> axes.get(0).labels().get(index[0]) + "->"
                                + axes.get(1).labels().get(index[1]))
                        .toList());
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
        if (indexed && words.equals(label)) {
            words = roles.getOrDefault(Integer.parseInt(label), "");
        }
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
            return attributed(subject, model -> attribution(model, subject.pairs()));
        }
        Experiment experiment = Experiment.start(subject.model(), subject.pairs(), subject.metric());
        if (title.startsWith(INTERACTIONS)) {
            return Interactions.measure(experiment, ablation(), sets(experiment.config(), sidesOfPairs()));
        }
        if (isShapley(title)) {
            return shapley(experiment, subject.seed());
        }
        return experiment.sweep(sweep(subject)).table();
    }

    private ResultTable shapley(Experiment experiment, long seed) {
        boolean single = title.startsWith(SHAPLEY);
        Gpt2Config config = experiment.config();
        List<String> players = single ? axes.getFirst().labels() : sidesOfPairs();
        List<Node> besides = untold.alone
                ? Node.headsBesides(
                        config,
                        players.stream()
                                .map(name -> Node.parseSet(config, name))
                                .toList())
                : List.of();
        ShapleyValues values =
                ShapleyValues.measure(experiment, ablation(), sets(config, players), outputs(besides), seed);
        return single || values.interactions() == null ? values.values() : values.interactions();
    }

    /** The names of the sets of which the cells are pairs, {@code A x B}. */
    private List<String> sidesOfPairs() {
        return axes.getFirst().labels().stream()
                .flatMap(label -> Arrays.stream(label.split(" x ", -1)))
                .distinct()
                .toList();
    }

    private interface Attributed<T> {
        T on(Gpt2 model);
    }

    /** Attributes on the model, its weights processed if the table's were. */
    private <T> T attributed(Subject subject, Attributed<T> attributed) {
        if (!untold.processed) {
            return attributed.on(subject.model());
        }
        try (Gpt2 model = Gpt2.of(
                WeightProcessing.processWeights(subject.model().weights()),
                subject.model().threads())) {
            return attributed.on(model);
        }
    }

    /** By the positions of the table, prompts of each length by themselves. */
    private Finding attributionByPosition(Subject subject) {
        int cells = axes.stream().mapToInt(Axis::size).reduce(1, Math::multiplyExact);
        List<String> components = IntStream.range(0, cells)
                .mapToObj(cell -> component(axes, cell))
                .toList();
        double[][] effects = new double[cells][subject.pairs().size()];
        Map<Integer, List<Integer>> byLength = IntStream.range(
                        0, subject.pairs().size())
                .boxed()
                .collect(Collectors.groupingBy(pair -> subject.pairs().get(pair).length()));
        return attributed(subject, model -> {
            for (List<Integer> some : byLength.values()) {
                PromptPairs pairs = PromptPairs.of(
                        model.config(),
                        some.stream().map(pair -> subject.pairs().get(pair)).toList());
                ResultTable table = DirectLogitAttribution.of(model, pairs, untold.role)
                        .byPosition()
                        .table();
                for (int cell = 0; cell < cells; cell++) {
                    int[] index = Axis.index(axes, cell);
                    String label = axes.get(2).labels().get(index[2]);
                    for (int i = 0; i < some.size(); i++) {
                        int position = position(label, pairs.get(i));
                        effects[cell][some.get(i)] =
                                position < 0 ? 0 : table.values(table.cell(index[0], index[1], position))[i];
                    }
                }
            }
            return new Finding(components, effects, null);
        });
    }

    private ResultTable attribution(Gpt2 model, PromptPairs pairs) {
        DirectLogitAttribution attribution = DirectLogitAttribution.of(model, pairs, untold.role);
        return switch (title.substring(ATTRIBUTION.length())) {
            case "by head" -> attribution.byHead().table();
            case "by layer" -> attribution.byLayer().table();
            case "along the residual stream" -> attribution.alongTheStream().table();
            default -> attribution.byNeuron().table();
        };
    }

    private Sweep sweep(Subject subject) {
        Gpt2Config config = subject.model().config();
        if (title.startsWith(ABLATION)) {
            return ablationSweep(config, subject.pairs());
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

    private AblationSweep ablationSweep(Gpt2Config config, PromptPairs pairs) {
        String name = title.substring(title.lastIndexOf(") of ") + ") of ".length());
        if (axes.getFirst().name().equals("set")) {
            return AblationSweep.ofSets(
                    config, ablation(), sets(config, axes.getFirst().labels()));
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
        return AblationSweep.of(config, ablation(), site, along);
    }

    private static Map<String, List<Target>> sets(Gpt2Config config, List<String> names) {
        Map<String, List<Target>> sets = new LinkedHashMap<>();
        names.forEach(name -> sets.put(name, outputs(Node.parseSet(config, name))));
        return sets;
    }

    private static List<Target> outputs(List<Node> nodes) {
        return nodes.stream().map(Node::output).toList();
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
