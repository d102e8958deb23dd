package dev.hyaline.analysis.causal;

import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.graph.Receiver;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.run.BaseRun;
import dev.hyaline.instrument.run.RerunResult;
import dev.hyaline.instrument.run.SequenceEdit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * Path patching (Goldowsky-Dill et al. 2023; Wang et al. 2022), exactly: a run with only the senders patched, in which
 * every node but the mediators keeps its output, gives what the receivers would read; then the base run is taken up
 * with the receivers reading that. Both are runs of the real model, LayerNorm included; nothing is linearised.
 */
public final class PathPatching implements Sweep {
    /**
     * One way of influence.
     *
     * @param senders nodes that have the other run's output
     * @param receivers where the change is read
     * @param through mediators: nodes that may pass the change on; none for the direct path
     */
    public record Paths(Set<Node> senders, Set<Receiver> receivers, Set<Node> through) {
        public Paths {
            senders = Set.copyOf(senders);
            receivers = Set.copyOf(receivers);
            through = Set.copyOf(through);
            if (senders.isEmpty() || receivers.isEmpty()) {
                throw new BadInputException("a path needs a sender and a receiver");
            }
            for (Receiver receiver : receivers) {
                if (senders.stream().noneMatch(sender -> sender.isBefore(receiver.node()))) {
                    throw new BadInputException(
                            "no path leads from " + senders + " to " + receiver + ", which is computed no later");
                }
            }
        }

        static Paths of(Edge edge) {
            return new Paths(Set.of(edge.sender()), Set.of(edge.receiver()), Set.of());
        }
    }

    private final MadeFor madeFor;
    private final PatchingDirection direction;
    private final String title;
    private final List<Axis> axes;
    /** By cell. */
    private final List<Paths> paths;
    /** Cells whose senders and mediators are the same, which share the run that gives their receivers' inputs. */
    private final List<int[]> groups;

    private PathPatching(
            Gpt2Config config, PatchingDirection direction, String title, List<Axis> axes, List<Paths> paths) {
        this.madeFor = new MadeFor(config);
        this.direction = direction;
        this.title = title;
        this.axes = axes;
        this.paths = paths;
        record Shared(Set<Node> senders, Set<Node> through) {}
        Map<Shared, List<Integer>> shared = new LinkedHashMap<>();
        for (int cell = 0; cell < paths.size(); cell++) {
            Paths of = paths.get(cell);
            shared.computeIfAbsent(new Shared(of.senders, of.through), key -> new ArrayList<>())
                    .add(cell);
        }
        groups = shared.values().stream()
                .map(cells -> cells.stream().mapToInt(Integer::intValue).toArray())
                .toList();
    }

    /** Patches edges, one in each cell. */
    public static PathPatching edges(Gpt2Config config, PatchingDirection direction, List<Edge> edges) {
        return new PathPatching(
                config,
                direction,
                "Path patching of edges, " + direction,
                List.of(new Axis("edge", edges.stream().map(Edge::toString).toList())),
                edges.stream().map(Paths::of).toList());
    }

    /** Patches given paths, one in each cell. */
    public static PathPatching paths(Gpt2Config config, PatchingDirection direction, Map<String, Paths> named) {
        return new PathPatching(
                config,
                direction,
                "Path patching, " + direction,
                List.of(new Axis("path", List.copyOf(named.keySet()))),
                List.copyOf(named.values()));
    }

    /**
     * Patches the paths from each head by itself to the same receivers. Heads of later layers than every receiver, from
     * which there is no path, are left out.
     *
     * @param through mediators, of which the sender itself is none
     */
    public static PathPatching heads(
            Gpt2Config config, PatchingDirection direction, Set<Receiver> receivers, Set<Node> through) {
        if (receivers.isEmpty()) {
            throw new BadInputException("a path needs a sender and a receiver");
        }
        List<Paths> paths = new ArrayList<>();
        int layers = (int) IntStream.range(0, config.nLayers())
                .filter(layer ->
                        receivers.stream().allMatch(receiver -> new Node.Head(layer, 0).isBefore(receiver.node())))
                .count();
        if (layers == 0) {
            throw new BadInputException("no head is computed before "
                    + new TreeSet<>(receivers.stream().map(Receiver::toString).toList()));
        }
        for (int layer = 0; layer < layers; layer++) {
            for (int head = 0; head < config.nHeads(); head++) {
                Node sender = new Node.Head(layer, head);
                Set<Node> mediators = new LinkedHashSet<>(through);
                mediators.remove(sender);
                paths.add(new Paths(Set.of(sender), receivers, mediators));
            }
        }
        String to = String.join(
                ", ", new TreeSet<>(receivers.stream().map(Receiver::toString).toList()));
        String by = through.isEmpty()
                ? "directly"
                : "through "
                        + String.join(
                                ", ",
                                new TreeSet<>(
                                        through.stream().map(Node::toString).toList()));
        return new PathPatching(
                config,
                direction,
                "Path patching, " + direction + ", each head to " + to + " " + by,
                List.of(Axis.layers(layers), Axis.heads(config.nHeads())),
                paths);
    }

    private static String describe(Iterable<Paths> paths) {
        List<String> words = new ArrayList<>();
        for (Paths path : paths) {
            words.add(new TreeSet<>(path.senders.stream().map(Node::toString).toList()) + "->"
                    + new TreeSet<>(
                            path.receivers.stream().map(Receiver::toString).toList()) + " through "
                    + new TreeSet<>(path.through.stream().map(Node::toString).toList()));
        }
        return words.toString();
    }

    /**
     * A table of edges as senders by receivers; what is no edge is NaN.
     *
     * @param edges in the order of the table's cells
     */
    public static ResultTable matrix(ResultTable table, List<Edge> edges) {
        List<String> senders =
                edges.stream().map(edge -> edge.sender().toString()).distinct().toList();
        List<String> receivers = edges.stream()
                .map(edge -> edge.receiver().toString())
                .distinct()
                .toList();
        int samples = table.samples().size();
        double[] values = new double[senders.size() * receivers.size() * samples];
        Arrays.fill(values, Double.NaN);
        for (int cell = 0; cell < edges.size(); cell++) {
            int row = senders.indexOf(edges.get(cell).sender().toString());
            int column = receivers.indexOf(edges.get(cell).receiver().toString());
            System.arraycopy(table.values(cell), 0, values, (row * receivers.size() + column) * samples, samples);
        }
        ResultTable plain = ResultTable.of(
                        table.title(),
                        table.quantity(),
                        table.unit(),
                        List.of(new Axis("sender", senders), new Axis("receiver", receivers)),
                        table.samples(),
                        values)
                .from(table.origin())
                .ofSamples(table.sampleKind());
        ResultTable matrix =
                table.neutral().isPresent() ? plain.neutralAt(table.neutral().getAsDouble()) : plain;
        ResultTable compared = matrix.changedFrom(
                Baselines.NAME,
                IntStream.range(0, samples)
                        .mapToDouble(sample -> table.reference(0, sample))
                        .toArray());
        return table.units().map(compared::ofUnits).orElse(compared);
    }

    @Override
    public String title() {
        return title;
    }

    @Override
    public String key() {
        return title + " " + describe(paths);
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
    public int groups() {
        return groups.size();
    }

    @Override
    public IntStream cells(int group) {
        return Arrays.stream(group(group));
    }

    private int[] group(int group) {
        if (group < 0 || group >= groups.size()) {
            throw new BadInputException("the sweep '" + title + "' has no group " + group + ": groups run from 0 to "
                    + (groups.size() - 1));
        }
        return groups.get(group);
    }

    private Paths path(int cell) {
        Axis.index(axes, cell); // refuses a cell that there is not
        return paths.get(cell);
    }

    @Override
    public void requireMadeFor(PairRuns runs) {
        madeFor.require(title, runs);
    }

    @Override
    public CellEdits edits(PairRuns runs, int group) {
        ActivationSource inputs = new ReceiverInputs(runs.run(direction.base()), receiverInputs(runs, group(group)));
        return (cell, pair) -> {
            Paths asked = path(cell);
            PromptPair prompts = runs.pairs().get(pair);
            if (!differ(prompts)) {
                return List.of();
            }
            return asked.receivers.stream()
                    .map(receiver -> receiver.input(runs.config()).positions(prompts.changedPositions()))
                    .map(input -> Intervention.patch(input, inputs))
                    .toList();
        };
    }

    /**
     * The residual stream of every pair where the receivers of some cells read it, with the cells' senders patched and
     * all other nodes but the mediators as in the base run.
     */
    private List<RerunResult> receiverInputs(PairRuns runs, int[] cells) {
        Set<HookPoint> read = new TreeSet<>();
        for (int cell : cells) {
            paths.get(cell).receivers.forEach(receiver -> read.add(receiver.residual(runs.config())));
        }
        Paths first = paths.get(cells[0]);
        List<SequenceEdit> edits = IntStream.range(0, runs.pairs().size())
                .mapToObj(pair -> new SequenceEdit(
                        pair, Interventions.of(hybrid(runs, first, runs.pairs().get(pair)))))
                .toList();
        return runs.run(direction.base())
                .rerun(edits)
                .logits(LogitSelection.none())
                .reading(Capture.of(List.copyOf(read)))
                .results();
    }

    /** Patches the senders from the other run, and later nodes but the mediators from the base run. */
    private List<Intervention> hybrid(PairRuns runs, Paths path, PromptPair prompts) {
        if (!differ(prompts)) {
            return List.of();
        }
        BaseRun source = runs.run(direction.source());
        BaseRun base = runs.run(direction.base());
        IndexSelection changed = prompts.changedPositions();
        List<Intervention> interventions = new ArrayList<>();
        for (Node sender : path.senders) {
            interventions.add(Intervention.patch(sender.output().positions(changed), source));
        }
        for (int layer = 0; layer < runs.config().nLayers(); layer++) {
            int of = layer;
            int[] kept = IntStream.range(0, runs.config().nHeads())
                    .filter(head -> isKept(path, new Node.Head(of, head)))
                    .toArray();
            if (kept.length > 0) {
                interventions.add(
                        Intervention.patch(Target.of(Site.Z, layer).heads(kept).positions(changed), base));
            }
            Node mlp = new Node.Mlp(layer);
            if (isKept(path, mlp)) {
                interventions.add(Intervention.patch(mlp.output().positions(changed), base));
            }
        }
        return interventions;
    }

    /** Returns whether a node that the senders can change is to stay as it was. */
    private static boolean isKept(Paths path, Node node) {
        return path.senders.stream().anyMatch(sender -> sender.isBefore(node))
                && !path.senders.contains(node)
                && !path.through.contains(node);
    }

    private static boolean differ(PromptPair prompts) {
        return prompts.firstDifference() < prompts.length();
    }

    @Override
    public String toString() {
        return title + ", over " + axes.stream().map(Axis::name).toList();
    }
}
