package dev.hyaline.analysis.circuit;

import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.FileInput;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import dev.hyaline.files.JsonText;
import dev.hyaline.files.PartialFile;
import dev.hyaline.files.Printable;
import dev.hyaline.files.RecordText;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/**
 * A graph as circuit-tracer and Neuronpedia show it: nodes by layer and position, weighted links, and what was pinned
 * and grouped by hand. Read from their JSON and written as it. Keys that circuit-tracer does not write itself are not
 * kept. Immutable.
 *
 * @param slug a short name, from which file names are made
 * @param scan the name of the set of features
 * @param transcoders names of the transcoders; none of a set that is known by its name
 * @param prompt the text
 * @param tokens of the prompt, as text
 * @param nodeThreshold the share of influence that the graph was cut to; null where the file does not say
 * @param pinned ids of nodes that were pinned
 * @param supernodes groups: a name, and ids of nodes
 */
public record AttributionGraph(
        String slug,
        String scan,
        List<String> transcoders,
        String prompt,
        List<String> tokens,
        @Nullable Double nodeThreshold,
        List<FeatureNode> nodes,
        List<Link> links,
        List<String> pinned,
        List<List<String>> supernodes) {
    /** Nodes of a token of the prompt. */
    public static final String EMBEDDING = "embedding";

    /** Nodes of a feature of a transcoder. */
    public static final String FEATURE = "cross layer transcoder";

    /** Nodes of what a transcoder leaves of an MLP's output. */
    public static final String ERROR = "mlp reconstruction error";

    /** Nodes of a logit. */
    public static final String LOGIT = "logit";

    /** The layer of tokens of the prompt. */
    public static final String EMBEDDING_LAYER = "E";

    /** The only token of a graph that is not of one prompt. */
    public static final String ALL_POSITIONS = "all positions";

    private static final int MAX_BYTES = 1 << 28;
    private static final int MAX_POSITION = 1 << 20;

    /**
     * A node.
     *
     * @param layer a number, one more than the model's layers for logits, or {@value #EMBEDDING_LAYER}
     * @param feature the feature's number in circuit-tracer's count over all layers
     * @param position of its token
     * @param kind such as {@value #FEATURE}
     * @param label in words; may be empty
     * @param probability of a logit's token; 0 of other nodes
     * @param target whether it is the logit that was asked about
     * @param influence share of all influence that it and those with more have; null where the file does not say
     * @param activation null where the file does not say
     * @param shortId the id that circuit-tracer's page uses
     */
    public record FeatureNode(
            String id,
            String layer,
            long feature,
            int position,
            String kind,
            String label,
            double probability,
            boolean target,
            @Nullable Double influence,
            @Nullable Double activation,
            String shortId) {}

    /** The direct effect of one node on another. */
    public record Link(String source, String target, double weight) {}

    /** @throws BadInputException if two nodes have one id, or a link names a node that is not there */
    public AttributionGraph {
        transcoders = List.copyOf(transcoders);
        tokens = List.copyOf(tokens);
        nodes = List.copyOf(nodes);
        links = List.copyOf(links);
        pinned = List.copyOf(pinned);
        supernodes = supernodes.stream().map(List::copyOf).toList();
        Map<String, FeatureNode> known = new HashMap<>();
        for (FeatureNode node : nodes) {
            if (known.put(node.id, node) != null) {
                throw new BadInputException("the graph has two nodes " + Printable.quoted(node.id));
            }
        }
        for (Link link : links) {
            for (String end : List.of(link.source, link.target)) {
                if (!known.containsKey(end)) {
                    throw new BadInputException(
                            "a link of the graph names the node " + Printable.quoted(end) + ", which is not there");
                }
            }
        }
    }

    /**
     * The kept edges of a circuit, with the heads and MLPs of a layer as its features. A circuit is of all positions
     * together, so it has one column. The three inputs of a head are one here: their scores are summed.
     *
     * @param slug a short name, from which file names are made
     * @param scan such as the model's name
     * @throws BadInputException if circuit and scores are of different graphs
     */
    public static AttributionGraph of(Circuit circuit, EdgeScores scores, String slug, String scan) {
        circuit.requireOf(scores.index());
        int heads = circuit.config().nHeads();
        int layers = circuit.config().nLayers();
        Map<Node, FeatureNode> nodes = new LinkedHashMap<>();
        for (Node node : circuit.nodes()) {
            nodes.put(
                    node,
                    switch (node) {
                        case Node.InputNode input -> node(node, EMBEDDING_LAYER, 0, EMBEDDING);
                        case Node.Head head -> node(node, String.valueOf(head.layer()), head.head(), "attention head");
                        case Node.Mlp mlp -> node(node, String.valueOf(mlp.layer()), heads, "mlp");
                        case Node.LogitsNode logits -> node(node, String.valueOf(layers + 1), 0, LOGIT);
                    });
        }
        Map<List<Node>, Double> weights = new LinkedHashMap<>();
        for (Edge edge : circuit.edges()) {
            weights.merge(List.of(edge.sender(), edge.receiver().node()), scores.of(edge), Double::sum);
        }
        List<Link> links = new ArrayList<>();
        weights.forEach((ends, weight) -> links.add(new Link(
                Objects.requireNonNull(nodes.get(ends.get(0))).id,
                Objects.requireNonNull(nodes.get(ends.get(1))).id,
                weight)));
        return new AttributionGraph(
                slug,
                scan,
                List.of(),
                "",
                List.of(ALL_POSITIONS),
                null,
                List.copyOf(nodes.values()),
                links,
                List.of(),
                List.of());
    }

    private static FeatureNode node(Node node, String layer, int feature, String kind) {
        return new FeatureNode(
                layer + "_" + feature + "_0",
                layer,
                feature,
                0,
                kind,
                node.toString(),
                0,
                kind.equals(LOGIT),
                null,
                null,
                layer + "_" + feature + "-0");
    }

    /**
     * Reads a file.
     *
     * @throws FileException if it cannot be read
     * @throws BadInputException naming the file and the place, if it is no such graph
     */
    public static AttributionGraph read(Path file) {
        try (FileInput input = FileInput.open(file, InputErrors.INSTANCE)) {
            return parse(input.label(), input.readAll(MAX_BYTES));
        }
    }

    /**
     * Reads JSON.
     *
     * @param source its name in errors
     * @throws BadInputException naming the source and the place, if it is no such graph
     */
    public static AttributionGraph parse(String source, byte[] json) {
        Json root = Json.readObject(InputErrors.INSTANCE, source, json);
        if (root.get("nodes").isEmpty() || root.get("links").isEmpty()) {
            throw new BadInputException(source
                    + ": expected the nodes and links of a graph of circuit-tracer, found the keys "
                    + root.names().stream().limit(8).map(Printable::quoted).toList());
        }
        Json metadata = root.require("metadata");
        List<FeatureNode> nodes = root.require("nodes").elements().stream()
                .map(AttributionGraph::node)
                .toList();
        List<Link> links = root.require("links").elements().stream()
                .map(link -> new Link(
                        link.require("source").string(),
                        link.require("target").string(),
                        link.require("weight").number()))
                .toList();
        try {
            return new AttributionGraph(
                    text(metadata, "slug", ""),
                    text(metadata, "scan", ""),
                    texts(metadata, "transcoder_list"),
                    text(metadata, "prompt", ""),
                    texts(metadata, "prompt_tokens"),
                    number(metadata, "node_threshold"),
                    nodes,
                    links,
                    root.nullable("qParams")
                            .map(chosen -> texts(chosen, "pinnedIds"))
                            .orElse(List.of()),
                    root.nullable("qParams")
                            .flatMap(chosen -> chosen.nullable("supernodes"))
                            .map(groups -> groups.elements().stream()
                                    .map(group -> group.elements().stream()
                                            .map(Json::string)
                                            .toList())
                                    .toList())
                            .orElse(List.of()));
        } catch (BadInputException e) {
            String told = String.valueOf(e.getMessage());
            throw told.startsWith(source) ? e : new BadInputException(source + ": " + told);
        }
    }

    private static FeatureNode node(Json node) {
        String id = node.require("node_id").string();
        Json layer = node.require("layer");
        return new FeatureNode(
                id,
                layer.isWhole() ? layer.toString() : layer.string(),
                node.nullable("feature")
                        .map(feature -> feature.whole(Long.MIN_VALUE))
                        .orElse(-1L),
                node.require("ctx_idx").integer(0, MAX_POSITION),
                node.require("feature_type").string(),
                text(node, "clerp", ""),
                node.nullable("token_prob").map(Json::number).orElse(0.0),
                node.nullable("is_target_logit").map(Json::bool).orElse(false),
                number(node, "influence"),
                number(node, "activation"),
                text(node, "jsNodeId", id));
    }

    private static String text(Json json, String key, String otherwise) {
        return json.nullable(key).map(Json::string).orElse(otherwise);
    }

    private static List<String> texts(Json json, String key) {
        return json.nullable(key)
                .map(list -> list.elements().stream().map(Json::string).toList())
                .orElse(List.of());
    }

    private static @Nullable Double number(Json json, String key) {
        return json.nullable(key).map(Json::number).orElse(null);
    }

    /** The file, in UTF-8. */
    public byte[] json() {
        return JsonText.indented(json -> {
            json.writeStartObject();
            json.writeObjectPropertyStart("metadata");
            json.writeStringProperty("slug", slug);
            json.writeStringProperty("scan", scan);
            strings(json, "transcoder_list", transcoders);
            strings(json, "prompt_tokens", tokens);
            json.writeStringProperty("prompt", prompt);
            number(json, "node_threshold", nodeThreshold);
            json.writeNumberProperty("schema_version", 1);
            json.writeEndObject();
            json.writeObjectPropertyStart("qParams");
            strings(json, "pinnedIds", pinned);
            json.writeArrayPropertyStart("supernodes");
            for (List<String> group : supernodes) {
                json.writeStartArray();
                group.forEach(json::writeString);
                json.writeEndArray();
            }
            json.writeEndArray();
            json.writeStringProperty("linkType", "both");
            json.writeStringProperty("clickedId", "");
            json.writeStringProperty("sg_pos", "");
            json.writeEndObject();
            json.writeArrayPropertyStart("nodes");
            nodes.forEach(node -> write(json, node));
            json.writeEndArray();
            json.writeArrayPropertyStart("links");
            for (Link link : links) {
                json.writeStartObject();
                json.writeStringProperty("source", link.source);
                json.writeStringProperty("target", link.target);
                json.writeNumberProperty("weight", link.weight);
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeEndObject();
        });
    }

    private static void write(JsonGenerator json, FeatureNode node) {
        json.writeStartObject();
        json.writeStringProperty("node_id", node.id);
        json.writeNumberProperty("feature", node.feature);
        json.writeStringProperty("layer", node.layer);
        json.writeNumberProperty("ctx_idx", node.position);
        json.writeStringProperty("feature_type", node.kind);
        json.writeNumberProperty("token_prob", node.probability);
        json.writeBooleanProperty("is_target_logit", node.target);
        json.writeNumberProperty("run_idx", 0);
        json.writeNumberProperty("reverse_ctx_idx", 0);
        json.writeStringProperty("jsNodeId", node.shortId);
        json.writeStringProperty("clerp", node.label);
        number(json, "influence", node.influence);
        number(json, "activation", node.activation);
        json.writeEndObject();
    }

    private static void number(JsonGenerator json, String key, @Nullable Double value) {
        if (value == null) {
            json.writeNullProperty(key);
        } else {
            json.writeNumberProperty(key, value);
        }
    }

    private static void strings(JsonGenerator json, String key, List<String> texts) {
        json.writeArrayPropertyStart(key);
        texts.forEach(json::writeString);
        json.writeEndArray();
    }

    /**
     * Writes the file.
     *
     * @throws FileException if it cannot be written
     */
    public void write(Path file) {
        try {
            PartialFile.write(file, json());
        } catch (IOException e) {
            throw FileException.writing(file, e);
        }
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
