package dev.hyaline.weights.internal.tensorflow;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class MaskedCrcTest {
    private static final int BYTES = 1 << 18;

    @TempDir
    private Path folder;

    @Test
    void mappedMemoryHasTheChecksumOfItsBytes() throws IOException {
        byte[] bytes = new byte[BYTES + 5];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (i * 31);
        }
        try (Arena arena = Arena.ofConfined()) {
            int expected = MaskedCrc.of(MemorySegment.ofArray(bytes));
            assertThat(MaskedCrc.of(map(bytes, arena))).isEqualTo(expected);
            assertThat(MaskedCrc.of(MemorySegment.ofArray("123456789".getBytes(US_ASCII))))
                    // 0xe3069283, the check value of CRC-32C, rotated by 15 and shifted.
                    .isEqualTo(Integer.rotateRight(0xe3069283, 15) + 0xa282ead8);
        }
    }

    /** Would end the JVM if the checksum itself ran over the memory. */
    @Test
    void aFileCutShortUnderItsChecksumIsAnError() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment mapped = map(new byte[BYTES], arena);
            try (FileChannel channel = FileChannel.open(folder.resolve("data"), StandardOpenOption.WRITE)) {
                channel.truncate(0);
            }
            assertThatThrownBy(() -> MaskedCrc.of(mapped)).isInstanceOf(InternalError.class);
        }
    }

    private MemorySegment map(byte[] bytes, Arena arena) throws IOException {
        Path file = Files.write(folder.resolve("data"), bytes);
        try (FileChannel channel = FileChannel.open(file)) {
            return channel.map(FileChannel.MapMode.READ_ONLY, 0, bytes.length, arena);
        }
    }
}
