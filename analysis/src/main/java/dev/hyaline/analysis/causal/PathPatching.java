package dev.hyaline.analysis.causal;

import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.graph.Receiver;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.Gpt2Config;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.BaseRun;
import dev.hyaline.instrument.Capture;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.Intervention;
import dev.hyaline.instrument.Interventions;
import dev.hyaline.instrument.RerunResult;
import dev.hyaline.instrument.SequenceEdit;
import dev.hyaline.instrument.Target;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
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

    private final Experiment experiment;
    private final PatchingDirection direction;
    private final String title;
    private final List<Axis> axes;
    /** By cell. */
    private final List<Paths> paths;
    /** Cells whose senders and mediators are the same, which share the run that gives their receivers' inputs. */
    private final List<int[]> groups;

    private PathPatching(
            Experiment experiment, PatchingDirection direction, String title, List<Axis> axes, List<Paths> paths) {
        this.experiment = experiment;
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

    /** Patches edges, one a cell. */
    public static PathPatching edges(Experiment experiment, PatchingDirection direction, List<Edge> edges) {
        return new PathPatching(
                experiment,
                direction,
                "Path patching of edges, " + direction,
                List.of(new Axis("edge", edges.stream().map(Edge::toString).toList())),
                edges.stream().map(Paths::of).toList());
    }

    /** Patches given paths, one a cell. */
    public static PathPatching paths(Experiment experiment, PatchingDirection direction, Map<String, Paths> named) {
        return new PathPatching(
                experiment,
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
            Experiment experiment, PatchingDirection direction, Set<Receiver> receivers, Set<Node> through) {
        Gpt2Config config = experiment.config();
        HookPoint last = receivers.stream()
                .map(receiver -> receiver.node().point())
                .min(Comparator.naturalOrder())
                .orElseThrow(() -> new BadInputException("a path needs a sender and a receiver"));
        List<Paths> paths = new ArrayList<>();
        int layers = (int) IntStream.range(0, config.nLayers())
                .filter(layer -> HookPoint.of(Site.Z, layer).compareTo(last) < 0)
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
                experiment,
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
        ResultTable matrix = ResultTable.of(
                table.title(),
                table.quantity(),
                table.unit(),
                List.of(new Axis("sender", senders), new Axis("receiver", receivers)),
                table.samples(),
                values);
        return table.neutral().isPresent() ? matrix.neutralAt(table.neutral().getAsDouble()) : matrix;
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
        return Arrays.stream(groups.get(group));
    }

    @Override
    public CellEdits edits(int group) {
        int[] cells = groups.get(group);
        ActivationSource inputs = new ReceiverInputs(experiment.run(direction.base()), receiverInputs(cells));
        return (cell, pair) -> {
            if (!differs(pair)) {
                return List.of();
            }
            List<Intervention> interventions = new ArrayList<>();
            for (Receiver receiver : paths.get(cell).receivers) {
                interventions.add(Intervention.patch(changed(receiver.input(experiment.config()), pair), inputs));
            }
            return interventions;
        };
    }

    /**
     * The residual stream of every pair where the receivers of some cells read it, with the cells' senders patched and
     * all other nodes but the mediators as in the base run.
     */
    private List<RerunResult> receiverInputs(int[] cells) {
        Gpt2Config config = experiment.config();
        Set<HookPoint> read = new TreeSet<>();
        for (int cell : cells) {
            paths.get(cell).receivers.forEach(receiver -> read.add(receiver.residual(config)));
        }
        Paths first = paths.get(cells[0]);
        BaseRun base = experiment.run(direction.base());
        List<SequenceEdit> edits = IntStream.range(0, experiment.pairs().size())
                .mapToObj(pair ->
                        new SequenceEdit(pair, Interventions.of(differs(pair) ? hybrid(first, pair) : List.of())))
                .toList();
        return base.resume(edits)
                .logits(LogitSelection.none())
                .reading(new Capture(List.copyOf(read), IndexSelection.all()))
                .results();
    }

    private List<Intervention> hybrid(Paths path, int pair) {
        Gpt2Config config = experiment.config();
        BaseRun source = experiment.run(direction.source());
        BaseRun base = experiment.run(direction.base());
        List<Intervention> interventions = new ArrayList<>();
        HookPoint first = path.senders.stream()
                .map(Node::point)
                .min(Comparator.naturalOrder())
                .orElseThrow();
        for (Node sender : path.senders) {
            interventions.add(Intervention.patch(changed(sender.output(), pair), source));
        }
        for (int layer = 0; layer < config.nLayers(); layer++) {
            int of = layer;
            if (HookPoint.of(Site.Z, layer).compareTo(first) > 0) {
                int[] kept = IntStream.range(0, config.nHeads())
                        .filter(head -> isKept(path, new Node.Head(of, head)))
                        .toArray();
                if (kept.length > 0) {
                    interventions.add(Intervention.patch(
                            changed(Target.of(Site.Z, layer).heads(kept), pair), base));
                }
            }
            Node mlp = new Node.Mlp(layer);
            if (mlp.point().compareTo(first) > 0 && isKept(path, mlp)) {
                interventions.add(Intervention.patch(changed(mlp.output(), pair), base));
            }
        }
        return interventions;
    }

    private static boolean isKept(Paths path, Node node) {
        return !path.senders.contains(node) && !path.through.contains(node);
    }

    private boolean differs(int pair) {
        return experiment.pairs().get(pair).firstDifference()
                < experiment.pairs().get(pair).length();
    }

    /**
     * The positions of a target from the first on at which the prompts differ: before it their runs have the same bits.
     */
    private Target changed(Target target, int pair) {
        int first = experiment.pairs().get(pair).firstDifference();
        int length = experiment.pairs().get(pair).length();
        return target.positions(IndexSelection.of(IntStream.range(first, length).toArray()));
    }
}
