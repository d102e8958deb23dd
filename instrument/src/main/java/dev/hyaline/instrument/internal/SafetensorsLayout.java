package dev.hyaline.instrument.internal;

import dev.hyaline.engine.BadInputException;
import dev.hyaline.instrument.TensorInfo;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * The format of Hugging Face's safetensors: header length, JSON header padded with spaces to a multiple of 8, values
 * without gaps.
 */
public final class SafetensorsLayout implements FileLayout {
    /** The reference reader takes no header above this. */
    private static final int MAX_HEADER = 100_000_000;

    private final List<TensorInfo> tensors;
    private final byte[] header;
    private final long[] offsets;

    private SafetensorsLayout(List<TensorInfo> tensors, byte[] header, long[] offsets) {
        this.tensors = tensors;
        this.header = header;
        this.offsets = offsets;
    }

    public static SafetensorsLayout of(List<TensorInfo> tensors, Map<String, String> metadata) {
        List<TensorInfo> sorted = tensors.stream().sorted(FILE_ORDER).toList();
        long[] offsets = new long[sorted.size() + 1];
        for (int t = 0; t < sorted.size(); t++) {
            offsets[t + 1] = Math.addExact(offsets[t], sorted.get(t).bytes());
        }
        byte[] header = header(sorted, offsets, metadata);
        if (header.length > MAX_HEADER) {
            throw new BadInputException("a safetensors file cannot list " + sorted.size()
                    + " tensors; leave out the attention maps or use prompts of one length");
        }
        for (int t = 0; t < offsets.length; t++) {
            offsets[t] += Long.BYTES + header.length;
        }
        return new SafetensorsLayout(sorted, header, offsets);
    }

    private static byte[] header(List<TensorInfo> tensors, long[] offsets, Map<String, String> metadata) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (JsonGenerator json = new JsonFactory().createGenerator(ObjectWriteContext.empty(), bytes)) {
            json.writeStartObject();
            json.writeObjectPropertyStart("__metadata__");
            new TreeMap<>(metadata).forEach(json::writeStringProperty);
            json.writeEndObject();
            for (int t = 0; t < tensors.size(); t++) {
                TensorInfo tensor = tensors.get(t);
                json.writeObjectPropertyStart(tensor.name());
                json.writeStringProperty("dtype", tensor.type().name());
                json.writeArrayPropertyStart("shape");
                tensor.shape().forEach(json::writeNumber);
                json.writeEndArray();
                json.writeArrayPropertyStart("data_offsets");
                json.writeNumber(offsets[t]);
                json.writeNumber(offsets[t + 1]);
                json.writeEndArray();
                json.writeEndObject();
            }
            json.writeEndObject();
        }
        while (bytes.size() % 8 != 0) {
            bytes.write(' ');
        }
        return bytes.toByteArray();
    }

    @Override
    public List<TensorInfo> tensors() {
        return tensors;
    }

    @Override
    public long dataOffset(int tensor) {
        return offsets[tensor];
    }

    /** As {@link #dataOffset(int)}, of the tensor of a name. */
    public long dataOffset(String name) {
        for (int t = 0; t < tensors.size(); t++) {
            if (tensors.get(t).name().equals(name)) {
                return offsets[t];
            }
        }
        throw new IllegalArgumentException("the file has no tensor " + name);
    }

    /** The file's first bytes, up to the values. */
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
