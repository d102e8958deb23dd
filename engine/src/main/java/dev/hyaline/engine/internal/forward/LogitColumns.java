package dev.hyaline.engine.internal.forward;

import java.util.Arrays;

/** The columns of the vocabulary that logits are formed of: all, or chosen tokens in an order. */
public final class LogitColumns {
    /** Every token of the vocabulary. */
    public static final LogitColumns ALL = new LogitColumns(new int[0]);

    /** Empty for all: a choice has at least one. */
    private final int[] tokens;

    private LogitColumns(int[] tokens) {
        this.tokens = tokens;
    }

    /** Chosen token ids, at least one; the array is not copied. */
    public static LogitColumns of(int[] tokens) {
        if (tokens.length == 0) {
            throw new IllegalArgumentException("no columns");
        }
        return new LogitColumns(tokens);
    }

    /** Returns whether they are the whole vocabulary. */
    public boolean isAll() {
        return tokens.length == 0;
    }

    /** Number of columns. */
    public int count(int dVocab) {
        return isAll() ? dVocab : tokens.length;
    }

    /** The token id of a column. */
    public int token(int column) {
        return isAll() ? column : tokens[column];
    }

    /** The chosen token ids themselves; empty for all. */
    public int[] tokens() {
        return tokens;
    }

    /** Returns whether the columns are the same. */
    public boolean sameAs(LogitColumns other) {
        return Arrays.equals(tokens, other.tokens);
    }
}
