package dev.hyaline.files;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.zip.CRC32;

/**
 * A writer that fills a file's tensors piece by piece, in any order among them, through one small buffer. Not
 * thread-safe.
 */
public final class TensorFileWriter {
    private static final int BUFFER_BYTES = 1 << 16;

    private final FileChannel channel;
    private final FileLayout layout;
    private final Map<String, Integer> indices = new HashMap<>();
    private final long[] written;
    private final CRC32[] checksums;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private long overflowed;

    public TensorFileWriter(FileChannel channel, FileLayout layout) {
        this.channel = channel;
        this.layout = layout;
        List<TensorEntry> tensors = layout.tensors();
        this.written = new long[tensors.size()];
        this.checksums = new CRC32[tensors.size()];
        for (int t = 0; t < tensors.size(); t++) {
            indices.put(tensors.get(t).name(), t);
            if (layout.checksummed()) {
                checksums[t] = new CRC32();
                checksums[t].update(layout.prologue(t));
            }
        }
    }

    /** Appends values to a tensor of floats, converted to its type. */
    public void append(String tensor, float[] values, int offset, int length) throws IOException {
        int index = index(tensor);
        Dtype type = layout.tensors().get(index).dtype();
        int step = BUFFER_BYTES / type.bytes();
        for (int done = 0; done < length; done += step) {
            int count = Math.min(step, length - done);
            overflowed += FloatCodec.put(buffer.clear(), type, values, offset + done, count);
            write(index, buffer.flip());
        }
    }

    /** Appends values to a tensor of F64, whose bits are kept. */
    public void append(String tensor, double[] values, int offset, int length) throws IOException {
        int index = index(tensor);
        int step = BUFFER_BYTES / Double.BYTES;
        for (int done = 0; done < length; done += step) {
            int count = Math.min(step, length - done);
            buffer.clear();
            buffer.asDoubleBuffer().put(values, offset + done, count);
            write(index, buffer.limit(count * Double.BYTES));
        }
    }

    /** Appends values to a tensor of integers. */
    public void append(String tensor, long[] values) throws IOException {
        int index = index(tensor);
        int step = BUFFER_BYTES / Long.BYTES;
        for (int done = 0; done < values.length; done += step) {
            int count = Math.min(step, values.length - done);
            buffer.clear();
            buffer.asLongBuffer().put(values, done, count);
            write(index, buffer.limit(count * Long.BYTES));
        }
    }

    /** Appends values to a tensor of U16, I32, U32 or I64, which hold them. */
    public void append(String tensor, int[] values, int offset, int length) throws IOException {
        int index = index(tensor);
        int bytes = layout.tensors().get(index).dtype().bytes();
        int step = BUFFER_BYTES / bytes;
        for (int done = 0; done < length; done += step) {
            int end = Math.min(length, done + step);
            buffer.clear();
            for (int i = offset + done; i < offset + end; i++) {
                switch (bytes) {
                    case Short.BYTES -> buffer.putShort((short) values[i]);
                    case Integer.BYTES -> buffer.putInt(values[i]);
                    default -> buffer.putLong(values[i]);
                }
            }
            write(index, buffer.flip());
        }
    }

    private int index(String tensor) {
        return Objects.requireNonNull(indices.get(tensor), tensor);
    }

    private void write(int index, ByteBuffer bytes) throws IOException {
        int size = bytes.remaining();
        if (written[index] + size > layout.tensors().get(index).bytes()) {
            throw new IllegalStateException(
                    "more values than fit " + layout.tensors().get(index));
        }
        if (layout.checksummed()) {
            checksums[index].update(bytes);
            bytes.rewind();
        }
        FileLayout.writeFully(channel, bytes, layout.dataOffset(index) + written[index]);
        written[index] += size;
    }

    /** Completes the file once every tensor is full. */
    public void finish() throws IOException {
        int[] crc32 = new int[written.length];
        for (int t = 0; t < written.length; t++) {
            TensorEntry tensor = layout.tensors().get(t);
            if (written[t] != tensor.bytes()) {
                throw new IllegalStateException("only " + written[t] + " bytes came for " + tensor);
            }
            crc32[t] = layout.checksummed() ? (int) checksums[t].getValue() : 0;
        }
        layout.writeFrame(channel, crc32);
    }

    /** The number of finite values so far that became infinite because they are too large for the type. */
    public long overflowed() {
        return overflowed;
    }
}
