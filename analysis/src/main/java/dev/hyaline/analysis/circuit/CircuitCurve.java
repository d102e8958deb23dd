package dev.hyaline.analysis.circuit;

import dev.hyaline.analysis.causal.SweepOptions;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.RecordText;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Faithfulness of circuits of growing size, as MIB measures it: the share of the distance between the metric with every
 * edge ablated and the whole model's that a circuit restores. It can exceed 1 and be negative.
 *
 * @param method whose scores the circuits come from
 * @param selection the way from scores to circuits
 * @param full the mean metric of the whole model
 * @param empty the mean metric with every edge ablated
 */
public record CircuitCurve(String method, CircuitSelection selection, double full, double empty, List<Point> points) {
    /** MIB's sizes, as fractions of all edges. */
    private static final double[] FRACTIONS = {.001, .002, .005, .01, .02, .05, .1, .2, .5, 1};

    /** Below this share of the metric's own size, the whole model is no better than none of it. */
    private static final double LEAST_DISTANCE = 1e-6;

    /**
     * One circuit.
     *
     * @param fraction of all edges that was asked for
     * @param asked number of edges that were selected
     * @param kept number of edges after pruning
     * @param metric mean over pairs
     */
    public record Point(double fraction, int asked, int kept, double metric, double faithfulness) {}

    public CircuitCurve {
        points = List.copyOf(points);
    }

    /** MIB's sizes, as fractions of all edges. */
    public static double[] fractions() {
        return FRACTIONS.clone();
    }

    /** Prunes and measures the circuits of MIB's sizes. */
    public static CircuitCurve measure(CircuitExperiment experiment, EdgeScores scores, CircuitSelection selection) {
        return measure(experiment, scores, selection, true, FRACTIONS);
    }

    /** As {@link #measure(CircuitExperiment, EdgeScores, CircuitSelection)}, and tells of each run. */
    public static CircuitCurve measure(
            CircuitExperiment experiment, EdgeScores scores, CircuitSelection selection, SweepOptions options) {
        return measure(experiment, scores, selection, true, options, FRACTIONS);
    }

    /**
     * Measures the circuits of some sizes.
     *
     * @param pruned whether dead ends are left out first
     * @param fractions of all edges, ascending, rounded down to whole edges
     * @throws BadInputException if the metric is the same with every edge and with none, or the scores are of another
     *     graph
     */
    public static CircuitCurve measure(
            CircuitExperiment experiment,
            EdgeScores scores,
            CircuitSelection selection,
            boolean pruned,
            double... fractions) {
        return measure(experiment, scores, selection, pruned, SweepOptions.none(), fractions);
    }

    private static CircuitCurve measure(
            CircuitExperiment experiment,
            EdgeScores scores,
            CircuitSelection selection,
            boolean pruned,
            SweepOptions options,
            double... fractions) {
        if (!experiment.index().isOfSameShape(scores.index())) {
            throw new BadInputException("the scores by " + scores.method() + " are of a graph of "
                    + scores.config().nLayers() + " layers and "
                    + scores.config().nHeads()
                    + " heads, but the model has " + experiment.config().nLayers() + " and "
                    + experiment.config().nHeads());
        }
        List<Circuit> circuits = new ArrayList<>(List.of(experiment.full(), experiment.empty()));
        int[] asked = new int[fractions.length];
        for (int i = 0; i < asked.length; i++) {
            if (!(fractions[i] > 0 && fractions[i] <= 1) || (i > 0 && fractions[i] <= fractions[i - 1])) {
                throw new BadInputException("fractions of the edges must ascend, above 0 and to 1 at most, found "
                        + Arrays.toString(fractions));
            }
            asked[i] = (int) Math.floor(fractions[i] * scores.size());
            Circuit selected = selection.select(scores, asked[i]);
            circuits.add(pruned ? selected.pruned() : selected);
        }
        double[][] measured = experiment.measure(circuits, options);
        double full = CircuitExperiment.mean(measured[0]);
        double empty = CircuitExperiment.mean(measured[1]);
        List<Point> points = new ArrayList<>();
        for (int i = 0; i < asked.length; i++) {
            double metric = CircuitExperiment.mean(measured[i + 2]);
            points.add(new Point(
                    fractions[i],
                    asked[i],
                    circuits.get(i + 2).size(),
                    metric,
                    faithfulness(experiment, metric, full, empty)));
        }
        return new CircuitCurve(scores.method(), selection, full, empty, points);
    }

    /**
     * Measures one more circuit, of any size, pruned.
     *
     * @param experiment that the curve was measured in
     * @param scores that its circuits come from
     * @param edges to select
     * @throws BadInputException if the graph has fewer
     */
    public Point at(CircuitExperiment experiment, EdgeScores scores, int edges) {
        Circuit circuit = selection.select(scores, edges).pruned();
        double value = experiment.mean(circuit);
        return new Point(
                (double) edges / scores.size(),
                edges,
                circuit.size(),
                value,
                faithfulness(experiment, value, full, empty));
    }

    /**
     * The share of the distance from {@code empty} to {@code full}.
     *
     * @throws BadInputException if there is none
     */
    static double faithfulness(CircuitExperiment experiment, double metric, double full, double empty) {
        double distance = full - empty;
        if (!(Math.abs(distance) > LEAST_DISTANCE * Math.max(Math.abs(full), Math.abs(empty)))) {
            throw new BadInputException("the " + experiment.metric().quantity() + " is " + full
                    + " with every edge and " + empty + " with none; there is no distance to restore");
        }
        return (metric - empty) / distance;
    }

    /**
     * The area under the curve by the trapezium rule over the fractions themselves, from the first to the last: MIB's
     * CPR where large scores are selected. At most .999 over MIB's sizes unless a circuit does better than the model.
     */
    public double area() {
        return area(points.stream().mapToDouble(Point::faithfulness).toArray());
    }

    /** The area between the curve and 1, on either side: MIB's CMD where large absolute scores are selected. */
    public double areaFromOne() {
        return area(points.stream()
                .mapToDouble(point -> Math.abs(1 - point.faithfulness))
                .toArray());
    }

    private double area(double[] heights) {
        double area = 0;
        for (int i = 1; i < heights.length; i++) {
            area += (points.get(i).fraction - points.get(i - 1).fraction) * (heights[i] + heights[i - 1]) / 2;
        }
        return area;
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
