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
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * A picture of a circuit: a box for each of its nodes, from the input at the bottom to the logits at the top, and a
 * line for each edge, as wide as its score is large, which goes around the boxes in between where there is a way. Edges
 * into queries, keys and values have colours of their own, as EAP-IG's have, and so have edges that work against the
 * task. The same as SVG, whose lines tell their names and scores when pointed at, as PNG, and as a graph for Graphviz.
 */
public final class CircuitPicture implements Picture {
    private static final int QUERY = 0xC71585;
    private static final int KEY = 0x2E8B57;
    private static final int VALUE = 0x2F6FDE;
    private static final int OTHER = 0x555555;
    private static final int NEGATIVE = 0xA87400;
    private static final int BAND = 0xF6F6F6;

    private static final int MARGIN = 24;
    private static final int BOX_WIDTH = 62;
    private static final int BOX_HEIGHT = 24;
    private static final int GAP = 34;
    private static final int ROW = 92;
    private static final int HEADING = 116;
    /** Room at the left for the layers' numbers. */
    private static final int LAYERS = 44;
    /** Boxes are kept this far from lines that pass. */
    private static final int CLEAR = 4;

    private static final int FONT = 12;
    /** Courses that are tried for a line, to either side, and how far they lie apart. */
    private static final int BENDS = 12;

    private static final int BEND = 16;
    /** Points of a line that are looked at. */
    private static final int POINTS = 40;

    private static final double MIN_LINE = 0.8;
    private static final double MAX_LINE = 9;
    /** A picture of more edges than this cannot be read. */
    private static final int MAX_EDGES = 2000;

    private final Circuit circuit;
    private final EdgeScores scores;
    private final String title;
    private final List<String> notes;
    /** Upper left corners. */
    private final Map<Node, double[]> places = new LinkedHashMap<>();

    private final double largest;
    private final int width;
    private final int height;

    private final Map<Edge, Ends> ends = new LinkedHashMap<>();

    /** Where a line leaves its sender's box and meets its receiver's. */
    private record Ends(double from, double to) {}

    private CircuitPicture(Circuit circuit, EdgeScores scores, String title, String note) {
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
        notes = new ArrayList<>();
        if (!note.isEmpty()) {
            notes.add(note);
        }
        notes.add(circuit.nodes().size() + " nodes, " + circuit.size() + " of " + circuit.graphSize()
                + " edges, from the input up");
        notes.add("a1.h3: head 3 of layer 1; m1: MLP of layer 1");
        notes.add("width: what the task loses without the edge (" + scores.method() + "), at most "
                + String.format(Locale.ROOT, "%.3g", largest));
        Map<Integer, List<Node>> rows = rows();
        int widest = rows.values().stream().mapToInt(List::size).max().orElse(1);
        // MLPs stand in a column of their own, so that lines past them are seen.
        int heads = Math.max(2, widest) * (BOX_WIDTH + GAP);
        int left = MARGIN + LAYERS;
        int mlpColumn = left + heads + GAP;
        int longest = notes.stream().mapToInt(String::length).max().orElse(0);
        int legend = 420;
        width = Math.max(
                Math.max(mlpColumn + BOX_WIDTH + 110, legend + 2 * MARGIN),
                2 * MARGIN + (int) Math.max(title.length() * 0.6 * (FONT + 2), longest * 0.55 * (FONT - 1)));
        height = HEADING + rows.size() * ROW + MARGIN;
        int fromTop = 0;
        for (Map.Entry<Integer, List<Node>> row : rows.entrySet()) {
            double y = HEADING + fromTop * ROW + (ROW - BOX_HEIGHT) / 2.0;
            List<Node> nodes = row.getValue();
            double x = left + (heads - nodes.size() * (BOX_WIDTH + GAP) + GAP) / 2.0;
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
        spreadEnds();
    }

    /**
     * Lays a picture out.
     *
     * @param scores that lines are as wide as
     * @throws BadInputException if the circuit has more edges than can be seen
     */
    public static CircuitPicture of(Circuit circuit, EdgeScores scores, String title) {
        return of(circuit, scores, title, "");
    }

    /**
     * As {@link #of(Circuit, EdgeScores, String)}, with a line below the title, such as what the circuit does alone.
     */
    public static CircuitPicture of(Circuit circuit, EdgeScores scores, String title, String note) {
        return new CircuitPicture(circuit, scores, title, note);
    }

    /** Lines that leave a box, or meet one in the same part, lie side by side in the order of their other ends. */
    private void spreadEnds() {
        Map<Edge, Double> from = new LinkedHashMap<>();
        Map<Edge, Double> to = new LinkedHashMap<>();
        Map<Object, List<Edge>> groups = new LinkedHashMap<>();
        for (Edge edge : circuit.edges()) {
            groups.computeIfAbsent(edge.sender(), key -> new ArrayList<>()).add(edge);
        }
        groups.values().forEach(edges -> spread(edges, edge -> edge.receiver().node(), 0.1, 0.9, from));
        groups.clear();
        for (Edge edge : circuit.edges()) {
            groups.computeIfAbsent(edge.receiver(), key -> new ArrayList<>()).add(edge);
        }
        groups.values().forEach(edges -> {
            double centre = entry(edges.getFirst().receiver().part());
            double half = edges.getFirst().receiver().part() == HeadInput.ALL ? 0.4 : 0.1;
            spread(edges, Edge::sender, centre - half, centre + half, to);
        });
        for (Edge edge : circuit.edges()) {
            ends.put(edge, new Ends(Objects.requireNonNull(from.get(edge)), Objects.requireNonNull(to.get(edge))));
        }
    }

    private void spread(
            List<Edge> edges, Function<Edge, Node> other, double low, double high, Map<Edge, Double> shares) {
        List<Edge> sorted = edges.stream()
                .sorted(Comparator.comparingDouble((Edge edge) -> place(other.apply(edge))[0])
                        .thenComparingDouble(edge -> -Math.abs(place(other.apply(edge))[1])))
                .toList();
        for (int i = 0; i < sorted.size(); i++) {
            shares.put(sorted.get(i), low + (high - low) * (i + 0.5) / sorted.size());
        }
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
        layers(canvas);
        canvas.text(MARGIN, 24, title, 14, Anchor.START, false, Canvas.INK);
        for (int i = 0; i < notes.size(); i++) {
            canvas.text(MARGIN, 43 + 16.0 * i, notes.get(i), FONT - 1, Anchor.START, false, Canvas.PALE_INK);
        }
        legend(canvas);
        // The widest last, lest they be hidden.
        circuit.edges().stream()
                .sorted(Comparator.comparingDouble(edge -> Math.abs(scores.of(edge))))
                .forEach(edge -> line(canvas, edge));
        places.forEach((node, place) -> box(canvas, node, place));
    }

    /** A band behind the heads and the MLP of each layer, with its number. */
    private void layers(Canvas canvas) {
        Map<Integer, double[]> bands = new TreeMap<>();
        places.forEach((node, place) -> {
            int stage = circuit.index().stage(node);
            if (node instanceof Node.Head || node instanceof Node.Mlp) {
                double top = place[1] - (ROW - BOX_HEIGHT) / 2.0;
                bands.merge(stage / 2, new double[] {top, top + ROW}, (a, b) ->
                        new double[] {Math.min(a[0], b[0]), Math.max(a[1], b[1])});
            }
        });
        bands.forEach((layer, band) -> {
            canvas.rectangle(MARGIN / 2.0, band[0] + 4, width - MARGIN, band[1] - band[0] - 8, BAND, "layer " + layer);
            canvas.text(
                    MARGIN,
                    (band[0] + band[1]) / 2 + 4,
                    "layer " + layer,
                    FONT - 1,
                    Anchor.START,
                    false,
                    Canvas.PALE_INK);
        });
    }

    private void legend(Canvas canvas) {
        double x = MARGIN;
        double y = 43 + 16.0 * notes.size() + 4;
        String[] words = {"into queries", "keys", "values", "MLPs and logits", "against the task"};
        int[] colours = {QUERY, KEY, VALUE, OTHER, NEGATIVE};
        for (int i = 0; i < words.length; i++) {
            double[] stroke = {x, y - 4, x + 6, y - 4, x + 12, y - 4, x + 18, y - 4};
            canvas.curve(stroke, 3, colours[i], "");
            canvas.text(x + 22, y, words[i], FONT - 1, Anchor.START, false, Canvas.PALE_INK);
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
        double share = largest == 0 ? 0 : Math.abs(scores.of(edge)) / largest;
        canvas.curve(
                course(edge),
                MIN_LINE + share * (MAX_LINE - MIN_LINE),
                colour(edge),
                edge + ": " + String.format(Locale.ROOT, "%.4g", scores.of(edge)));
    }

    /** The curve of an edge: the straightest of some that passes behind the fewest boxes. */
    private double[] course(Edge edge) {
        double[] from = place(edge.sender());
        double[] to = place(edge.receiver().node());
        Ends end = Objects.requireNonNull(ends.get(edge));
        double x1 = from[0] + BOX_WIDTH * end.from;
        double y1 = from[1];
        double x2 = to[0] + BOX_WIDTH * end.to;
        double y2 = to[1] + BOX_HEIGHT;
        List<double[]> between = places.values().stream()
                .filter(box -> box[1] > to[1] && box[1] < from[1])
                .toList();
        double pull = Math.max(24, (y1 - y2) * 0.45);
        double[] best = {};
        int fewest = Integer.MAX_VALUE;
        for (int i = 0; i <= 2 * BENDS && fewest > 0; i++) {
            double bend = (i % 2 == 0 ? -1 : 1) * ((i + 1) / 2) * BEND;
            double[] curve = {x1, y1, x1 + bend, y1 - pull, x2 + bend, y2 + pull, x2, y2};
            int hidden = hidden(curve, between);
            if (hidden < fewest) {
                fewest = hidden;
                best = curve;
            }
        }
        return best;
    }

    /** How many points of a curve lie behind boxes or beside the picture. */
    private int hidden(double[] curve, List<double[]> boxes) {
        int hidden = 0;
        for (int i = 1; i < POINTS && !boxes.isEmpty(); i++) {
            double t = (double) i / POINTS;
            double x = bezier(curve[0], curve[2], curve[4], curve[6], t);
            double y = bezier(curve[1], curve[3], curve[5], curve[7], t);
            boolean behind = x < MARGIN + LAYERS || x > width - MARGIN;
            for (int box = 0; box < boxes.size() && !behind; box++) {
                double[] corner = boxes.get(box);
                behind = x > corner[0] - CLEAR
                        && x < corner[0] + BOX_WIDTH + CLEAR
                        && y > corner[1] - CLEAR
                        && y < corner[1] + BOX_HEIGHT + CLEAR;
            }
            hidden += behind ? 1 : 0;
        }
        return hidden;
    }

    private static double bezier(double a, double b, double c, double d, double t) {
        double u = 1 - t;
        return u * u * u * a + 3 * u * u * t * b + 3 * u * t * t * c + t * t * t * d;
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

    @Override
    public String toString() {
        return "picture of " + circuit;
    }
}
