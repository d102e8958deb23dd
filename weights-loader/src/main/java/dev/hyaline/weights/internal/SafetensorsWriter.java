package dev.hyaline.weights.internal;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.TensorSource;
import dev.hyaline.engine.TensorSpec;
import dev.hyaline.weights.StorageDtype;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/** Writes a model's tensors as Hugging Face does, in rows read from their source as they are needed. */
public final class SafetensorsWriter {
    private static final int CHUNK = 1 << 17;

    private final TensorSource source;
    private final List<Planned> tensors = new ArrayList<>();

    private record Planned(TensorSpec spec, StorageDtype dtype) {
        long bytes() {
            return dtype.bytes(spec.elements());
        }
    }

    public SafetensorsWriter(TensorSource source) {
        this.source = source;
    }

    /** Adds a tensor, to be rounded to a type that is not kept in blocks. */
    public void add(TensorSpec spec, StorageDtype dtype) {
        tensors.add(new Planned(spec, dtype));
    }

    /**
     * Writes the file, and to the disk.
     *
     * @param progress told how many values have been written since it was last told
     * @throws BadInputException if a value is beyond the type that it is to be rounded to
     */
    public void write(Path file, LongConsumer progress) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            writeFully(channel, ByteBuffer.wrap(header()));
            for (Planned tensor : tensors) {
                forEachChunk(tensor.spec, (values, firstRow) -> {
                    writeFully(channel, stored(tensor, values, firstRow));
                    progress.accept(values.length);
                });
            }
            channel.force(true);
        }
    }

    /**
     * Compares what has been written, to the bit, with what should have been.
     *
     * @param written the tensors of the file, opened anew
     * @param progress told how many values have been compared since it was last told
     * @return the name of the first tensor that differs; null if none does
     */
    public String firstDifference(TensorSource written, LongConsumer progress) throws IOException {
        for (Planned tensor : tensors) {
            boolean[] differs = {false};
            forEachChunk(tensor.spec, (values, firstRow) -> {
                float[] found = new float[values.length];
                written.read(tensor.spec, firstRow, values.length / tensor.spec.columns(), found, 0);
                for (int i = 0; i < values.length; i++) {
                    differs[0] |= Widening.narrow(tensor.dtype, values[i]) != Widening.narrow(tensor.dtype, found[i]);
                }
                progress.accept(values.length);
            });
            if (differs[0]) {
                return tensor.spec.name();
            }
        }
        return null;
    }

    private interface ChunkConsumer {
        void accept(float[] values, int firstRow) throws IOException;
    }

    private void forEachChunk(TensorSpec spec, ChunkConsumer consumer) throws IOException {
        int rowsAtOnce = Math.max(1, CHUNK / spec.columns());
        for (int row = 0; row < spec.rows(); row += rowsAtOnce) {
            int rows = Math.min(rowsAtOnce, spec.rows() - row);
            float[] values = new float[rows * spec.columns()];
            source.read(spec, row, rows, values, 0);
            consumer.accept(values, row);
        }
    }

    private byte[] header() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        long offset = 0;
        try (JsonGenerator json = new JsonFactory().createGenerator(ObjectWriteContext.empty(), bytes)) {
            json.writeStartObject();
            json.writeObjectPropertyStart("__metadata__");
            json.writeStringProperty("format", "pt");
            json.writeEndObject();
            for (Planned tensor : tensors) {
                json.writeObjectPropertyStart(HuggingFaceNames.prefixed(tensor.spec.name()));
                json.writeStringProperty("dtype", tensor.dtype.name());
                json.writeArrayPropertyStart("shape");
                tensor.spec.shape().forEach(json::writeNumber);
                json.writeEndArray();
                json.writeArrayPropertyStart("data_offsets");
                json.writeNumber(offset);
                offset += tensor.bytes();
                json.writeNumber(offset);
                json.writeEndArray();
                json.writeEndObject();
            }
            json.writeEndObject();
        }
        bytes.writeBytes(" ".repeat(-bytes.size() & 7).getBytes(UTF_8));
        return ByteBuffer.allocate(Long.BYTES + bytes.size())
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(bytes.size())
                .put(bytes.toByteArray())
                .array();
    }

    private static ByteBuffer stored(Planned tensor, float[] values, int firstRow) {
        ByteBuffer bytes =
                ByteBuffer.allocate((int) tensor.dtype.bytes(values.length)).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < values.length; i++) {
            int bits = Widening.narrow(tensor.dtype, values[i]);
            if (tensor.dtype == StorageDtype.F32) {
                bytes.putInt(bits);
            } else {
                bytes.putShort((short) bits);
            }
            if (!isFinite(tensor.dtype, bits)) {
                int columns = tensor.spec.columns();
                throw new BadInputException(tensor.spec.name() + " holds " + values[i] + " at row "
                        + (firstRow + i / columns) + ", column " + i % columns + ", which " + tensor.dtype
                        + " cannot; nothing has been written");
            }
        }
        return bytes.flip();
    }

    private static boolean isFinite(StorageDtype dtype, int bits) {
        return switch (dtype) {
            case F32 -> Float.isFinite(Float.intBitsToFloat(bits));
            case F16 -> (bits & 0x7C00) != 0x7C00;
            default -> (bits & 0x7F80) != 0x7F80;
        };
    }

    private static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }
}
