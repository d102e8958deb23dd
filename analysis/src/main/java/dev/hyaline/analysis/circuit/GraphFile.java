package dev.hyaline.analysis.circuit;

import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.FileInput;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import dev.hyaline.files.PartialFile;
import dev.hyaline.files.Printable;
import dev.hyaline.files.RecordText;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A graph in EAP-IG's JSON, which MIB reads too: every node and edge with whether it is in the circuit, scores of
 * edges, and perhaps of nodes and their neurons. What is read and written again is the same file, byte for byte, where
 * Python wrote it. The same as matrices, in a file of {@code torch.save}, is read too. Immutable.
 */
public final class GraphFile {
    private static final int MAX_BYTES = 1 << 30;

    /**
     * A node.
     *
     * @param score NaN where the file says so; null where it says nothing
     * @param neurons {@code [dModel]}, whether each is in the circuit; null where the file does not say
     * @param neuronScores {@code [dModel]}, NaN where unscored; null where the file has none
     */
    public record NodeEntry(
            boolean inGraph, @Nullable Double score, boolean @Nullable [] neurons, double @Nullable [] neuronScores) {
        static NodeEntry of(boolean inGraph) {
            return new NodeEntry(inGraph, null, null, null);
        }

        @Override
        public String toString() {
            return RecordText.of(this);
        }
    }

    /** An edge. */
    public record EdgeEntry(double score, boolean inGraph) {}

    private final Gpt2Config config;
    private final Map<Node, NodeEntry> nodes;
    private final Map<Edge, EdgeEntry> edges;

    GraphFile(Gpt2Config config, Map<Node, NodeEntry> nodes, Map<Edge, EdgeEntry> edges) {
        this.config = config;
        this.nodes = Collections.unmodifiableMap(nodes);
        this.edges = Collections.unmodifiableMap(edges);
    }

    /**
     * A circuit with the scores of all edges.
     *
     * @throws BadInputException if they are of different graphs
     */
    public static GraphFile of(Circuit circuit, EdgeScores scores) {
        GraphIndex index = scores.index();
        circuit.requireOf(index);
        Set<Node> kept = circuit.nodes();
        Map<Edge, EdgeEntry> edges = new LinkedHashMap<>();
        for (int e = 0; e < scores.size(); e++) {
            edges.put(index.edges().get(e), new EdgeEntry(scores.of(e), circuit.contains(e)));
        }
        Map<Node, NodeEntry> nodes = new LinkedHashMap<>();
        List<Node> all = new ArrayList<>(index.senders());
        all.add(Node.logits());
        for (Node node : all) {
            nodes.put(node, NodeEntry.of(kept.contains(node) || node.equals(Node.logits())));
        }
        return new GraphFile(index.config(), nodes, edges);
    }

    /**
     * Reads a file, JSON or matrices.
     *
     * @param config of the model whose graph it must be
     * @throws FileException if it cannot be read
     * @throws BadInputException naming the file and the node, edge or tensor, if it is no such graph
     */
    public static GraphFile read(Path file, Gpt2Config config) {
        try (FileInput input = FileInput.open(file, InputErrors.INSTANCE)) {
            byte[] content = input.readAll(MAX_BYTES);
            return GraphTensors.isOne(content)
                    ? GraphTensors.read(file, config)
                    : parse(input.label(), content, config);
        }
    }

    /**
     * Reads the scores of all edges from a file, or from MIB's folder of a task and a model, which has one.
     *
     * @throws FileException if it cannot be read
     * @throws BadInputException as {@link #read}; also if a folder has more or fewer files, or no edge has a score
     */
    public static EdgeScores readScores(Path fileOrFolder, Gpt2Config config) {
        Path file = Files.isDirectory(fileOrFolder) ? only(fileOrFolder) : fileOrFolder;
        EdgeScores scores = read(file, config).scores(file.toString());
        if (Arrays.stream(scores.values()).allMatch(score -> score == 0)) {
            throw new BadInputException(file + " scores no edge: every edge's score is 0");
        }
        return scores;
    }

    private static Path only(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            List<Path> graphs = files.filter(file ->
                            file.toString().endsWith(".json") || file.toString().endsWith(".pt"))
                    .sorted()
                    .toList();
            if (graphs.size() != 1) {
                throw new BadInputException(folder + ": expected one .json or .pt of scores, found " + graphs.size());
            }
            return graphs.getFirst();
        } catch (IOException e) {
            throw FileException.reading(folder, e);
        }
    }

    /**
     * Reads JSON.
     *
     * @param source its name in errors
     */
    public static GraphFile parse(String source, byte[] json, Gpt2Config config) {
        return of(Json.readObject(InputErrors.INSTANCE, source, json), config);
    }

    /** Returns whether JSON has the keys of such a file. */
    static boolean isOne(Json root) {
        return root.get("cfg").isPresent() && root.get("edges").isPresent();
    }

    static GraphFile of(Json root, Gpt2Config config) {
        requireKeys(root, "the graph", List.of("cfg", "nodes", "edges"));
        Json cfg = root.require("cfg");
        requireSize(cfg, "n_layers", config.nLayers());
        requireSize(cfg, "n_heads", config.nHeads());
        requireSize(cfg, "d_model", config.dModel());
        if (cfg.require("parallel_attn_mlp").bool()) {
            throw new BadInputException(root.file()
                    + ": \"parallel_attn_mlp\" is true, but GPT-2's MLPs read what the attention of their"
                    + " layer writes");
        }
        Map<Node, NodeEntry> nodes = new LinkedHashMap<>();
        root.require("nodes")
                .forEachField((name, entry) ->
                        nodes.put(named(root, name, () -> Node.parse(config, name)), node(root, name, entry, config)));
        Map<Edge, EdgeEntry> edges = new LinkedHashMap<>();
        Circuit empty = Circuit.empty(config);
        root.require("edges").forEachField((name, entry) -> {
            Edge edge = named(root, name, () -> {
                Edge parsed = Edge.parse(config, name);
                empty.number(parsed); // refuses a head's inputs all at once
                return parsed;
            });
            requireKeys(entry, "the edge " + name, List.of("score", "in_graph"));
            edges.put(
                    edge,
                    new EdgeEntry(
                            entry.require("score").number(),
                            entry.require("in_graph").bool()));
        });
        return new GraphFile(config, nodes, edges);
    }

    private interface Parsed<T> {
        T parse();
    }

    private static <T> T named(Json root, String name, Parsed<T> parsed) {
        try {
            return parsed.parse();
        } catch (BadInputException e) {
            throw new BadInputException(root.file() + ": " + Printable.quoted(name) + ": " + e.getMessage());
        }
    }

    private static void requireKeys(Json object, String what, List<String> keys) {
        for (String key : keys) {
            if (object.get(key).isEmpty()) {
                throw new BadInputException(object.file() + ": expected " + what + " to have \"" + key + "\", found "
                        + (object.isObject()
                                ? object.names().stream()
                                        .limit(8)
                                        .map(Printable::quoted)
                                        .collect(Collectors.joining(", ", "{", "}"))
                                : Printable.plain(object.toString())));
            }
        }
    }

    private static void requireSize(Json cfg, String key, int expected) {
        if (cfg.require(key).integer(0, Integer.MAX_VALUE) != expected) {
            throw cfg.require(key).expected(expected + ", as the model has");
        }
    }

    private static NodeEntry node(Json root, String name, Json entry, Gpt2Config config) {
        requireKeys(entry, "the node " + name, List.of("in_graph"));
        return new NodeEntry(
                entry.require("in_graph").bool(),
                entry.get("score").map(GraphFile::scoreOrNaN).orElse(null),
                entry.get("neurons")
                        .map(list -> {
                            List<Json> values = neurons(root, name, list, config);
                            boolean[] kept = new boolean[values.size()];
                            for (int i = 0; i < kept.length; i++) {
                                kept[i] = values.get(i).bool();
                            }
                            return kept;
                        })
                        .orElse(null),
                entry.get("neurons_scores")
                        .map(list -> neurons(root, name, list, config).stream()
                                .mapToDouble(GraphFile::scoreOrNaN)
                                .toArray())
                        .orElse(null));
    }

    private static List<Json> neurons(Json root, String name, Json list, Gpt2Config config) {
        List<Json> values = list.elements();
        if (values.size() != config.dModel()) {
            throw new BadInputException(root.file() + ": the node " + name + " has " + values.size()
                    + " neurons, but d_model is " + config.dModel());
        }
        return values;
    }

    /** NaN means unscored. */
    private static double scoreOrNaN(Json value) {
        return value.isNumber() && value.toString().replace("\"", "").equals("NaN") ? Double.NaN : value.number();
    }

    public Map<Node, NodeEntry> nodes() {
        return nodes;
    }

    public Map<Edge, EdgeEntry> edges() {
        return edges;
    }

    /** The edges that are in the graph; an edge that the file leaves out is not. */
    public Circuit circuit() {
        return Circuit.of(
                config,
                edges.entrySet().stream()
                        .filter(entry -> entry.getValue().inGraph())
                        .map(Map.Entry::getKey)
                        .toList());
    }

    /**
     * The scores of all edges; an edge that the file leaves out scores 0.
     *
     * @param method what they are called
     */
    public EdgeScores scores(String method) {
        GraphIndex index = new GraphIndex(config);
        double[] scores = new double[index.size()];
        edges.forEach((edge, entry) -> scores[index.find(edge).orElseThrow()] = entry.score());
        return EdgeScores.of(index, method, scores);
    }

    /** The file, as Python's {@code json.dump} writes it. */
    public String json() {
        StringBuilder json = new StringBuilder("{\"cfg\": {\"n_layers\": ")
                .append(config.nLayers())
                .append(", \"n_heads\": ")
                .append(config.nHeads())
                .append(", \"parallel_attn_mlp\": false, \"d_model\": ")
                .append(config.dModel())
                .append("}, \"nodes\": {");
        json.append(nodes.entrySet().stream()
                .map(entry -> "\"" + entry.getKey() + "\": " + json(entry.getValue()))
                .collect(Collectors.joining(", ")));
        json.append("}, \"edges\": {");
        json.append(edges.entrySet().stream()
                .map(entry -> "\"" + entry.getKey() + "\": {\"score\": "
                        + number(entry.getValue().score()) + ", \"in_graph\": "
                        + entry.getValue().inGraph() + "}")
                .collect(Collectors.joining(", ")));
        return json.append("}}").toString();
    }

    private static String json(NodeEntry node) {
        StringBuilder json = new StringBuilder("{\"in_graph\": ").append(node.inGraph);
        if (node.score != null) {
            json.append(", \"score\": ").append(number(node.score));
        }
        if (node.neurons != null) {
            json.append(", \"neurons\": ").append(Arrays.toString(node.neurons));
        }
        if (node.neuronScores != null) {
            List<String> words =
                    Arrays.stream(node.neuronScores).mapToObj(GraphFile::number).toList();
            json.append(", \"neurons_scores\": ").append(words);
        }
        return json.append('}').toString();
    }

    /** A number as Python writes it: the fewest digits that read back the same. */
    static String number(double value) {
        if (Double.isNaN(value)) {
            return "NaN";
        }
        String text = Double.toString(value);
        int e = text.indexOf('E');
        if (e < 0) {
            return text;
        }
        // Java has an exponent from 1e7 and below 1e-3, Python from 1e16 and below 1e-4.
        int exponent = Integer.parseInt(text.substring(e + 1));
        if (exponent >= -4 && exponent < 16) {
            String plain = new BigDecimal(text).toPlainString();
            return plain.contains(".") ? plain : plain + ".0";
        }
        String digits = text.substring(0, e);
        return (digits.endsWith(".0") ? digits.substring(0, digits.length() - 2) : digits)
                + (exponent < 0 ? "e-" : "e+")
                + (Math.abs(exponent) < 10 ? "0" : "")
                + Math.abs(exponent);
    }

    /**
     * Writes the file.
     *
     * @throws FileException if it cannot be written
     */
    public void write(Path file) {
        try {
            PartialFile.write(file, json().getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw FileException.writing(file, e);
        }
    }

    @Override
    public String toString() {
        return Printable.plural(nodes.size(), "node") + ", " + Printable.plural(edges.size(), "edge");
    }
}
