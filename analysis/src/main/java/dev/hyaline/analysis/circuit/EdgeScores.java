package dev.hyaline.analysis.circuit;

import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import java.util.Arrays;
import java.util.List;

/**
 * A score of every edge: by how much leaving it out makes the task worse, exactly or by an estimate. Positive scores
 * help the task, negative ones work against it. Scores are means over pairs, each counting the same; those of each pair
 * are kept where the method has them. Immutable.
 */
public final class EdgeScores {
    private final GraphIndex index;
    private final String method;
    /** By edge. */
    private final double[] means;
    /** {@code [pairs][edges]}; none if the method does not go pair by pair. */
    private final double[][] pairs;

    private EdgeScores(GraphIndex index, String method, double[] means, double[][] pairs) {
        this.index = index;
        this.method = method;
        this.means = means;
        this.pairs = pairs;
        for (int e = 0; e < means.length; e++) {
            if (!Double.isFinite(means[e])) {
                throw new BadInputException(
                        "the score of the edge " + index.edges().get(e) + " by " + method + " is " + means[e]);
            }
        }
    }

    static EdgeScores ofPairs(GraphIndex index, String method, double[][] pairs) {
        double[] means = new double[index.size()];
        for (int e = 0; e < means.length; e++) {
            double sum = 0;
            for (double[] pair : pairs) {
                sum += pair[e];
            }
            means[e] = sum / pairs.length;
        }
        return new EdgeScores(index, method, means, pairs);
    }

    static EdgeScores of(GraphIndex index, String method, double[] scores) {
        return new EdgeScores(index, method, scores, new double[0][]);
    }

    /**
     * Scores from elsewhere.
     *
     * @param method what they are called
     * @param scores in the order of {@link dev.hyaline.analysis.graph.ComputationGraph#edges()}; copied
     * @throws BadShapeException if there are more or fewer than edges
     * @throws BadInputException if one is not finite
     */
    public static EdgeScores of(Gpt2Config config, String method, double[] scores) {
        GraphIndex index = new GraphIndex(config);
        if (scores.length != index.size()) {
            throw new BadShapeException("scores by " + method, index.size() + " edges", scores.length + " values");
        }
        return of(index, method, scores.clone());
    }

    /**
     * Scores from elsewhere, of every pair.
     *
     * @param pairs {@code [pairs][edges]}; copied
     */
    public static EdgeScores ofPairs(Gpt2Config config, String method, double[][] pairs) {
        GraphIndex index = new GraphIndex(config);
        if (pairs.length == 0) {
            throw new BadInputException("there are scores of no pair by " + method);
        }
        double[][] copy = new double[pairs.length][];
        for (int pair = 0; pair < copy.length; pair++) {
            if (pairs[pair].length != index.size()) {
                throw new BadShapeException(
                        "scores by " + method, index.size() + " edges", pairs[pair].length + " values");
            }
            copy[pair] = pairs[pair].clone();
        }
        return ofPairs(index, method, copy);
    }

    public Gpt2Config config() {
        return index.config();
    }

    GraphIndex index() {
        return index;
    }

    /** The method's name, with what it depends on. */
    public String method() {
        return method;
    }

    /** Number of edges. */
    public int size() {
        return means.length;
    }

    public double of(Edge edge) {
        return means[
                index.find(edge).orElseThrow(() -> new BadInputException("there is no score of the edge " + edge))];
    }

    double of(int edge) {
        return means[edge];
    }

    /** A copy of all scores, in the order of the graph's edges. */
    public double[] values() {
        return means.clone();
    }

    /** Number of pairs whose scores are kept; 0 if the method does not go pair by pair. */
    public int pairs() {
        return pairs.length;
    }

    /** A copy of one pair's scores. */
    public double[] pair(int pair) {
        return pairs[BadInputException.requireIndex("pair", pair, pairs.length)].clone();
    }

    /** One edge's scores by pair. */
    double[] byPair(int edge) {
        return Arrays.stream(pairs).mapToDouble(pair -> pair[edge]).toArray();
    }

    /**
     * The mean scores of some pairs, which may repeat.
     *
     * @throws BadInputException if the pairs' scores are not kept
     */
    public EdgeScores ofSome(int... chosen) {
        if (pairs.length == 0) {
            throw new BadInputException("scores by " + method + " are not kept by pair");
        }
        double[][] some = Arrays.stream(chosen)
                .mapToObj(pair -> pairs[BadInputException.requireIndex("pair", pair, pairs.length)])
                .toArray(double[][]::new);
        return ofPairs(index, method, some);
    }

    /** The sum of the scores of the edges that leave each node but the logits, in the order of a pass. */
    public double[] bySender() {
        double[] sums = new double[index.senders().size()];
        for (int e = 0; e < means.length; e++) {
            sums[index.senderOf(e)] += means[e];
        }
        return sums;
    }

    /** The nodes that {@link #bySender} counts. */
    public List<Node> senders() {
        return index.senders();
    }

    @Override
    public String toString() {
        return "Scores of " + size() + " edges by " + method;
    }
}
