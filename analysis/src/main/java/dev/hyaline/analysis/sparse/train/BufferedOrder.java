package dev.hyaline.analysis.sparse.train;

import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.instrument.dump.RowOrder;
import org.jspecify.annotations.Nullable;

/**
 * An order of rows, each once an epoch, that takes no more of them in memory at a time than a buffer holds, and can be
 * entered anywhere. The rows, as they lie, are cut into blocks of a third of a buffer. Half of a block, chosen at
 * random, is given out shuffled among what the block before has left; the other half among the first of the next block.
 * So rows are mixed, half of what is there is given out, and the next rows come in, as in the buffers of other
 * trainers; but no row stays longer than two turns, and what is in the buffer depends on the turn alone. The third
 * block in memory lets several readers of one batch stand on both sides of a turn. Where the buffer holds all rows, the
 * order is one permutation of them. Not thread-safe.
 */
final class BufferedOrder {
    private static final int BLOCKS = 3;
    private static final long EARLY = 0;
    private static final long MIXED = 1;

    private final long rows;
    private final long seed;
    /** Rows of a block, but the last. */
    private final long block;

    private final long blocks;
    /** Rows of a whole block that are given out before the next one is there. */
    private final long early;

    private long epoch = -1;
    private long turn = -1;
    /** Rows that the block before has left for this turn. */
    private long left;

    private @Nullable RowOrder before;
    private @Nullable RowOrder here;
    private @Nullable RowOrder mixed;
    private final long[] one = new long[1];

    BufferedOrder(long rows, long bufferRows, long seed) {
        this.rows = rows;
        this.seed = seed;
        block = rows <= bufferRows ? rows : Math.max(1, bufferRows / BLOCKS);
        blocks = Math.ceilDiv(rows, block);
        early = block / 2;
    }

    /** Rows that follow one another and come into the buffer together. */
    long block() {
        return block;
    }

    /** Blocks in memory at a time. */
    int blocksAtOnce() {
        return (int) Math.min(BLOCKS, blocks);
    }

    /** The row at an index of the order, counted through all epochs. */
    long row(long index) {
        long in = index % rows;
        if (blocks == 1) {
            if (mixed == null || epoch != index / rows) {
                epoch = index / rows;
                mixed = RowOrder.shuffled(rows, seed + epoch);
            }
            return at(mixed, in);
        }
        long at = in < early ? 0 : Math.min(blocks - 1, (in - early) / block + 1);
        if (epoch != index / rows || turn != at || mixed == null) {
            enter(index / rows, at);
        }
        long drawn = at(mixed, in - (turn == 0 ? 0 : (turn - 1) * block + early));
        return drawn < left ? (turn - 1) * block + at(before, early + drawn) : turn * block + at(here, drawn - left);
    }

    private void enter(long newEpoch, long newTurn) {
        epoch = newEpoch;
        turn = newTurn;
        left = turn == 0 ? 0 : block - early;
        before = turn == 0 ? null : order(turn - 1, size(turn - 1), EARLY);
        here = order(turn, size(turn), EARLY);
        // What comes last has nothing to wait for.
        long fresh = turn == blocks - 1 ? size(turn) : early;
        mixed = left + fresh == 0 ? null : order(turn, left + fresh, MIXED);
    }

    private long size(long index) {
        return Math.min(block, rows - index * block);
    }

    private RowOrder order(long index, long size, long kind) {
        return RowOrder.shuffled(
                size,
                CounterRandom.of(seed)
                        .named("sparse/buffer")
                        .with(epoch)
                        .with(index)
                        .bits(kind));
    }

    private long at(@Nullable RowOrder order, long index) {
        if (order == null) {
            throw new IllegalStateException("no turn was entered");
        }
        order.position(index);
        order.next(one);
        return one[0];
    }
}
