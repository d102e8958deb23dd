package dev.hyaline.analysis.circuit;

import dev.hyaline.analysis.graph.ComputationGraph;
import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.graph.Receiver;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.instrument.edit.Target;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;

/**
 * The nodes and edges of a model's graph by number, in the order of {@link ComputationGraph}. The senders that a
 * receiver reads are the first of all senders, since it reads everything that was written before it. Immutable.
 */
final class GraphIndex {
    private static final int NO_EDGE = -1;

    private final Gpt2Config config;
    private final List<Node> senders;
    private final List<Receiver> receivers;
    private final List<Edge> edges;
    private final Map<Node, Integer> senderNumbers = new HashMap<>();
    private final Map<Receiver, Integer> receiverNumbers = new HashMap<>();
    private final int[] senderOf;
    private final int[] receiverOf;
    /** {@code [senders][receivers]}. */
    private final int[][] edge;
    /** By receiver. */
    private final int[] senderCount;

    GraphIndex(Gpt2Config config) {
        this.config = config;
        ComputationGraph graph = new ComputationGraph(config);
        senders = graph.senders();
        receivers = graph.receivers();
        edges = graph.edges();
        for (int s = 0; s < senders.size(); s++) {
            senderNumbers.put(senders.get(s), s);
        }
        for (int r = 0; r < receivers.size(); r++) {
            receiverNumbers.put(receivers.get(r), r);
        }
        senderOf = new int[edges.size()];
        receiverOf = new int[edges.size()];
        edge = new int[senders.size()][receivers.size()];
        senderCount = new int[receivers.size()];
        for (int[] row : edge) {
            Arrays.fill(row, NO_EDGE);
        }
        for (int e = 0; e < senderOf.length; e++) {
            senderOf[e] = sender(edges.get(e).sender());
            receiverOf[e] = receiver(edges.get(e).receiver());
            edge[senderOf[e]][receiverOf[e]] = e;
            senderCount[receiverOf[e]]++;
        }
    }

    Gpt2Config config() {
        return config;
    }

    List<Node> senders() {
        return senders;
    }

    List<Receiver> receivers() {
        return receivers;
    }

    List<Edge> edges() {
        return edges;
    }

    int size() {
        return senderOf.length;
    }

    int senderOf(int e) {
        return senderOf[e];
    }

    int receiverOf(int e) {
        return receiverOf[e];
    }

    /** The edge between a sender and a receiver that reads it. */
    int edge(int sender, int receiver) {
        return edge[sender][receiver];
    }

    /** The number of an edge; empty if the graph has none such. */
    OptionalInt find(Edge of) {
        Integer sender = senderNumbers.get(of.sender());
        Integer receiver = receiverNumbers.get(of.receiver());
        return sender == null || receiver == null ? OptionalInt.empty() : OptionalInt.of(edge[sender][receiver]);
    }

    /** Number of senders that a receiver reads: the first so many. */
    int senderCount(int receiver) {
        return senderCount[receiver];
    }

    /** The first receiver that reads a sender; all later ones do. */
    int firstReceiver(int sender) {
        int r = 0;
        while (edge[sender][r] == NO_EDGE) {
            r++;
        }
        return r;
    }

    int sender(Node node) {
        return Objects.requireNonNull(senderNumbers.get(node));
    }

    int receiver(Receiver receiver) {
        return Objects.requireNonNull(receiverNumbers.get(receiver));
    }

    /** The point where a receiver reads. */
    HookPoint point(int receiver) {
        Target input = receivers.get(receiver).input(config);
        return HookPoint.of(input.site(), input.layers().in(config.nLayers(), "layer")[0]);
    }

    /** By point, the receivers that read there: one of an MLP or the logits, one a head else. */
    Map<HookPoint, int[]> receiversByPoint() {
        Map<HookPoint, List<Integer>> found = new LinkedHashMap<>();
        for (int r = 0; r < receivers.size(); r++) {
            found.computeIfAbsent(point(r), p -> new ArrayList<>()).add(r);
        }
        Map<HookPoint, int[]> byPoint = new LinkedHashMap<>();
        found.forEach((point, there) ->
                byPoint.put(point, there.stream().mapToInt(Integer::intValue).toArray()));
        return byPoint;
    }

    /** The stage of a pass that computes a node: attention and MLP of layer 0, of layer 1, ..., the logits. */
    int stage(Node node) {
        return switch (node) {
            case Node.InputNode input -> -1;
            case Node.Head head -> 2 * head.layer();
            case Node.Mlp mlp -> 2 * mlp.layer() + 1;
            case Node.LogitsNode logits -> 2 * config.nLayers();
        };
    }

    int stageOfReceiver(int receiver) {
        return stage(receivers.get(receiver).node());
    }

    int stageOfSender(int sender) {
        return stage(senders.get(sender));
    }

    /** Returns whether another graph has the same nodes, and its edges the same numbers. */
    boolean isOfSameShape(GraphIndex other) {
        return config.nLayers() == other.config.nLayers() && config.nHeads() == other.config.nHeads();
    }
}
