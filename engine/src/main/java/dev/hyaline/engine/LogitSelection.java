package dev.hyaline.engine;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.internal.forward.LogitColumns;
import java.util.Optional;

/**
 * The logits that a pass forms: rows of the batch and columns of the vocabulary. What is not selected costs nothing.
 */
public final class LogitSelection {
    /** A choice of rows. */
    public enum Rows {
        ALL,
        /** The last row of each sequence. */
        LAST,
        NONE,
        /** Those of {@link LogitSelection#chosenRows}. */
        CHOSEN
    }

    private static final int[] NO_ROWS = {};

    private final Rows rows;
    private final int[] chosenRows;
    private final LogitColumns columns;

    private LogitSelection(Rows rows, int[] chosenRows, LogitColumns columns) {
        this.rows = rows;
        this.chosenRows = chosenRows;
        this.columns = columns;
    }

    /** Every row, every column. */
    public static LogitSelection all() {
        return new LogitSelection(Rows.ALL, NO_ROWS, LogitColumns.ALL);
    }

    /** The last row of each sequence, every column. */
    public static LogitSelection last() {
        return new LogitSelection(Rows.LAST, NO_ROWS, LogitColumns.ALL);
    }

    /** No logits: the pass ends with the last block. */
    public static LogitSelection none() {
        return new LogitSelection(Rows.NONE, NO_ROWS, LogitColumns.ALL);
    }

    /** Chosen rows of the batch (sequences end to end), strictly ascending; every column. */
    public static LogitSelection rows(int... rows) {
        for (int i = 1; i < rows.length; i++) {
            if (rows[i] <= rows[i - 1]) {
                throw new BadInputException("logit rows must ascend, found " + rows[i] + " after " + rows[i - 1]);
            }
        }
        return new LogitSelection(Rows.CHOSEN, rows.clone(), LogitColumns.ALL);
    }

    /**
     * The same rows, but only the logits of these token ids, in this order.
     *
     * @throws BadInputException if there are none
     */
    public LogitSelection columns(int... tokens) {
        if (tokens.length == 0) {
            throw new BadInputException("logit columns must name at least one token, found none");
        }
        return new LogitSelection(rows, chosenRows, LogitColumns.of(tokens.clone()));
    }

    /** The choice of rows. */
    public Rows rows() {
        return rows;
    }

    /** The rows of {@link Rows#CHOSEN}. */
    public int[] chosenRows() {
        return chosenRows.clone();
    }

    /** Token ids of the columns; empty for the whole vocabulary. */
    public Optional<int[]> columns() {
        return columns.isAll() ? Optional.empty() : Optional.of(columns.tokens().clone());
    }

    LogitColumns logitColumns() {
        return columns;
    }

    @Override
    public String toString() {
        String logits = columns.isAll() ? "logits" : "logits of " + columns.tokens().length + " tokens";
        return switch (rows) {
            case ALL -> logits + " of all positions";
            case LAST -> logits + " of the last position";
            case NONE -> "no logits";
            case CHOSEN -> logits + " of " + chosenRows.length + " positions";
        };
    }
}
