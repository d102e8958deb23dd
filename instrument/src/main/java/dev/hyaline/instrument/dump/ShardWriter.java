package dev.hyaline.instrument.dump;

import dev.hyaline.files.Digests;
import dev.hyaline.files.FloatCodec;
import dev.hyaline.files.SafetensorsLayout;
import dev.hyaline.instrument.ElementType;
import dev.hyaline.instrument.TensorInfo;
import dev.hyaline.instrument.internal.BackgroundWriter;
import dev.hyaline.instrument.internal.FileTypes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Spreads rows over shards. Each tensor's rows come in order, the tensors in any; a shard is completed when told that
 * all its rows came. Holds no more than a few buffers. Not thread-safe.
 */
final class ShardWriter implements RowWriter {
    /** A shard being filled. */
    private static final class Open {
        final long index;
        final FileChannel channel;
        final SafetensorsLayout layout;
        long overflowed;

        Open(long index, FileChannel channel, SafetensorsLayout layout) {
            this.index = index;
            this.channel = channel;
            this.layout = layout;
        }
    }

    private final ShardFiles files;
    private final ShardPlan plan;
    private final BackgroundWriter writer = new BackgroundWriter();
    private final Deque<Open> open = new ArrayDeque<>();
    private long nextShard;

    // Where the next value goes: a tensor from begin on, a shard and a buffer from its first value on.
    private @Nullable TensorInfo tensor;
    private long row;
    private @Nullable Open shard;
    private long position;
    /** Values that the shard still takes. */
    private long room;

    private @Nullable ByteBuffer buffer;

    /**
     * Prepares to write.
     *
     * @param firstShard the first shard that gets rows
     */
    ShardWriter(ShardFiles files, ShardPlan plan, long firstShard) {
        this.files = files;
        this.plan = plan;
        this.nextShard = firstShard;
    }

    @Override
    public void begin(TensorInfo rows, long firstRow) throws IOException {
        flush();
        tensor = rows;
        row = firstRow;
        room = 0;
    }

    @Override
    public void append(float[] values, int offset, int count) throws IOException {
        for (int done = 0; done < count; ) {
            ByteBuffer to = writable();
            ElementType type = tensor().type();
            int step = (int) Math.min(count - done, Math.min(room, to.remaining() / type.bytes()));
            shard().overflowed += FloatCodec.put(to, FileTypes.of(type), values, offset + done, step);
            room -= step;
            done += step;
        }
    }

    @Override
    public void append(long value) throws IOException {
        writable().putLong(value);
        room--;
    }

    /** The buffer, which takes at least one value more, as does the shard. */
    private ByteBuffer writable() throws IOException {
        if (room == 0) {
            flush();
            place();
        }
        if (buffer != null && buffer.remaining() < tensor().type().bytes()) {
            flush();
        }
        if (buffer == null) {
            buffer = writer.buffer();
        }
        return buffer;
    }

    private TensorInfo tensor() {
        return Objects.requireNonNull(tensor);
    }

    private Open shard() {
        return Objects.requireNonNull(shard);
    }

    private void place() throws IOException {
        Open next = shard(row / plan.rowsPerShard());
        long within = row % plan.rowsPerShard();
        long left = plan.rows(next.index) - within;
        shard = next;
        position = next.layout.dataOffset(tensor().name()) + within * tensor().bytes();
        room = left * tensor().elements();
        row += left;
    }

    private Open shard(long index) throws IOException {
        while (nextShard <= index) {
            SafetensorsLayout layout = plan.layout(nextShard);
            open.addLast(new Open(nextShard, files.begin(ShardPlan.fileName(nextShard)), layout));
            nextShard++;
        }
        return open.stream()
                .filter(candidate -> candidate.index == index)
                .findFirst()
                .orElseThrow();
    }

    private void flush() throws IOException {
        if (buffer != null) {
            int bytes = buffer.position();
            writer.write(shard().channel, position, buffer);
            position += bytes;
            buffer = null;
        }
    }

    @Override
    public void cameThrough(long endRow) throws IOException {
        flush();
        while (!open.isEmpty() && endOf(open.getFirst()) <= endRow) {
            Open full = open.removeFirst();
            writer.complete(() -> complete(full));
        }
    }

    private long endOf(Open filled) {
        return filled.index * plan.rowsPerShard() + plan.rows(filled.index);
    }

    private void complete(Open full) throws IOException {
        String name = ShardPlan.fileName(full.index);
        full.layout.writeFrame(full.channel, new int[0]);
        String sha256 = Digests.sha256(full.channel);
        full.channel.force(true);
        files.complete(new Shard(name, plan.rows(full.index), full.layout.fileBytes(), sha256, full.overflowed));
    }

    @Override
    public void finish() throws IOException {
        writer.finish();
    }

    @Override
    public void close() {
        writer.close();
    }
}
