package dev.hyaline.instrument.dump;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import java.util.Random;

/**
 * An order in which to read the rows of an {@link ActivationStore}, each once: as they lie, or shuffled. A shuffled
 * order is a permutation of all rows that takes no memory and can be entered anywhere, so that training can go on where
 * it stopped: a Feistel network over the row numbers, as format-preserving encryption has it (Black and Rogaway 2002,
 * "Ciphers with arbitrary finite domains"), whose keys come from the seed. The same on every machine. Not thread-safe.
 */
public final class RowOrder {
    private static final int ROUNDS = 8;

    private final long rows;
    /** None for rows as they lie. */
    private final long[] keys;

    private final int halfBits;
    private long next;

    private RowOrder(long rows, long[] keys) {
        this.rows = rows;
        this.keys = keys;
        // The least power of four that holds all row numbers.
        this.halfBits = Math.max(1, (Long.SIZE - Long.numberOfLeadingZeros(rows - 1) + 1) / 2);
    }

    static RowOrder asTheyLie(long rows) {
        return new RowOrder(rows, new long[0]);
    }

    /** Every one of so many rows once, in an order that depends on their number and the seed alone. */
    public static RowOrder shuffled(long rows, long seed) {
        if (rows < 1) {
            throw new BadInputException("an order needs at least one row, found " + rows);
        }
        return new RowOrder(rows, new Random(seed).longs(ROUNDS).toArray());
    }

    /**
     * The next rows.
     *
     * @param into as many as fit are put here
     * @return how many; fewer than fit at the end, then 0
     */
    public int next(long[] into) {
        int count = (int) Math.min(into.length, rows - next);
        for (int i = 0; i < count; i++) {
            into[i] = row(next++);
        }
        return count;
    }

    /** Number of rows given so far. */
    public long position() {
        return next;
    }

    /** Continues as if so many rows had been given. */
    public void position(long given) {
        if (given < 0 || given > rows) {
            throw new BadInputException("an order of " + rows + " rows has no place " + given);
        }
        next = given;
    }

    /** The row at an index of the order. */
    private long row(long index) {
        if (keys.length == 0) {
            return index;
        }
        long row = index;
        do {
            row = permuted(row);
        } while (row >= rows);
        return row;
    }

    private long permuted(long value) {
        long mask = (1L << halfBits) - 1;
        long left = value >>> halfBits;
        long right = value & mask;
        for (long key : keys) {
            long mixed = left ^ (mix(right + key) & mask);
            left = right;
            right = mixed;
        }
        return left << halfBits | right;
    }

    /** The finalizer of SplitMix64 (Steele, Lea and Flood 2014). */
    private static long mix(long value) {
        long z = value;
        z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
        z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
        return z ^ z >>> 31;
    }

    @Override
    public String toString() {
        return "a shuffled order of " + Printable.plural(rows, "row");
    }
}
