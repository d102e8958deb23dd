package dev.hyaline.instrument.capture;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import java.util.Arrays;

/** The tokens a cache has recorded, all sequences laid end to end: one row per token. Immutable. */
public final class TokenRows {
    /** {@code [sequences][recorded positions]}, ascending. */
    private final int[][] positions;

    private final int[] lengths;
    /** {@code [sequences + 1]}. */
    private final int[] firstRow;

    TokenRows(int[][] positions, int[] lengths) {
        this.positions = positions;
        this.lengths = lengths;
        firstRow = new int[positions.length + 1];
        for (int s = 0; s < positions.length; s++) {
            firstRow[s + 1] = Math.addExact(firstRow[s], positions[s].length);
        }
    }

    /** Number of rows. */
    public int size() {
        return firstRow[positions.length];
    }

    public int sequences() {
        return positions.length;
    }

    /** Tokens in a sequence, recorded or not. */
    public int length(int sequence) {
        return lengths[checked(sequence)];
    }

    /** Row of a sequence's first recorded token; {@code firstRow(sequences()) == size()}. */
    public int firstRow(int sequence) {
        return firstRow[BadInputException.requireIndex("sequence", sequence, firstRow.length)];
    }

    /** The sequence of a row's token. */
    public int sequence(int row) {
        BadInputException.requireIndex("row", row, size());
        int found = Arrays.binarySearch(firstRow, row);
        int sequence = found < 0 ? -found - 2 : found;
        while (firstRow[sequence + 1] <= row) { // sequences without rows begin there too
            sequence++;
        }
        return sequence;
    }

    /** The position of a row's token in its sequence. */
    public int position(int row) {
        int sequence = sequence(row);
        return positions[sequence][row - firstRow[sequence]];
    }

    /** A sequence's recorded positions, ascending. */
    public int[] positions(int sequence) {
        return positions[checked(sequence)].clone();
    }

    /**
     * The row of a token.
     *
     * @param position in the sequence; negative from its end
     * @throws BadInputException if that position was not recorded
     */
    public int row(int sequence, int position) {
        int absolute = position < 0 ? position + length(sequence) : position;
        int index = Arrays.binarySearch(positions[checked(sequence)], absolute);
        if (index < 0) {
            throw new BadInputException("position " + position + " of sequence " + sequence + " was not recorded");
        }
        return firstRow[sequence] + index;
    }

    private int checked(int sequence) {
        return BadInputException.requireIndex("sequence", sequence, sequences());
    }

    @Override
    public String toString() {
        return Printable.plural(firstRow[lengths.length], "token") + " of "
                + Printable.plural(lengths.length, "sequence");
    }
}
