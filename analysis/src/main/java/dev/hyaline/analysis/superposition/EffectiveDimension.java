package dev.hyaline.analysis.superposition;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import java.util.stream.IntStream;

/** How many dimensions activations spread over. */
public final class EffectiveDimension {
    private EffectiveDimension() {}

    /**
     * The participation ratio {@code (tr C)^2 / tr C^2} of the covariance: {@code k} where the variance lies evenly in
     * {@code k} directions, and at most the rank.
     *
     * @param x {@code [tokens, d]}
     * @throws BadShapeException if they are not whole rows
     * @throws BadInputException if there are fewer than two tokens, or all are alike
     */
    public static double of(float[] x, int d) {
        if (d < 1 || x.length % d != 0) {
            throw new BadShapeException("activations", "rows of " + d + " values", x.length + " values");
        }
        int tokens = x.length / d;
        if (tokens < 2) {
            throw new BadInputException("an effective dimension needs at least 2 tokens, found " + tokens);
        }
        double[] mean = new double[d];
        for (int i = 0; i < x.length; i++) {
            mean[i % d] += x[i];
        }
        for (int c = 0; c < d; c++) {
            mean[c] /= tokens;
        }
        double[] traces = new double[d];
        double[] squares = new double[d];
        // A row of the covariance at a time: the order of each sum is that of the tokens.
        IntStream.range(0, d).parallel().forEach(a -> {
            double[] row = new double[d];
            for (int t = 0; t < tokens; t++) {
                double value = x[t * d + a] - mean[a];
                for (int c = 0; c < d; c++) {
                    row[c] += value * (x[t * d + c] - mean[c]);
                }
            }
            traces[a] = row[a];
            for (double product : row) {
                squares[a] += product * product;
            }
        });
        double trace = 0;
        double square = 0;
        for (int c = 0; c < d; c++) {
            trace += traces[c];
            square += squares[c];
        }
        if (!(trace > 0) || Double.isInfinite(square)) {
            throw new BadInputException("activations have no effective dimension: their variance is " + trace / tokens);
        }
        return trace * trace / square;
    }
}
