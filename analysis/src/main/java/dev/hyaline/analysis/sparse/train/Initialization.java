package dev.hyaline.analysis.sparse.train;

import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.instrument.CounterRandom;

/** Parameters to begin with. Random numbers depend on the seed and on each parameter's place alone. */
public final class Initialization {
    /** The decoder's bias at the start. */
    public enum Bias {
        ZERO,
        MEAN,
        /** The point with the least sum of distances to all tokens. */
        GEOMETRIC_MEDIAN
    }

    private static final int MAX_ITERATIONS = 100;
    private static final double CHANGE = 1e-5;

    private Initialization() {}

    /** Rows of random directions, each of a length, {@code [n, d]}. */
    static float[] directions(int n, int d, double length, CounterRandom random) {
        float[] rows = new float[Math.multiplyExact(n, d)];
        for (int i = 0; i < n; i++) {
            CounterRandom ofRow = random.with(i);
            double squares = 0;
            double[] row = new double[d];
            for (int c = 0; c < d; c++) {
                row[c] = ofRow.gaussian(c);
                squares += row[c] * row[c];
            }
            double factor = length / Math.sqrt(squares);
            for (int c = 0; c < d; c++) {
                rows[i * d + c] = (float) (row[c] * factor);
            }
        }
        return rows;
    }

    /**
     * The mean of rows {@code [tokens, d]}.
     *
     * @throws BadShapeException if there is not at least one row of {@code d} values
     */
    public static float[] mean(float[] rows, int d) {
        requireRows(rows, d);
        double[] sums = new double[d];
        for (int i = 0; i < rows.length; i++) {
            sums[i % d] += rows[i];
        }
        int tokens = rows.length / d;
        float[] mean = new float[d];
        for (int c = 0; c < d; c++) {
            mean[c] = (float) (sums[c] / tokens);
        }
        return mean;
    }

    /**
     * The geometric median of rows, by Weiszfeld's iteration from their mean: at most 100 times, or until it moves by
     * less than 1e-5. A row that equals the guess has the weight of a distance of 1e-6 and divides nothing by zero.
     *
     * @param rows {@code [tokens, d]}
     * @throws BadShapeException if there is not at least one row of {@code d} values
     */
    public static float[] geometricMedian(float[] rows, int d) {
        requireRows(rows, d);
        int tokens = rows.length / d;
        double[] guess = new double[d];
        for (int i = 0; i < rows.length; i++) {
            guess[i % d] += (double) rows[i] / tokens;
        }
        double[] distances = new double[tokens];
        double change = Double.POSITIVE_INFINITY;
        for (int iteration = 0; iteration < MAX_ITERATIONS && change >= CHANGE; iteration++) {
            distances(rows, guess, distances);
            double sum = 0;
            double[] next = new double[d];
            for (int t = 0; t < tokens; t++) {
                double weight = 1 / Math.max(distances[t], 1e-6);
                sum += weight;
                for (int c = 0; c < d; c++) {
                    next[c] += weight * rows[t * d + c];
                }
            }
            double squares = 0;
            for (int c = 0; c < d; c++) {
                double moved = next[c] / sum;
                squares += (moved - guess[c]) * (moved - guess[c]);
                guess[c] = moved;
            }
            change = Math.sqrt(squares);
        }
        float[] median = new float[d];
        for (int c = 0; c < d; c++) {
            median[c] = (float) guess[c];
        }
        return median;
    }

    private static void requireRows(float[] rows, int d) {
        if (d < 1 || rows.length == 0 || rows.length % d != 0) {
            throw new BadShapeException("rows", "at least one of " + d + " values", rows.length + " values");
        }
    }

    private static void distances(float[] rows, double[] point, double[] into) {
        int d = point.length;
        for (int t = 0; t < into.length; t++) {
            double squares = 0;
            for (int c = 0; c < d; c++) {
                double difference = rows[t * d + c] - point[c];
                squares += difference * difference;
            }
            into[t] = Math.sqrt(squares);
        }
    }
}
