package dev.hyaline.analysis.circuit;

import dev.hyaline.analysis.graph.Node;
import dev.hyaline.engine.error.BadInputException;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * A way from scores to a circuit of a given size. Equal scores go in the graph's order, and a circuit has as many edges
 * as were asked for: pruning is another step ({@link Circuit#pruned}).
 */
public enum CircuitSelection {
    /** The largest scores: edges that help. */
    TOP,
    /** The largest absolute scores: edges that help or work against the task. */
    TOP_ABSOLUTE,
    /**
     * From the logits up, the edge with the largest score among those whose receiver is reached already; its sender is
     * reached then. Every edge leads to the logits.
     */
    GREEDY,
    /** As {@link #GREEDY}, by absolute score. */
    GREEDY_ABSOLUTE;

    /** Returns whether the size of a score counts, whatever its sign. */
    public boolean isAbsolute() {
        return this == TOP_ABSOLUTE || this == GREEDY_ABSOLUTE;
    }

    /** The same way by absolute scores. */
    public CircuitSelection absolute() {
        return this == TOP || this == TOP_ABSOLUTE ? TOP_ABSOLUTE : GREEDY_ABSOLUTE;
    }

    /**
     * The circuit of {@code n} edges.
     *
     * @throws BadInputException if the graph has fewer
     */
    public Circuit select(EdgeScores scores, int n) {
        if (n < 0 || n > scores.size()) {
            throw new BadInputException("a circuit of " + scores.size() + " edges at most, found " + n);
        }
        return this == TOP || this == TOP_ABSOLUTE ? top(scores, n) : greedy(scores, n);
    }

    private double rank(EdgeScores scores, int edge) {
        double score = scores.of(edge);
        return isAbsolute() ? Math.abs(score) : score;
    }

    private Circuit top(EdgeScores scores, int n) {
        BitSet kept = new BitSet();
        IntStream.range(0, scores.size()).boxed().sorted(order(scores)).limit(n).forEach(kept::set);
        return Circuit.of(scores.index(), kept);
    }

    /** From the largest score down; stable, so that equal scores, zeros of either sign too, keep the graph's order. */
    private Comparator<Integer> order(EdgeScores scores) {
        return (a, b) -> {
            double left = rank(scores, a);
            double right = rank(scores, b);
            return left == right ? Integer.compare(a, b) : left > right ? -1 : 1;
        };
    }

    private Circuit greedy(EdgeScores scores, int n) {
        GraphIndex index = scores.index();
        TreeSet<Integer> reachable = new TreeSet<>(order(scores));
        BitSet reached = new BitSet();
        BitSet kept = new BitSet();
        addInto(index, index.receivers().size() - 1, reachable);
        while (kept.cardinality() < n) {
            int best = reachable.removeFirst();
            kept.set(best);
            int sender = index.senderOf(best);
            if (!reached.get(sender)) {
                reached.set(sender);
                for (int r = 0; r < index.receivers().size(); r++) {
                    if (index.receivers().get(r).node().equals(index.senders().get(sender))) {
                        addInto(index, r, reachable);
                    }
                }
            }
        }
        return Circuit.of(index, kept);
    }

    private static void addInto(GraphIndex index, int receiver, Set<Integer> reachable) {
        for (int s = 0; s < index.senderCount(receiver); s++) {
            reachable.add(index.edge(s, receiver));
        }
    }

    /** The edges whose score is at least a threshold. */
    public static Circuit atLeast(EdgeScores scores, double threshold, boolean absolute) {
        BitSet kept = new BitSet();
        for (int e = 0; e < scores.size(); e++) {
            kept.set(e, (absolute ? Math.abs(scores.of(e)) : scores.of(e)) >= threshold);
        }
        return Circuit.of(scores.index(), kept);
    }

    /**
     * All edges that leave the {@code n} nodes with the largest sums of scores over the edges that leave them.
     *
     * @throws BadInputException if the graph has fewer nodes that write
     */
    public static Circuit topNodes(EdgeScores scores, int n, boolean absolute) {
        double[] sums = scores.bySender();
        if (n < 0 || n > sums.length) {
            throw new BadInputException("a circuit of " + sums.length + " nodes at most, found " + n);
        }
        List<Node> chosen = IntStream.range(0, sums.length)
                .boxed()
                .sorted(Comparator.comparingDouble(s -> -(absolute ? Math.abs(sums[s]) : sums[s])))
                .limit(n)
                .map(scores.index().senders()::get)
                .toList();
        return Circuit.ofNodes(scores.index(), chosen);
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
