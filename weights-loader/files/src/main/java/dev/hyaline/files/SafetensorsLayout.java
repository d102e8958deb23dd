package dev.hyaline.files;

import dev.hyaline.engine.error.BadInputException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The format of Hugging Face's safetensors: header length, JSON header padded with spaces to a multiple of 8, values
 * without gaps.
 */
public final class SafetensorsLayout implements FileLayout {
    private final List<TensorEntry> tensors;
    private final byte[] header;
    private final long[] offsets;

    private SafetensorsLayout(List<TensorEntry> tensors, byte[] header, long[] offsets) {
        this.tensors = tensors;
        this.header = header;
        this.offsets = offsets;
    }

    /** A layout with wider types first, then by name. */
    public static SafetensorsLayout of(List<TensorEntry> tensors, Map<String, String> metadata) {
        return inOrder(tensors.stream().sorted(FILE_ORDER).toList(), metadata);
    }

    /** A layout in the given order. */
    public static SafetensorsLayout inOrder(List<TensorEntry> tensors, Map<String, String> metadata) {
        long[] offsets = new long[tensors.size() + 1];
        for (int t = 0; t < tensors.size(); t++) {
            offsets[t + 1] = Math.addExact(offsets[t], tensors.get(t).bytes());
        }
        byte[] header = header(tensors, offsets, metadata);
        if (header.length > SafetensorsHeader.MAX_LENGTH) {
            throw new BadInputException("a safetensors file cannot list " + tensors.size()
                    + " tensors; leave out the attention maps or use prompts of one length");
        }
        for (int t = 0; t < offsets.length; t++) {
            offsets[t] += Long.BYTES + header.length;
        }
        return new SafetensorsLayout(tensors, header, offsets);
    }

    private static byte[] header(List<TensorEntry> tensors, long[] offsets, Map<String, String> metadata) {
        byte[] json = JsonText.compact(out -> {
            out.writeStartObject();
            out.writeObjectPropertyStart("__metadata__");
            new TreeMap<>(metadata).forEach(out::writeStringProperty);
            out.writeEndObject();
            for (int t = 0; t < tensors.size(); t++) {
                TensorEntry tensor = tensors.get(t);
                out.writeObjectPropertyStart(tensor.name());
                out.writeStringProperty("dtype", tensor.dtype().name());
                out.writeArrayPropertyStart("shape");
                tensor.shape().forEach(out::writeNumber);
                out.writeEndArray();
                out.writeArrayPropertyStart("data_offsets");
                out.writeNumber(offsets[t]);
                out.writeNumber(offsets[t + 1]);
                out.writeEndArray();
                out.writeEndObject();
            }
            out.writeEndObject();
        });
        byte[] padded = Arrays.copyOf(json, Math.ceilDiv(json.length, Long.BYTES) * Long.BYTES);
        Arrays.fill(padded, json.length, padded.length, (byte) ' ');
        return padded;
    }

    @Override
    public List<TensorEntry> tensors() {
        return tensors;
    }

    @Override
    public long dataOffset(int tensor) {
        return offsets[tensor];
    }

    /** The offset in the file of a named tensor's first value. */
    public long dataOffset(String name) {
        for (int t = 0; t < tensors.size(); t++) {
            if (tensors.get(t).name().equals(name)) {
                return offsets[t];
            }
        }
        throw new IllegalArgumentException("the file has no tensor " + name);
    }

    /** The bytes of the file before the values. */
    public byte[] head() {
        return ByteBuffer.allocate(Long.BYTES + header.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(header.length)
                .put(header)
                .array();
    }

    @Override
    public long fileBytes() {
        return offsets[tensors.size()];
    }

    @Override
    public boolean checksummed() {
        return false;
    }

    @Override
    public byte[] prologue(int tensor) {
        return new byte[0];
    }

    @Override
    public void writeFrame(FileChannel channel, int[] crc32) throws IOException {
        FileLayout.writeFully(channel, ByteBuffer.wrap(head()), 0);
    }
}
