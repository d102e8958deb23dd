package dev.hyaline.weights.internal.llmc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.weights.Checkpoint;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LlmcFileTest {
    private static final Path TINY = Path.of("src/test/resources/formats/llmc/gpt2_tiny_bf16.bin");

    @TempDir
    Path directory;

    @Test
    void leavesThePaddingOut() {
        try (Checkpoint checkpoint = Checkpoint.open(TINY)) {
            assertThat(checkpoint.config().dVocab()).isEqualTo(261);
            assertThat(checkpoint.config().tieWordEmbeddings()).isTrue();
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "1 | 2 | of version 3 (float32) or 5 (bfloat16), found version 2",
                "1 | 3 | bytes, as its header says, found 10880 bytes",
                "2 | 0 | a max_seq_len of at least 1, found 0",
                "3 | -1 | a vocab_size of at least 1, found -1",
                "3 | 385 | a padded vocabulary of at least 385 tokens, found 384 tokens",
                "4 | 2147483647 | a file that holds 2147483647 layers of width 8",
                "4 | 3 | bytes, as its header says",
                "5 | 3 | n_embd must be a multiple of n_head",
                "6 | 2147483647 | the header of a GPT-2",
                "7 | 512 | bytes, as its header says"
            })
    void namesWhatIsWrongWithTheHeader(int index, int value, String message) throws IOException {
        byte[] bytes = Files.readAllBytes(TINY);
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(4 * index, value);
        refused(bytes, message);
    }

    @Test
    void saysThatAFileWasCut() throws IOException {
        byte[] bytes = Files.readAllBytes(TINY);
        refused(Arrays.copyOf(bytes, bytes.length - 1), "10880 bytes, as its header says, found 10879 bytes");
        refused(Arrays.copyOf(bytes, 20), "more bytes");
    }

    private void refused(byte[] bytes, String message) throws IOException {
        Path file = Files.write(directory.resolve("model.bin"), bytes);
        assertThatExceptionOfType(BadCheckpointException.class)
                .isThrownBy(() -> Checkpoint.open(file))
                .withMessageStartingWith(file.toString())
                .withMessageContaining(message);
    }
}
