package dev.hyaline.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class TensorFileWriterTest {
    @TempDir
    private Path temporary;

    private FileChannel channel() throws IOException {
        return FileChannel.open(
                temporary.resolve("file"),
                StandardOpenOption.CREATE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE);
    }

    private static TensorEntry floats(String name, long... shape) {
        return new TensorEntry(name, Dtype.F32, Arrays.stream(shape).boxed().toList());
    }

    @Test
    void piecesMayComeInAnyOrderAmongTensorsAndBeLargerThanTheBuffer() throws IOException {
        float[] large = new float[50_000];
        for (int i = 0; i < large.length; i++) {
            large[i] = i;
        }
        FileLayout layout = SafetensorsLayout.of(List.of(floats("b", 50_000), floats("a", 3)), Map.of());
        try (FileChannel channel = channel()) {
            TensorFileWriter writer = new TensorFileWriter(channel, layout);
            writer.append("b", large, 0, 10);
            writer.append("a", new float[] {9, 1, 2, 3, 9}, 1, 2);
            writer.append("b", large, 10, large.length - 10);
            writer.append("a", new float[] {3}, 0, 1);
            writer.finish();
            assertThat(channel.size()).isEqualTo(layout.fileBytes());
        }
        ByteBuffer bytes =
                ByteBuffer.wrap(Files.readAllBytes(temporary.resolve("file"))).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(layout.tensors()).extracting(TensorEntry::name).containsExactly("a", "b");
        int at = (int) layout.dataOffset(0);
        assertThat(new float[] {bytes.getFloat(at), bytes.getFloat(at + 4), bytes.getFloat(at + 8)})
                .containsExactly(1, 2, 3);
        assertThat(IntStream.range(0, large.length).allMatch(i -> bytes.getFloat(at + 12 + 4 * i) == i))
                .isTrue();
    }

    @Test
    void tooManyOrTooFewValuesAreAMistakeOfTheCaller() throws IOException {
        try (FileChannel channel = channel()) {
            TensorFileWriter writer =
                    new TensorFileWriter(channel, SafetensorsLayout.of(List.of(floats("a", 3)), Map.of()));
            writer.append("a", new float[2], 0, 2);
            assertThatThrownBy(writer::finish).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> writer.append("a", new float[2], 0, 2)).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void countsFiniteValuesThatBecomeInfinite() throws IOException {
        float[] values = {65504, 65519, 65520, -1e6f, Float.POSITIVE_INFINITY, Float.NaN};
        TensorEntry half = new TensorEntry("a", Dtype.F16, List.of(6L));
        TensorEntry brain = new TensorEntry("b", Dtype.BF16, List.of(6L));
        try (FileChannel channel = channel()) {
            TensorFileWriter writer =
                    new TensorFileWriter(channel, SafetensorsLayout.of(List.of(half, brain), Map.of()));
            writer.append("a", values, 0, 6);
            assertThat(writer.overflowed()).isEqualTo(2);
            values[0] = Float.MAX_VALUE;
            writer.append("b", values, 0, 6);
            assertThat(writer.overflowed()).isEqualTo(3);
        }
    }

    /** The JDK's own reader understands every kind of zip64 record. */
    @ParameterizedTest
    @CsvSource({"4294967295, 65535", "150, 65535", "500, 65535", "4294967295, 2", "150, 2"})
    void zip64RecordsAreReadBack(long limit32, int limit16) throws IOException {
        List<TensorEntry> tensors = List.of(floats("a", 2), floats("b", 40, 2), floats("c", 1, 1, 3), floats("d", 0));
        FileLayout layout = NpzLayout.withLimits(tensors, limit32, limit16);
        try (FileChannel channel = channel()) {
            TensorFileWriter writer = new TensorFileWriter(channel, layout);
            for (TensorEntry tensor : tensors) {
                writer.append(tensor.name(), new float[80], 0, (int) tensor.bytes() / Float.BYTES);
            }
            writer.finish();
            assertThat(channel.size()).isEqualTo(layout.fileBytes());
        }
        try (ZipFile zip = new ZipFile(temporary.resolve("file").toFile())) {
            assertThat(zip.size()).isEqualTo(tensors.size());
            for (int t = 0; t < tensors.size(); t++) {
                TensorEntry tensor = layout.tensors().get(t);
                byte[] bytes =
                        zip.getInputStream(zip.getEntry(tensor.name() + ".npy")).readAllBytes();
                assertThat(bytes).hasSize(layout.prologue(t).length + (int) tensor.bytes());
                assertThat(bytes).startsWith(layout.prologue(t));
            }
        }
    }
}
