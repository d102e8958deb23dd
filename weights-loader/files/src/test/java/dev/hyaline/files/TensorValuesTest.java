package dev.hyaline.files;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

final class TensorValuesTest {
    @TempDir
    private Path folder;

    private TensorValues open(String header, int dataBytes) throws IOException {
        byte[] json = header.getBytes(UTF_8);
        ByteBuffer bytes = ByteBuffer.allocate(8 + json.length + dataBytes)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(json.length)
                .put(json);
        Path file = Files.write(folder.resolve("a.safetensors"), bytes.array());
        return TensorValues.open(file, TestErrors.INSTANCE);
    }

    @ParameterizedTest
    @EnumSource(
            value = Dtype.class,
            names = {"F32", "F16", "BF16"})
    void whatTheWriterWritesIsReadBack(Dtype type) throws IOException {
        Path file = folder.resolve("b.safetensors");
        float[] values = {1, -2.5f, 0, 65504};
        SafetensorsLayout layout = SafetensorsLayout.of(
                List.of(
                        new TensorEntry("w", type, List.of(2L, 2L)),
                        new TensorEntry("positions", Dtype.I64, List.of(3L))),
                Map.of());
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            TensorFileWriter writer = new TensorFileWriter(channel, layout);
            writer.append("w", values, 0, 4);
            writer.append("positions", new long[] {0, 7, 2});
            writer.finish();
        }
        TensorValues read = TensorValues.open(file, TestErrors.INSTANCE);
        assertThat(read.shape("w")).containsExactly(2L, 2L);
        assertThat(read.elements("w")).isEqualTo(4);
        assertThat(read.floats("w", 1, 2)).containsExactly(-2.5f, 0);
        assertThat(read.floats("w", 3, 1)).containsExactly(FloatCodec.rounded(type, 65504));
        assertThat(read.integers("positions")).containsExactly(0, 7, 2);
        assertThat(read.counts("positions")).containsExactly(0, 7, 2);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                        + "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}",
                "{\"a\":{\"dtype\":\"F33\",\"shape\":[1],\"data_offsets\":[0,4]}}",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
                "[]"
            })
    void aHeaderThatIsNotTrueOfTheFileIsRefused(String header) {
        assertThatThrownBy(() -> open(header, 4)).hasMessageStartingWith(folder + "/a.safetensors: ");
    }

    @Test
    void valuesThatAreNotThereAreRefused() throws IOException {
        TensorValues values = open("{\"a\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8);
        assertThatThrownBy(() -> values.floats("a", 0, 1)).hasMessageContaining("tensor a: expected floats");
        assertThatThrownBy(() -> values.shape("b")).hasMessageContaining("tensor b: expected a tensor of that name");
    }

    @Test
    void aFileCutShortAfterItWasOpenedIsRefused() throws IOException {
        TensorValues values = open("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8);
        try (FileChannel channel = FileChannel.open(folder.resolve("a.safetensors"), StandardOpenOption.WRITE)) {
            channel.truncate(channel.size() - 4);
        }
        assertThatThrownBy(() -> values.floats("a", 0, 2)).hasMessageContaining("cut short");
    }
}
