package dev.hyaline.corpora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.Zstd;
import dev.hyaline.instrument.dump.CorpusFiles;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ZstdCompressionTest {
    private static final String TEXT =
            IntStream.range(0, 5000).mapToObj(i -> "line " + i + "\n").collect(Collectors.joining());

    @TempDir
    private Path temporary;

    private Path file(byte[]... parts) throws IOException {
        Path file = temporary.resolve("corpus.txt.zst");
        Files.write(file, new byte[0]);
        for (byte[] part : parts) {
            Files.write(file, part, java.nio.file.StandardOpenOption.APPEND);
        }
        return file;
    }

    private static String read(Path file) throws IOException {
        try (InputStream text = CorpusFiles.open(file.toString())) {
            return new String(text.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void framesAreReadOneAfterTheOther() throws IOException {
        byte[] frame = Zstd.compress(TEXT.getBytes(StandardCharsets.UTF_8));
        assertThat(read(file(frame))).isEqualTo(TEXT);
        assertThat(read(file(frame, frame))).isEqualTo(TEXT + TEXT);
        try (InputStream text =
                CorpusFiles.open(temporary.resolve("corpus.txt.zst").toString())) {
            assertThat(text.read()).isEqualTo('l');
        }
    }

    @Test
    void damagedFilesAreRefused() throws IOException {
        byte[] frame = Zstd.compress(TEXT.getBytes(StandardCharsets.UTF_8));
        for (int cut = 1; cut < frame.length; cut += 1 + frame.length / 30) {
            byte[] some = Arrays.copyOf(frame, cut);
            assertRefused(file(some));
            assertRefused(file(frame, some));
        }
        Path plain = file("this is text, whatever its name is".getBytes(StandardCharsets.UTF_8));
        assertThatThrownBy(() -> read(plain))
                .hasMessageContaining("it is not zstd data, although its name ends in .zst");
        assertRefused(file(frame, "more".getBytes(StandardCharsets.UTF_8)));
    }

    private static void assertRefused(Path file) {
        assertThatThrownBy(() -> read(file))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("its zstd data")
                .hasMessageNotContaining("No error");
    }
}
