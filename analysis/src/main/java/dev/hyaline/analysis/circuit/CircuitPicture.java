package dev.hyaline.analysis.circuit;

import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.graph.Receiver.HeadInput;
import dev.hyaline.analysis.picture.Canvas;
import dev.hyaline.analysis.picture.Canvas.Anchor;
import dev.hyaline.analysis.picture.Picture;
import dev.hyaline.analysis.table.ColourScale;
import dev.hyaline.engine.error.BadInputException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * A picture of a circuit: a box for each of its nodes, from the input at the bottom to the logits at the top, and a
 * line for each edge, as wide as its score is large. Edges into queries, keys and values have colours of their own, as
 * EAP-IG's have, and edges that work against the task are red. The same as SVG, whose lines tell their names and scores
 * when pointed at, as PNG, and as a graph for Graphviz.
 */
public final class CircuitPicture implements Picture {
    private static final int QUERY = 0xC71585;
    private static final int KEY = 0x2E8B57;
    private static final int VALUE = 0x2F6FDE;
    private static final int OTHER = 0x555555;
    private static final int NEGATIVE = 0xD7301F;

    private static final int MARGIN = 24;
    private static final int BOX_WIDTH = 62;
    private static final int BOX_HEIGHT = 24;
    private static final int GAP = 34;
    private static final int ROW = 92;
    private static final int HEADING = 74;
    private static final int FONT = 12;
    private static final double MIN_LINE = 0.8;
    private static final double MAX_LINE = 9;
    /** A picture of more edges than this cannot be read. */
    private static final int MAX_EDGES = 2000;

    private final Circuit circuit;
    private final EdgeScores scores;
    private final String title;
    /** Upper left corners. */
    private final Map<Node, double[]> places = new LinkedHashMap<>();

    private final double largest;
    private final int width;
    private final int height;

    private CircuitPicture(Circuit circuit, EdgeScores scores, String title) {
        if (circuit.size() > MAX_EDGES) {
            throw new BadInputException(
                    "a picture of " + circuit.size() + " edges cannot be read; at most " + MAX_EDGES);
        }
        this.circuit = circuit;
        this.scores = scores;
        this.title = title;
        largest = circuit.edges().stream()
                .mapToDouble(edge -> Math.abs(scores.of(edge)))
                .max()
                .orElse(0);
        Map<Integer, List<Node>> rows = rows();
        int widest = rows.values().stream().mapToInt(List::size).max().orElse(1);
        // MLPs stand in a column of their own, so that lines past them are seen.
        int heads = Math.max(2, widest) * (BOX_WIDTH + GAP);
        int mlpColumn = MARGIN + heads + GAP;
        int legend = 330;
        width = Math.max(
                Math.max(mlpColumn + BOX_WIDTH + 110, legend + 2 * MARGIN),
                2 * MARGIN + (int) (Math.max(title.length(), 60) * 0.6 * FONT));
        height = HEADING + rows.size() * ROW + MARGIN;
        int fromTop = 0;
        for (Map.Entry<Integer, List<Node>> row : rows.entrySet()) {
            double y = HEADING + fromTop * ROW + (ROW - BOX_HEIGHT) / 2.0;
            List<Node> nodes = row.getValue();
            double x = MARGIN + (heads - nodes.size() * (BOX_WIDTH + GAP) + GAP) / 2.0;
            for (Node node : nodes) {
                if (node instanceof Node.Mlp) {
                    places.put(node, new double[] {mlpColumn, y});
                } else {
                    places.put(node, new double[] {x, y});
                    x += BOX_WIDTH + GAP;
                }
            }
            fromTop++;
        }
    }

    /**
     * Lays a picture out.
     *
     * @param scores that lines are as wide as
     * @throws BadInputException if the circuit has more edges than can be seen
     */
    public static CircuitPicture of(Circuit circuit, EdgeScores scores, String title) {
        return new CircuitPicture(circuit, scores, title);
    }

    /** Returns whether a circuit has no more edges than can be seen. */
    public static boolean fits(Circuit circuit) {
        return circuit.size() <= MAX_EDGES;
    }

    /** The nodes by stage, the last first. */
    private Map<Integer, List<Node>> rows() {
        Map<Integer, List<Node>> rows = new TreeMap<>(Comparator.reverseOrder());
        for (Node node : circuit.nodes()) {
            rows.computeIfAbsent(circuit.index().stage(node), stage -> new ArrayList<>())
                    .add(node);
        }
        return rows;
    }

    @Override
    public int width() {
        return width;
    }

    @Override
    public int height() {
        return height;
    }

    @Override
    public void draw(Canvas canvas) {
        canvas.text(MARGIN, 24, title, 14, Anchor.START, false, Canvas.INK);
        canvas.text(
                MARGIN,
                42,
                circuit.nodes().size() + " nodes, " + circuit.size() + " of " + circuit.graphSize()
                        + " edges, width by score (" + scores.method() + "), the widest "
                        + String.format(Locale.ROOT, "%.3g", largest),
                FONT - 1,
                Anchor.START,
                false,
                Canvas.PALE_INK);
        legend(canvas);
        // The widest last, lest they be hidden.
        circuit.edges().stream()
                .sorted(Comparator.comparingDouble(edge -> Math.abs(scores.of(edge))))
                .forEach(edge -> line(canvas, edge));
        places.forEach((node, place) -> box(canvas, node, place));
    }

    private void legend(Canvas canvas) {
        double x = MARGIN;
        String[] words = {"into queries", "keys", "values", "MLPs and logits", "against the task"};
        int[] colours = {QUERY, KEY, VALUE, OTHER, NEGATIVE};
        for (int i = 0; i < words.length; i++) {
            double[] stroke = {x, 57, x + 6, 57, x + 12, 57, x + 18, 57};
            canvas.curve(stroke, 3, colours[i], "");
            canvas.text(x + 22, 61, words[i], FONT - 1, Anchor.START, false, Canvas.PALE_INK);
            x += 36 + words[i].length() * 5.8;
        }
    }

    private void box(Canvas canvas, Node node, double[] place) {
        int colour = node instanceof Node.Head ? 0xE3ECF7 : node instanceof Node.Mlp ? 0xF3E9D2 : 0xE6E6E6;
        canvas.rectangle(place[0] - 1, place[1] - 1, BOX_WIDTH + 2, BOX_HEIGHT + 2, Canvas.PALE_INK, "");
        canvas.rectangle(place[0], place[1], BOX_WIDTH, BOX_HEIGHT, colour, node.toString());
        canvas.text(
                place[0] + BOX_WIDTH / 2.0,
                place[1] + BOX_HEIGHT / 2.0 + 0.35 * FONT,
                node.toString(),
                FONT,
                Anchor.MIDDLE,
                false,
                ColourScale.isDark(colour) ? Canvas.PAPER : Canvas.INK);
    }

    private double[] place(Node node) {
        return Objects.requireNonNull(places.get(node));
    }

    private void line(Canvas canvas, Edge edge) {
        double[] from = place(edge.sender());
        double[] to = place(edge.receiver().node());
        double share = largest == 0 ? 0 : Math.abs(scores.of(edge)) / largest;
        double x1 = from[0] + BOX_WIDTH / 2.0;
        double y1 = from[1];
        double x2 = to[0] + BOX_WIDTH * entry(edge.receiver().part());
        double y2 = to[1] + BOX_HEIGHT;
        double span = (y1 - y2) / ROW;
        // Lines up a column bend out of the way of the boxes between their ends.
        double bend = Math.abs(from[0] - to[0]) < BOX_WIDTH && span > 1.2
                ? (edge.sender() instanceof Node.Mlp ? 1 : -1) * (26 + 15 * span)
                : 0;
        double pull = Math.max(24, (y1 - y2) * 0.45);
        canvas.curve(
                new double[] {x1, y1, x1 + bend, y1 - pull, x2 + bend, y2 + pull, x2, y2},
                MIN_LINE + share * (MAX_LINE - MIN_LINE),
                colour(edge),
                edge + ": " + String.format(Locale.ROOT, "%.4g", scores.of(edge)));
    }

    /** Queries enter a box on the left, keys in the middle, values on the right. */
    private static double entry(HeadInput part) {
        return switch (part) {
            case Q -> 0.2;
            case K, ALL -> 0.5;
            case V -> 0.8;
        };
    }

    private int colour(Edge edge) {
        if (scores.of(edge) < 0) {
            return NEGATIVE;
        }
        return switch (edge.receiver().part()) {
            case Q -> QUERY;
            case K -> KEY;
            case V -> VALUE;
            case ALL -> OTHER;
        };
    }

    /** The circuit in the language of Graphviz's {@code dot}. */
    public String dot() {
        StringBuilder dot = new StringBuilder("digraph circuit {\n  rankdir=BT;\n  label=")
                .append(quoted(title))
                .append(";\n  node [shape=box, style=filled, fontname=\"Helvetica\"];\n");
        rows().values()
                .forEach(row -> dot.append("  {rank=same; ")
                        .append(row.stream()
                                .map(node -> quoted(node.toString()) + " [fillcolor=\""
                                        + (node instanceof Node.Head
                                                ? "#e3ecf7"
                                                : node instanceof Node.Mlp ? "#f3e9d2" : "#e6e6e6")
                                        + "\"]")
                                .collect(Collectors.joining("; ")))
                        .append("}\n"));
        for (Edge edge : circuit.edges()) {
            double share = largest == 0 ? 0 : Math.abs(scores.of(edge)) / largest;
            dot.append("  ")
                    .append(quoted(edge.sender().toString()))
                    .append(" -> ")
                    .append(quoted(edge.receiver().node().toString()))
                    .append(String.format(
                            Locale.ROOT,
                            " [color=\"#%06x\", penwidth=%.2f, tooltip=%s];%n",
                            colour(edge),
                            MIN_LINE + share * (MAX_LINE - MIN_LINE),
                            quoted(edge + ": " + String.format(Locale.ROOT, "%.4g", scores.of(edge)))));
        }
        return dot.append("}\n").toString().replace("\r\n", "\n");
    }

    private static String quoted(String text) {
        return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", " ") + "\"";
    }
}
