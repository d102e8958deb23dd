package dev.hyaline.instrument.dump;

import java.io.IOException;

/** A sink that spreads the rows of a dump over shards. */
interface RowWriter extends RowSink, AutoCloseable {
    /**
     * The sink that writes a plan's shards.
     *
     * @param firstShard the first that gets rows
     */
    static RowWriter of(ShardPlan plan, ShardFiles files, long firstShard) {
        return plan.isOfLatents()
                ? new LatentWriter(files, plan, firstShard)
                : new ShardWriter(files, plan, firstShard);
    }

    /** Appends a value of a tensor of integers. */
    void append(long value) throws IOException;

    /** All tensors have come up to a row: completes the shards that end before. */
    void cameThrough(long endRow) throws IOException;

    /** Waits until all shards are complete. */
    void finish() throws IOException;

    /** Gives up what is not complete. */
    @Override
    void close();
}
