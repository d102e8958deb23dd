package dev.hyaline.analysis.probe;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.RecordText;
import dev.hyaline.instrument.weights.Matrix;
import java.util.ArrayList;
import java.util.List;

/**
 * Iterative null space projection: fits a probe, projects orthogonally on the null space of the directions of all
 * probes so far, and repeats until a probe does no better than the majority, or often enough. Takes away more than
 * {@link Leace}, and as long as rows are few there is always another direction to find.
 *
 * <p>Source: Ravfogel et al. (2020).
 *
 * @param method of the probes
 * @param steps most probes
 */
public record Inlp(ProbeMethod method, int steps) implements Erasure {

    /** @throws BadInputException if there is no step */
    public Inlp {
        if (steps < 1) {
            throw new BadInputException("INLP needs at least 1 step, found " + steps);
        }
    }

    /**
     * What was found.
     *
     * @param directions orthonormal, one or more from each probe
     * @param accuracies of each probe on the rows held out, before its direction was taken away; the last may be of one
     *     that found nothing
     */
    public record Found(AffineMap map, List<double[]> directions, List<Double> accuracies) {
        public Found {
            directions = List.copyOf(directions);
            accuracies = List.copyOf(accuracies);
        }

        @Override
        public String toString() {
            return RecordText.of(this);
        }
    }

    /** The map, found on rows that also say when to stop. */
    @Override
    public AffineMap fit(LabelledRows rows) {
        return find(rows, rows).map();
    }

    /**
     * The map and how it was found.
     *
     * @param heldOut the rows on which a probe must beat their majority to count
     */
    public Found find(LabelledRows rows, LabelledRows heldOut) {
        int d = rows.columns();
        double[] projection = AffineMap.identity(d).matrix().values();
        List<double[]> directions = new ArrayList<>();
        List<Double> accuracies = new ArrayList<>();
        for (int step = 0; step < steps; step++) {
            AffineMap map = new AffineMap(new Matrix(d, d, projection.clone()), new double[d], directions.size());
            LinearProbe probe = method.fit(rows.with(map.apply(rows.values())));
            double accuracy = probe.accuracy(heldOut.with(map.apply(heldOut.values())));
            accuracies.add(accuracy);
            if (accuracy <= heldOut.majority()) {
                break;
            }
            int before = directions.size();
            for (double[] weights : probe.weights()) {
                double[] direction = weights.clone();
                double length = Vectors.norm(direction);
                for (int pass = 0; pass < 2; pass++) {
                    for (double[] earlier : directions) {
                        Vectors.add(direction, 0, -Vectors.dot(earlier, direction), earlier, 0, d);
                    }
                }
                // The last of several classes' weights is the sum of the others.
                if (Vectors.norm(direction) > 1e-9 * length) {
                    double[] unit = Vectors.unit(direction);
                    directions.add(unit);
                    for (int i = 0; i < d; i++) {
                        Vectors.add(projection, i * d, -unit[i], unit, 0, d);
                    }
                }
            }
            if (directions.size() == before) {
                break;
            }
        }
        return new Found(
                new AffineMap(new Matrix(d, d, projection), new double[d], directions.size()), directions, accuracies);
    }
}
