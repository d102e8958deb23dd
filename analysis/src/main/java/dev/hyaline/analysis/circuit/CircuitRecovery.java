package dev.hyaline.analysis.circuit;

import dev.hyaline.analysis.statistics.compare.Auroc;
import dev.hyaline.engine.error.BadInputException;
import java.util.ArrayList;
import java.util.List;

/**
 * How well scores tell a known circuit's edges from all others. Edges that no score was given for score 0, and are not
 * counted as found.
 *
 * @param auroc the chance that a true edge's score exceeds another edge's, ties counting half
 * @param averagePrecision the mean, over the true edges, of the share of true edges among those with scores at least as
 *     large; chance is the share of true edges among all
 * @param mib the area as MIB computes it: of the circuits that {@link CircuitSelection#GREEDY_ABSOLUTE} selects at its
 *     ten sizes, pruned, true positive rate over false positive rate by the trapezium rule, divided by the last false
 *     positive rate
 */
public record CircuitRecovery(double auroc, double averagePrecision, double mib) {
    /**
     * Compares scores with a circuit.
     *
     * @param absolute whether the size of a score counts, whatever its sign
     * @throws BadInputException if the circuit is of another graph, has every edge, or none
     */
    public static CircuitRecovery of(EdgeScores scores, Circuit known, boolean absolute) {
        if (!scores.index().isOfSameShape(known.index())) {
            throw new BadInputException("the known circuit is of a graph of " + known.graphSize()
                    + " edges, but there are scores of " + scores.size());
        }
        if (known.size() == 0 || known.size() == known.graphSize()) {
            throw new BadInputException("a known circuit has some edges and lacks some, found " + known.size() + " of "
                    + known.graphSize());
        }
        double[] ranks = scores.values();
        if (absolute) {
            for (int e = 0; e < ranks.length; e++) {
                ranks[e] = Math.abs(ranks[e]);
            }
        }
        double[] positive = of(ranks, known);
        double[] negative = of(ranks, known.complement());
        return new CircuitRecovery(
                Auroc.of(positive, negative).area(), Auroc.averagePrecision(positive, negative), mib(scores, known));
    }

    /** The scores of the edges that a circuit has, or lacks. */
    private static double[] of(double[] scores, Circuit circuit) {
        return circuit.keptEdges().stream().mapToDouble(e -> scores[e]).toArray();
    }

    private static double mib(EdgeScores scores, Circuit known) {
        List<double[]> rates = new ArrayList<>();
        for (double fraction : CircuitCurve.fractions()) {
            // MIB counts down from a fraction of an edge, and so takes one more.
            int n = (int) Math.min(scores.size(), Math.ceil(fraction * scores.size()));
            Circuit found = CircuitSelection.GREEDY_ABSOLUTE.select(scores, n).pruned();
            int hits = (int) found.keptEdges().stream().filter(known::contains).count();
            rates.add(new double[] {
                (found.size() - hits) / (double) (known.graphSize() - known.size()), hits / (double) known.size()
            });
        }
        double area = 0;
        for (int i = 1; i < rates.size(); i++) {
            area += (rates.get(i)[0] - rates.get(i - 1)[0]) * (rates.get(i)[1] + rates.get(i - 1)[1]) / 2;
        }
        return area / rates.getLast()[0];
    }
}
