package dev.hyaline.datasets;

import com.google.flatbuffers.FlatBufferBuilder;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.util.List;
import org.apache.arrow.flatbuf.Buffer;
import org.apache.arrow.flatbuf.FieldNode;
import org.apache.arrow.flatbuf.Message;
import org.apache.arrow.flatbuf.MessageHeader;
import org.apache.arrow.flatbuf.MetadataVersion;
import org.apache.arrow.flatbuf.RecordBatch;

/**
 * Arrow's stream of messages (IPC streaming format, version 5) of windows of activations: the schema, batches of
 * windows, the end. Not thread-safe.
 */
final class ArrowStream implements AutoCloseable {
    private static final int CONTINUES = -1;
    private static final int ALIGNED = 8;

    private final WritableByteChannel out;
    private final WindowSchema schema;

    ArrowStream(OutputStream out, WindowSchema schema) throws IOException {
        this.out = Channels.newChannel(out);
        this.schema = schema;
        FlatBufferBuilder builder = new FlatBufferBuilder();
        message(builder, MessageHeader.Schema, schema.write(builder), 0);
    }

    /**
     * Writes a batch.
     *
     * @param values {@code [windows, context, width]}
     * @param tokens {@code [windows, context]}
     */
    void write(int windows, float[] values, int[] tokens) throws IOException {
        int rows = windows * schema.context();
        int count = Math.multiplyExact(rows, schema.width());
        ByteBuffer outer = offsets(windows, schema.context());
        ByteBuffer inner = offsets(rows, schema.width());
        ByteBuffer data = little(Math.multiplyExact(count, schema.bytesPerValue()));
        for (int i = 0; i < count; i++) {
            if (schema.half()) {
                data.putShort(Float.floatToFloat16(values[i]));
            } else {
                data.putFloat(values[i]);
            }
        }
        ByteBuffer ids = little(rows * Integer.BYTES);
        for (int i = 0; i < rows; i++) {
            ids.putInt(tokens[i]);
        }
        ByteBuffer none = little(0);
        // Each list's validity, then its offsets; a list of a fixed size has none; of all that are never null, nothing.
        List<ByteBuffer> buffers = List.of(none, outer, none, inner, none, data.flip(), none, none, ids.flip());

        FlatBufferBuilder builder = new FlatBufferBuilder();
        RecordBatch.startBuffersVector(builder, buffers.size());
        long at = 0;
        long[] begins = new long[buffers.size()];
        for (int i = 0; i < begins.length; i++) {
            begins[i] = at;
            at += padded(buffers.get(i).limit());
        }
        for (int i = begins.length - 1; i >= 0; i--) {
            Buffer.createBuffer(builder, begins[i], buffers.get(i).limit());
        }
        int buffersAt = builder.endVector();
        long[] nodes = {windows, rows, count, windows, rows};
        RecordBatch.startNodesVector(builder, nodes.length);
        for (int i = nodes.length - 1; i >= 0; i--) {
            FieldNode.createFieldNode(builder, nodes[i], 0);
        }
        int nodesAt = builder.endVector();
        RecordBatch.startRecordBatch(builder);
        RecordBatch.addLength(builder, windows);
        RecordBatch.addNodes(builder, nodesAt);
        RecordBatch.addBuffers(builder, buffersAt);
        message(builder, MessageHeader.RecordBatch, RecordBatch.endRecordBatch(builder), at);
        for (ByteBuffer buffer : buffers) {
            write(buffer);
        }
    }

    private static ByteBuffer offsets(int lists, int length) {
        ByteBuffer offsets = little((lists + 1) * Integer.BYTES);
        for (int i = 0; i <= lists; i++) {
            offsets.putInt(Math.multiplyExact(i, length));
        }
        return offsets.flip();
    }

    private void message(FlatBufferBuilder builder, byte kind, int header, long bodyBytes) throws IOException {
        Message.startMessage(builder);
        Message.addVersion(builder, MetadataVersion.V5);
        Message.addHeaderType(builder, kind);
        Message.addHeader(builder, header);
        Message.addBodyLength(builder, bodyBytes);
        builder.finish(Message.endMessage(builder));
        byte[] metadata = builder.sizedByteArray();
        ByteBuffer head = little(2 * Integer.BYTES);
        head.putInt(CONTINUES).putInt(padded(metadata.length));
        write(head.flip());
        write(ByteBuffer.wrap(metadata));
    }

    /** Writes bytes, and zeros up to where the next may begin. */
    private void write(ByteBuffer bytes) throws IOException {
        int padding = padded(bytes.limit()) - bytes.limit();
        for (ByteBuffer part : new ByteBuffer[] {bytes.duplicate(), ByteBuffer.allocate(padding)}) {
            while (part.hasRemaining()) {
                out.write(part);
            }
        }
    }

    private static int padded(int bytes) {
        return Math.ceilDiv(bytes, ALIGNED) * ALIGNED;
    }

    private static ByteBuffer little(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Ends the stream, and closes what it is written to. */
    @Override
    public void close() throws IOException {
        write(little(2 * Integer.BYTES).putInt(CONTINUES).putInt(0).flip());
        out.close();
    }
}
