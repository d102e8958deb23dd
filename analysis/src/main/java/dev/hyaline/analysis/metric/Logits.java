package dev.hyaline.analysis.metric;

import dev.hyaline.engine.NextToken;
import dev.hyaline.engine.error.BadInputException;
import java.util.Arrays;

/**
 * The logits that a metric asked for, of one prompt. Methods without a position read the last one.
 *
 * @param positions the rows' positions, ascending
 * @param tokens the columns' token ids; empty for the whole vocabulary
 * @param values {@code [positions, tokens]}; neither copied nor to be changed
 */
public record Logits(int[] positions, int[] tokens, float[] values) {
    private static final int[] ALL = {};

    /** Logits of the whole vocabulary. */
    public Logits(int[] positions, float[] values) {
        this(positions, ALL, values);
    }

    /** Number of columns. */
    public int columns() {
        return values.length / positions.length;
    }

    /**
     * The logit of a token at the last position.
     *
     * @throws BadInputException if it was not formed
     */
    public double at(int token) {
        return at(last(), token);
    }

    /**
     * The logit of a token at a position.
     *
     * @throws BadInputException if it was not formed
     */
    public double at(int position, int token) {
        return values[row(position) * columns() + column(token)];
    }

    /** Natural logarithm of a token's probability at the last position. */
    public double logProbability(int token) {
        requireAll();
        return logProbabilities()[column(token)];
    }

    /** As {@link #logProbabilities(int)}, at the last position. */
    public double[] logProbabilities() {
        return logProbabilities(last());
    }

    /**
     * Natural logarithms of the probabilities at a position, {@code [dVocab]}, by a softmax in double precision.
     *
     * @throws BadInputException if not all logits of the position were formed
     */
    public double[] logProbabilities(int position) {
        requireAll();
        int n = columns();
        int from = row(position) * n;
        return NextToken.logProbabilities(Arrays.copyOfRange(values, from, from + n));
    }

    /** As {@link #likeliest(int)}, at the last position. */
    public int likeliest() {
        return likeliest(last());
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
        return isAll() ? best : tokens[best];
    }

    private boolean isAll() {
        return tokens.length == 0;
    }

    private void requireAll() {
        if (!isAll()) {
            throw new BadInputException(
                    "probabilities need the logits of all tokens, but those of " + tokens.length + " were formed");
        }
    }

    private int last() {
        return positions[positions.length - 1];
    }

    private int row(int position) {
        int row = Arrays.binarySearch(positions, position);
        if (row < 0) {
            throw new BadInputException("logits of position " + position + " were not formed; there are those of "
                    + Arrays.toString(positions));
        }
        return row;
    }

    int column(int token) {
        if (isAll()) {
            return BadInputException.requireIndex("token", token, columns());
        }
        for (int i = 0; i < tokens.length; i++) {
            if (tokens[i] == token) {
                return i;
            }
        }
        throw new BadInputException("logits of token " + token + " were not formed");
    }

    /** The shape. */
    @Override
    public String toString() {
        return "logits [position " + positions.length + ", token " + columns() + "]";
    }
}
