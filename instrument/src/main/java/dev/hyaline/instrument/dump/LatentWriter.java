package dev.hyaline.instrument.dump;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Digests;
import dev.hyaline.instrument.TensorInfo;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Writes shards of a {@link ShardPlan} of latents, of which it holds those that are being filled. Not thread-safe. */
final class LatentWriter implements RowWriter {
    /** More values than this, two gigabytes, are no shard that one machine should hold. */
    private static final long MAX_VALUES = 1L << 28;

    /** A shard that is being filled. */
    private record Open(long index, LatentCache cache) {}

    private final ShardFiles files;
    private final ShardPlan plan;
    private final Deque<Open> open = new ArrayDeque<>();
    private long nextShard;
    private @Nullable TensorInfo tensor;
    /** Index of the next value among those of the tensor from its first row on. */
    private long at;

    LatentWriter(ShardFiles files, ShardPlan plan, long firstShard) {
        this.files = files;
        this.plan = plan;
        this.nextShard = firstShard;
    }

    @Override
    public void begin(TensorInfo rows, long firstRow) {
        tensor = rows;
        at = firstRow * rows.elements();
    }

    @Override
    public void append(float[] values, int offset, int count) {
        int width = (int) Objects.requireNonNull(tensor).elements();
        for (int i = offset; i < offset + count; i++, at++) {
            if (values[i] != 0) {
                long row = at / width;
                LatentCache cache = shard(row / plan.rowsPerShard());
                cache.add((int) (row % plan.rowsPerShard()), (int) (at % width), values[i]);
                if (cache.count() > MAX_VALUES) {
                    throw new BadInputException("more than " + MAX_VALUES + " latents fire in the "
                            + plan.rows(row / plan.rowsPerShard())
                            + " tokens of a shard, which do not fit memory; write smaller shards");
                }
            }
        }
    }

    @Override
    public void append(long value) {
        if (Objects.requireNonNull(tensor).name().equals(TensorPlan.TOKENS)) {
            shard(at / plan.rowsPerShard()).token((int) value);
        }
        at++;
    }

    private LatentCache shard(long index) {
        while (nextShard <= index) {
            open.addLast(new Open(nextShard, new LatentCache(plan.form(nextShard))));
            nextShard++;
        }
        return open.stream()
                .filter(candidate -> candidate.index() == index)
                .findFirst()
                .orElseThrow()
                .cache();
    }

    @Override
    public void cameThrough(long endRow) throws IOException {
        while (!open.isEmpty()) {
            Open first = open.getFirst();
            if (first.index() * plan.rowsPerShard() + plan.rows(first.index()) > endRow) {
                return;
            }
            complete(open.removeFirst());
        }
    }

    private void complete(Open full) throws IOException {
        String name = ShardPlan.fileName(full.index());
        FileChannel channel = files.begin(name);
        long overflowed = full.cache().write(channel, ShardPlan.METADATA);
        String sha256 = Digests.sha256(channel);
        channel.force(true);
        files.complete(new Shard(name, plan.rows(full.index()), channel.size(), sha256, overflowed));
    }

    @Override
    public void finish() {
        // Each shard was written when it was full.
    }

    @Override
    public void close() {
        open.clear();
    }
}
