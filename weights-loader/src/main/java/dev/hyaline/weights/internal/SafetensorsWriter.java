package dev.hyaline.weights.internal;

import dev.hyaline.engine.TensorSource;
import dev.hyaline.engine.TensorSpec;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Dtype;
import dev.hyaline.files.FloatCodec;
import dev.hyaline.files.SafetensorsLayout;
import dev.hyaline.files.TensorEntry;
import dev.hyaline.weights.StorageDtype;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongConsumer;

/** A writer of a model's tensors in Hugging Face's form, in rows read from their source as they are needed. */
public final class SafetensorsWriter {
    private static final int CHUNK = 1 << 17;

    private final TensorSource source;
    private final List<Planned> tensors = new ArrayList<>();

    private record Planned(TensorSpec spec, StorageDtype dtype) {
        Dtype type() {
            return Dtype.valueOf(dtype.name());
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
     * Writes the file durably.
     *
     * @param progress told how many values have been written since it was last told
     * @throws BadInputException if a value is too large for the type that it is rounded to
     */
    public void write(Path file, LongConsumer progress) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            writeFully(channel, ByteBuffer.wrap(head()));
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
     * Compares the written tensors with their source, bit for bit.
     *
     * @param written the tensors of the file, opened anew
     * @param progress told how many values have been compared since it was last told
     * @return the name of the first tensor that differs; empty if none does
     */
    public Optional<String> firstDifference(TensorSource written, LongConsumer progress) throws IOException {
        for (Planned tensor : tensors) {
            boolean[] differs = {false};
            forEachChunk(tensor.spec, (values, firstRow) -> {
                float[] found = new float[values.length];
                written.read(tensor.spec, firstRow, values.length / tensor.spec.columns(), found, 0);
                for (int i = 0; i < values.length; i++) {
                    differs[0] |= FloatCodec.bits(tensor.type(), values[i]) != FloatCodec.bits(tensor.type(), found[i]);
                }
                progress.accept(values.length);
            });
            if (differs[0]) {
                return Optional.of(tensor.spec.name());
            }
        }
        return Optional.empty();
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

    private byte[] head() {
        List<TensorEntry> entries = tensors.stream()
                .map(tensor -> new TensorEntry(
                        HuggingFaceNames.prefixed(tensor.spec.name()),
                        tensor.type(),
                        tensor.spec.shape().stream().map(Integer::longValue).toList()))
                .toList();
        return SafetensorsLayout.inOrder(entries, Map.of("format", "pt")).head();
    }

    private static ByteBuffer stored(Planned tensor, float[] values, int firstRow) {
        for (int i = 0; i < values.length; i++) {
            if (!Float.isFinite(FloatCodec.rounded(tensor.type(), values[i]))) {
                int columns = tensor.spec.columns();
                throw new BadInputException(tensor.spec.name() + " holds " + values[i] + " at row "
                        + (firstRow + i / columns) + ", column " + i % columns + ", which " + tensor.dtype
                        + " cannot; nothing has been written");
            }
        }
        ByteBuffer bytes =
                ByteBuffer.allocate((int) tensor.dtype.bytes(values.length)).order(ByteOrder.LITTLE_ENDIAN);
        FloatCodec.put(bytes, tensor.type(), values, 0, values.length);
        return bytes.flip();
    }

    private static void writeFully(FileChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }
}
