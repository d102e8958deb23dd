package dev.hyaline.explorer.view;

import dev.hyaline.analysis.circuit.AttributionGraph;
import dev.hyaline.analysis.circuit.AttributionGraph.FeatureNode;
import dev.hyaline.analysis.circuit.AttributionGraph.Link;
import dev.hyaline.analysis.circuit.Circuit;
import dev.hyaline.analysis.circuit.CircuitCurve;
import dev.hyaline.analysis.circuit.CircuitPicture;
import dev.hyaline.analysis.circuit.EdgeScores;
import dev.hyaline.analysis.graph.ComputationGraph;
import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.picture.Picture;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.explorer.DataTable;
import dev.hyaline.explorer.DataView;
import dev.hyaline.explorer.Figure;
import dev.hyaline.explorer.HtmlWriter;
import dev.hyaline.explorer.TableCell;
import dev.hyaline.explorer.TableColumn;
import dev.hyaline.explorer.data.DataObject;
import dev.hyaline.explorer.data.ViewData;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.data.ViewToken;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A graph of nodes and weighted edges: the scores of a model's edges with a circuit among them, cut at any threshold
 * beside the faithfulness that was measured there, or a graph of a prompt's features by layer and position.
 */
public final class CircuitView implements DataView {
    /** Edges that are written where no script runs. */
    private static final int SHOWN = 200;

    private final ViewHeading heading;
    private final DataObject data;
    private final List<String> names;
    private final int[] senders;
    private final int[] receivers;
    private final double[] weights;
    private final boolean[] kept;
    private final @Nullable Picture picture;

    private CircuitView(
            ViewHeading heading,
            DataObject data,
            List<String> names,
            int[] senders,
            int[] receivers,
            double[] weights,
            boolean[] kept,
            @Nullable Picture picture) {
        this.heading = heading;
        this.data = data;
        this.names = names;
        this.senders = senders;
        this.receivers = receivers;
        this.weights = weights;
        this.kept = kept;
        this.picture = picture;
    }

    /** Parts of the data that both kinds of graphs have. */
    private static DataObject graph(
            List<DataObject> nodes, int[] senders, int[] receivers, double[] weights, boolean[] kept) {
        byte[] flags = new byte[kept.length];
        for (int e = 0; e < kept.length; e++) {
            flags[e] = (byte) (kept[e] ? 1 : 0);
        }
        return DataObject.empty()
                .withObjects("nodes", nodes)
                .with("senders", senders, senders.length)
                .with("receivers", receivers, receivers.length)
                .with("weights", weights, weights.length)
                .with("kept", flags, flags.length);
    }

    /**
     * The graph of a model with a circuit in it.
     *
     * @param scores of all edges, by which the graph is cut
     * @param curve the faithfulness of circuits of these scores, which were cut by score or by its size
     * @param effects exact effects of the circuit's edges in its order; none if they were not measured
     * @param faithfulness of the circuit; NaN if it was not measured
     * @throws BadShapeException if there are more or fewer effects than edges of the circuit
     */
    public static CircuitView of(
            ViewHeading heading,
            Circuit circuit,
            EdgeScores scores,
            CircuitCurve curve,
            double[] effects,
            double faithfulness) {
        Gpt2Config config = circuit.config();
        List<Edge> edges = new ComputationGraph(config).edges();
        List<Node> all = new ArrayList<>(scores.senders());
        all.add(Node.logits());
        Map<Node, Integer> numbers = new HashMap<>();
        all.forEach(node -> numbers.put(node, numbers.size()));
        if (effects.length > 0 && effects.length != circuit.size()) {
            throw new BadShapeException(
                    "effects of a circuit's edges", circuit.size() + " values", effects.length + " values");
        }
        int[] senders = new int[edges.size()];
        int[] receivers = new int[edges.size()];
        byte[] parts = new byte[edges.size()];
        boolean[] kept = new boolean[edges.size()];
        double[] exact = new double[edges.size()];
        Arrays.fill(exact, Double.NaN);
        int next = 0;
        for (int e = 0; e < senders.length; e++) {
            Edge edge = edges.get(e);
            senders[e] = Objects.requireNonNull(numbers.get(edge.sender()));
            receivers[e] = Objects.requireNonNull(numbers.get(edge.receiver().node()));
            parts[e] = (byte)
                    switch (edge.receiver().part()) {
                        case ALL -> 0;
                        case Q -> 1;
                        case K -> 2;
                        case V -> 3;
                    };
            kept[e] = circuit.contains(edge);
            if (kept[e] && effects.length > 0) {
                exact[e] = effects[next++];
            }
        }
        List<String> names = all.stream().map(Node::toString).toList();
        double[] weights = scores.values();
        List<DataObject> nodes = all.stream().map(node -> node(node, config)).toList();
        AttributionGraph traced = AttributionGraph.of(circuit, scores, heading.title(), heading.model());
        CircuitCurve.Point[] points = curve.points().toArray(CircuitCurve.Point[]::new);
        DataObject data = graph(nodes, senders, receivers, weights, kept)
                .with("positions", false)
                .with("method", scores.method())
                .with("absolute", curve.selection().isAbsolute())
                .with("parts", parts, parts.length)
                .with("effects", exact, exact.length)
                .with(
                        "asked",
                        Arrays.stream(points)
                                .mapToInt(CircuitCurve.Point::asked)
                                .toArray(),
                        points.length)
                .with(
                        "measured",
                        Arrays.stream(points).mapToInt(CircuitCurve.Point::kept).toArray(),
                        points.length)
                .with(
                        "faithfulness",
                        Arrays.stream(points)
                                .mapToDouble(CircuitCurve.Point::faithfulness)
                                .toArray(),
                        points.length)
                .with(
                        "metric",
                        Arrays.stream(points)
                                .mapToDouble(CircuitCurve.Point::metric)
                                .toArray(),
                        points.length)
                .with("full", curve.full())
                .with("empty", curve.empty())
                .with("circuitFaithfulness", faithfulness)
                .with("traced", new String(traced.json(), StandardCharsets.UTF_8));
        return new CircuitView(
                heading,
                data,
                names,
                senders,
                receivers,
                weights,
                kept,
                CircuitPicture.fits(circuit) ? CircuitPicture.of(circuit, scores, heading.title()) : null);
    }

    private static DataObject node(Node node, Gpt2Config config) {
        return switch (node) {
            case Node.InputNode input -> node("input", "input", -1, 0);
            case Node.Head head -> node(node.toString(), "head", 2 * head.layer(), head.head());
            case Node.Mlp mlp -> node(node.toString(), "mlp", 2 * mlp.layer() + 1, 0);
            case Node.LogitsNode logits -> node("logits", "logits", 2 * config.nLayers(), 0);
        };
    }

    /** @param stage the order in which a pass computes it */
    private static DataObject node(String name, String kind, int stage, int column) {
        return DataObject.empty()
                .with("name", name)
                .with("kind", kind)
                .with("stage", stage)
                .with("column", column);
    }

    /** A graph of features, such as one that circuit-tracer wrote. */
    public static CircuitView of(ViewHeading heading, AttributionGraph graph) {
        List<FeatureNode> nodes = graph.nodes();
        Map<String, Integer> numbers = new HashMap<>();
        nodes.forEach(node -> numbers.put(node.id(), numbers.size()));
        List<Link> links = graph.links();
        int[] senders = new int[links.size()];
        int[] receivers = new int[links.size()];
        double[] weights = new double[links.size()];
        for (int e = 0; e < senders.length; e++) {
            senders[e] = Objects.requireNonNull(numbers.get(links.get(e).source()));
            receivers[e] = Objects.requireNonNull(numbers.get(links.get(e).target()));
            weights[e] = links.get(e).weight();
        }
        boolean[] kept = new boolean[links.size()];
        Arrays.fill(kept, true);
        List<DataObject> shown = new ArrayList<>();
        for (FeatureNode node : nodes) {
            Double influence = node.influence();
            Double activation = node.activation();
            shown.add(node(node.id(), kind(node.kind()), stage(node), node.position())
                    .with("label", node.label())
                    .with("pinned", graph.pinned().contains(node.id()))
                    .with("probability", node.probability())
                    .with("influence", influence == null ? Double.NaN : influence)
                    .with("activation", activation == null ? Double.NaN : activation));
        }
        DataObject data = graph(shown, senders, receivers, weights, kept)
                .with("positions", true)
                .with("method", "direct effect")
                .with("absolute", true)
                .withTokens(
                        "tokens",
                        graph.tokens().stream()
                                .map(text -> ViewToken.of(0, text))
                                .toList())
                .with("traced", new String(graph.json(), StandardCharsets.UTF_8));
        return new CircuitView(
                heading,
                data,
                nodes.stream()
                        .map(node -> node.label().isEmpty() ? node.id() : node.label())
                        .toList(),
                senders,
                receivers,
                weights,
                kept,
                null);
    }

    private static String kind(String tracers) {
        return switch (tracers) {
            case AttributionGraph.EMBEDDING -> "input";
            case AttributionGraph.LOGIT -> "logits";
            case AttributionGraph.ERROR -> "error";
            default -> "feature";
        };
    }

    private static int stage(FeatureNode node) {
        return node.layer().matches("\\d{1,6}") ? Integer.parseInt(node.layer()) : -1;
    }

    @Override
    public ViewData data() {
        return new ViewData("circuit", heading, data);
    }

    @Override
    public void write(HtmlWriter html) {
        DataTable table = DataTable.of(
                "Edges",
                TableColumn.text("from", "from"),
                TableColumn.text("to", "to"),
                TableColumn.number("weight", "weight"));
        int[] order = IntStream.range(0, weights.length)
                .filter(e -> kept[e])
                .boxed()
                .sorted(Comparator.comparingDouble(e -> -Math.abs(weights[e])))
                .limit(SHOWN)
                .mapToInt(e -> e)
                .toArray();
        for (int e : order) {
            table = table.row(
                    TableCell.of(names.get(senders[e])),
                    TableCell.of(names.get(receivers[e])),
                    TableCell.of(weights[e]));
        }
        if (picture == null) {
            table.write(html);
        } else {
            new Figure(heading.title() + ".", picture, "Graph of " + heading.title() + ".", table).write(html);
        }
    }

    @Override
    public String toString() {
        return "circuit: " + heading.title();
    }
}
