package dev.hyaline.analysis.metric;

import dev.hyaline.engine.BadInputException;
import java.util.Arrays;
import java.util.Optional;

/**
 * The logits that a metric asked for, of one prompt.
 *
 * @param positions the rows' positions, ascending
 * @param tokens the columns' token ids; empty for the whole vocabulary
 * @param values {@code [positions, tokens]}; neither copied nor to be changed
 */
public record Logits(int[] positions, Optional<int[]> tokens, float[] values) {
    /** Number of columns. */
    public int columns() {
        return values.length / positions.length;
    }

    /** The logit of a token at a position. */
    public double at(int position, int token) {
        return values[row(position) * columns() + column(token)];
    }

    /** Natural logarithms of the probabilities at a position, {@code [dVocab]}, by a softmax in double precision. */
    public double[] logProbabilities(int position) {
        if (tokens.isPresent()) {
            throw new IllegalStateException("probabilities need all logits");
        }
        int n = columns();
        int from = row(position) * n;
        double largest = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < n; i++) {
            largest = Math.max(largest, values[from + i]);
        }
        double sum = 0;
        for (int i = 0; i < n; i++) {
            sum += Math.exp(values[from + i] - largest);
        }
        double logSum = Math.log(sum);
        double[] logProbabilities = new double[n];
        for (int i = 0; i < n; i++) {
            logProbabilities[i] = values[from + i] - largest - logSum;
        }
        return logProbabilities;
    }

    /** The token with the largest logit at a position, the lowest id among equals. */
    public int likeliest(int position) {
        int n = columns();
        int from = row(position) * n;
        int best = 0;
        for (int i = 1; i < n; i++) {
            if (values[from + i] > values[from + best]) {
                best = i;
            }
        }
        return tokens.isPresent() ? tokens.get()[best] : best;
    }

    private int row(int position) {
        int row = Arrays.binarySearch(positions, position);
        if (row < 0) {
            throw new BadInputException("logits of position " + position + " were not formed");
        }
        return row;
    }

    private int column(int token) {
        if (tokens.isEmpty()) {
            return token;
        }
        int[] columns = tokens.get();
        for (int i = 0; i < columns.length; i++) {
            if (columns[i] == token) {
                return i;
            }
        }
        throw new BadInputException("logits of token " + token + " were not formed");
    }
}
