package dev.hyaline.analysis.circuit;

import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import java.util.BitSet;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** The edges of a model's graph that are kept; what the others carry is ablated when it runs. Immutable. */
public final class Circuit {
    private final GraphIndex index;
    private final BitSet kept;

    private Circuit(GraphIndex index, BitSet kept) {
        this.index = index;
        this.kept = kept;
    }

    static Circuit of(GraphIndex index, BitSet kept) {
        return new Circuit(index, (BitSet) kept.clone());
    }

    static Circuit full(GraphIndex index) {
        BitSet all = new BitSet();
        all.set(0, index.size());
        return new Circuit(index, all);
    }

    static Circuit empty(GraphIndex index) {
        return new Circuit(index, new BitSet());
    }

    /** Every edge: the model itself. */
    public static Circuit full(Gpt2Config config) {
        return full(new GraphIndex(config));
    }

    /** No edge. */
    public static Circuit empty(Gpt2Config config) {
        return empty(new GraphIndex(config));
    }

    /**
     * Some edges.
     *
     * @throws BadInputException if the model has no such edge, or one reads all inputs of a head at once
     */
    public static Circuit of(Gpt2Config config, Collection<Edge> edges) {
        return empty(config).with(edges);
    }

    /** All edges that leave some nodes: nothing that another node writes is kept. */
    public static Circuit ofNodes(Gpt2Config config, Collection<Node> nodes) {
        return ofNodes(new GraphIndex(config), nodes);
    }

    static Circuit ofNodes(GraphIndex index, Collection<Node> nodes) {
        Set<Node> chosen = Set.copyOf(nodes);
        BitSet kept = new BitSet();
        for (int e = 0; e < index.size(); e++) {
            kept.set(e, chosen.contains(index.senders().get(index.senderOf(e))));
        }
        return new Circuit(index, kept);
    }

    public Gpt2Config config() {
        return index.config();
    }

    GraphIndex index() {
        return index;
    }

    /** Number of edges that are kept. */
    public int size() {
        return kept.cardinality();
    }

    /** Number of edges of the whole graph. */
    public int graphSize() {
        return index.size();
    }

    public boolean contains(Edge edge) {
        return kept.get(number(edge));
    }

    boolean contains(int edge) {
        return kept.get(edge);
    }

    /** The edges that are kept, in the graph's order. */
    public List<Edge> edges() {
        return kept.stream().mapToObj(index.edges()::get).toList();
    }

    /** The nodes that a kept edge leaves or reaches, in the order of a pass. */
    public Set<Node> nodes() {
        Set<Node> touched = new LinkedHashSet<>();
        kept.stream().forEach(e -> {
            touched.add(index.edges().get(e).sender());
            touched.add(index.edges().get(e).receiver().node());
        });
        Set<Node> ordered = new LinkedHashSet<>();
        index.senders().stream().filter(touched::contains).forEach(ordered::add);
        if (touched.contains(Node.logits())) {
            ordered.add(Node.logits());
        }
        return ordered;
    }

    /** This circuit and more edges. */
    public Circuit with(Collection<Edge> edges) {
        BitSet more = keptEdges();
        edges.forEach(edge -> more.set(number(edge)));
        return new Circuit(index, more);
    }

    /** This circuit less some edges, of which it need not have all. */
    public Circuit without(Collection<Edge> edges) {
        BitSet less = keptEdges();
        edges.forEach(edge -> less.clear(number(edge)));
        return new Circuit(index, less);
    }

    Circuit without(int edge) {
        BitSet less = keptEdges();
        less.clear(edge);
        return new Circuit(index, less);
    }

    Circuit with(int edge) {
        BitSet more = keptEdges();
        more.set(edge);
        return new Circuit(index, more);
    }

    /** This circuit less another's edges. */
    public Circuit minus(Circuit other) {
        requireSameGraph(other);
        BitSet less = keptEdges();
        less.andNot(other.kept);
        return new Circuit(index, less);
    }

    /** The edges that are not kept. */
    public Circuit complement() {
        BitSet others = keptEdges();
        others.flip(0, index.size());
        return new Circuit(index, others);
    }

    /**
     * This circuit without dead ends: as long as there is one, a node that nothing kept reaches or that nothing kept
     * leaves goes with its edges. The input needs no edge that reaches it, the logits none that leaves them. Under zero
     * or mean ablation that changes what a circuit does: a node that nothing reaches still writes what it makes of the
     * ablated values.
     */
    public Circuit pruned() {
        BitSet left = keptEdges();
        int nodes = index.senders().size();
        boolean changed = true;
        while (changed) {
            BitSet leaves = new BitSet();
            BitSet reached = new BitSet();
            reached.set(0); // the input
            left.stream().forEach(e -> {
                leaves.set(index.senderOf(e));
                Node to = index.edges().get(e).receiver().node();
                reached.set(to instanceof Node.LogitsNode ? nodes : index.sender(to));
            });
            leaves.set(nodes);
            BitSet before = (BitSet) left.clone();
            before.stream().forEach(e -> {
                Node to = index.edges().get(e).receiver().node();
                if (!reached.get(index.senderOf(e))
                        || !leaves.get(to instanceof Node.LogitsNode ? nodes : index.sender(to))) {
                    left.clear(e);
                }
            });
            changed = !left.equals(before);
        }
        return new Circuit(index, left);
    }

    /** {@code |A n B| / |A u B|} of the edges; 1 for two empty circuits. */
    public double jaccard(Circuit other) {
        requireSameGraph(other);
        BitSet both = keptEdges();
        both.and(other.kept);
        BitSet either = keptEdges();
        either.or(other.kept);
        return either.isEmpty() ? 1 : (double) both.cardinality() / either.cardinality();
    }

    /** A copy of the numbers of the edges that are kept. */
    BitSet keptEdges() {
        return (BitSet) kept.clone();
    }

    /** @throws BadInputException if the graph has no such edge */
    int number(Edge edge) {
        return index.find(edge)
                .orElseThrow(() -> new BadInputException("the graph of " + config().nLayers() + " layers and "
                        + config().nHeads() + " heads has no edge " + edge));
    }

    private void requireSameGraph(Circuit other) {
        other.requireOf(index);
    }

    /** @throws BadInputException if the circuit is of another graph */
    void requireOf(GraphIndex graph) {
        if (!index.isOfSameShape(graph)) {
            throw new BadInputException("the circuit is of a graph of " + config().nLayers() + " layers of "
                    + config().nHeads() + " heads, expected one of "
                    + graph.config().nLayers() + " of " + graph.config().nHeads());
        }
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Circuit circuit && index.isOfSameShape(circuit.index) && kept.equals(circuit.kept);
    }

    @Override
    public int hashCode() {
        return kept.hashCode();
    }

    @Override
    public String toString() {
        return "Circuit of " + size() + " of " + graphSize() + " edges";
    }
}
