package dev.hyaline.analysis.circuit;

import dev.hyaline.engine.error.BadInputException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

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
        return new CircuitRecovery(auroc(ranks, known), averagePrecision(ranks, known), mib(scores, known));
    }

    /** The edges from the largest score down. */
    private static List<Integer> sorted(double[] scores) {
        return IntStream.range(0, scores.length)
                .boxed()
                .sorted(Comparator.comparingDouble(e -> -scores[e]))
                .toList();
    }

    private static double auroc(double[] scores, Circuit known) {
        List<Integer> sorted = sorted(scores);
        double wins = 0;
        long trueSoFar = 0;
        long others = (long) known.graphSize() - known.size();
        for (int from = 0; from < sorted.size(); ) {
            int to = from;
            long trueHere = 0;
            while (to < sorted.size() && scores[sorted.get(to)] == scores[sorted.get(from)]) {
                trueHere += known.contains((int) sorted.get(to)) ? 1 : 0;
                to++;
            }
            long othersHere = to - from - trueHere;
            wins += othersHere * (trueSoFar + trueHere / 2.0);
            trueSoFar += trueHere;
            from = to;
        }
        return wins / ((double) others * known.size());
    }

    private static double averagePrecision(double[] scores, Circuit known) {
        List<Integer> sorted = sorted(scores);
        double sum = 0;
        long trueSoFar = 0;
        for (int from = 0; from < sorted.size(); ) {
            int to = from;
            long trueHere = 0;
            while (to < sorted.size() && scores[sorted.get(to)] == scores[sorted.get(from)]) {
                trueHere += known.contains((int) sorted.get(to)) ? 1 : 0;
                to++;
            }
            trueSoFar += trueHere;
            sum += trueHere * ((double) trueSoFar / to);
            from = to;
        }
        return sum / known.size();
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
