package dev.hyaline.engine;

import java.util.Optional;

/**
 * Which logits a pass computes: rows of the batch and columns of the vocabulary. What is not selected costs nothing.
 */
public final class LogitSelection {
    /** Which rows. */
    public enum Rows {
        ALL,
        /** The last row of each sequence. */
        LAST,
        NONE,
        /** Those of {@link LogitSelection#chosenRows}. */
        CHOSEN
    }

    private final Rows rows;
    private final int[] chosenRows;
    private final Optional<int[]> columns;

    private LogitSelection(Rows rows, int[] chosenRows, Optional<int[]> columns) {
        this.rows = rows;
        this.chosenRows = chosenRows;
        this.columns = columns;
    }

    /** Every row, every column. */
    public static LogitSelection all() {
        return new LogitSelection(Rows.ALL, new int[0], Optional.empty());
    }

    /** The last row of each sequence, every column. */
    public static LogitSelection last() {
        return new LogitSelection(Rows.LAST, new int[0], Optional.empty());
    }

    /** No logits: the pass ends with the last block. */
    public static LogitSelection none() {
        return new LogitSelection(Rows.NONE, new int[0], Optional.empty());
    }

    /** Chosen rows of the batch (sequences end to end), strictly ascending; every column. */
    public static LogitSelection rows(int... rows) {
        for (int i = 1; i < rows.length; i++) {
            if (rows[i] <= rows[i - 1]) {
                throw new BadInputException("logit rows must ascend, found " + rows[i] + " after " + rows[i - 1]);
            }
        }
        return new LogitSelection(Rows.CHOSEN, rows.clone(), Optional.empty());
    }

    /** The same rows, but only the logits of these token ids, in this order. */
    public LogitSelection columns(int... tokens) {
        return new LogitSelection(rows, chosenRows, Optional.of(tokens.clone()));
    }

    public Rows rows() {
        return rows;
    }

    public int[] chosenRows() {
        return chosenRows.clone();
    }

    /** Token ids of the columns; empty for the whole vocabulary. */
    public Optional<int[]> columns() {
        return columns.map(int[]::clone);
    }
}
