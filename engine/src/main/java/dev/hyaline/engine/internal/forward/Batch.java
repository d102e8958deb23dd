package dev.hyaline.engine.internal.forward;

import dev.hyaline.engine.error.BadInputException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A ragged batch as the pass reads it: sequences end to end, one row a token.
 *
 * @param tokens {@code [rows]}
 * @param firstRow {@code [sequences + 1]}: where each sequence's rows begin; the last element is the number of rows
 * @param start {@code [sequences]}: position of each sequence's first token
 * @param past {@code [sequences]}: keys and values of earlier positions, if there are any
 * @param append {@code [sequences]}: whether the pass writes its keys and values into {@code past}
 */
public record Batch(
        int[] tokens, int[] firstRow, int[] start, @Nullable KeyValues[] past, boolean[] append) {
    /** No sequences: the batch between passes. */
    public static final Batch EMPTY = new Batch(new int[0], new int[1], new int[0], new KeyValues[0], new boolean[0]);

    public int rows() {
        return tokens.length;
    }

    public int sequences() {
        return start.length;
    }

    public int length(int sequence) {
        return firstRow[sequence + 1] - firstRow[sequence];
    }

    /** Position after a sequence's last token: the number of keys its last query sees. */
    public int end(int sequence) {
        return start[sequence] + length(sequence);
    }

    public int sequenceOf(int row) {
        int found = Arrays.binarySearch(firstRow, row);
        return found < 0 ? -found - 2 : found;
    }

    public int position(int row) {
        int sequence = sequenceOf(row);
        return start[sequence] + row - firstRow[sequence];
    }

    /**
     * Length of an array of {@code rows} times {@code width} values.
     *
     * @throws BadInputException if no array is as long
     */
    public static int arraySize(int rows, int width) {
        if ((long) rows * width > Integer.MAX_VALUE - 8) {
            throw new BadInputException(
                    rows + " rows of " + width + " values exceed an array; run or watch fewer tokens a pass");
        }
        return rows * width;
    }

    /**
     * The index at which each sequence's attention maps {@code [heads, queries, keys]} begin in a buffer of them all;
     * the last element is their total.
     *
     * @throws BadInputException if they do not fit an array
     */
    public int[] mapOffsets(int heads) {
        int[] offsets = new int[sequences() + 1];
        long total = 0;
        for (int s = 0; s < sequences(); s++) {
            total += (long) heads * length(s) * end(s);
            if (total > Integer.MAX_VALUE - 8) {
                throw new BadInputException(
                        "the attention maps of this batch exceed 2^31 values; watch fewer tokens a pass");
            }
            offsets[s + 1] = (int) total;
        }
        return offsets;
    }
}
