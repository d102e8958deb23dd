package dev.hyaline.weights.internal.gguf;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.weights.Checkpoint;
import dev.hyaline.weights.Tokenizer;
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
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class GgufFileTest {
    private static final Path FORMATS = Path.of("src/test/resources/formats");
    private static final Path TINY = FORMATS.resolve("gguf/tiny-q4_0.gguf");

    @TempDir
    Path directory;

    @Test
    void encodesAsHuggingFacesTokenizersDo() throws IOException {
        JsonNode texts = new JsonMapper().readTree(FORMATS.resolve("tokenizer.json"));
        try (Checkpoint gguf = Checkpoint.open(TINY);
                Checkpoint pair = Checkpoint.open(FORMATS.resolve("torch-zip"));
                Checkpoint original = Checkpoint.open(FORMATS.resolve("tensorflow"))) {
            for (Checkpoint checkpoint : Arrays.asList(gguf, pair, original)) {
                Tokenizer tokenizer = checkpoint.tokenizer();
                assertThat(tokenizer.endOfText()).isEqualTo(260);
                assertThat(tokenizer.vocabularySize()).isEqualTo(261);
                assertThat(texts.properties()).hasSize(3).allSatisfy(entry -> {
                    int[] ids = entry.getValue()
                            .valueStream()
                            .mapToInt(JsonNode::asInt)
                            .toArray();
                    assertThat(tokenizer.encode(entry.getKey())).isEqualTo(ids);
                    assertThat(tokenizer.decode(ids)).isEqualTo(entry.getKey());
                });
            }
        }
    }

    @Test
    void namesTheFileAlone() {
        try (Checkpoint checkpoint = Checkpoint.open(TINY)) {
            assertThat(checkpoint.files())
                    .singleElement()
                    .satisfies(file -> assertThat(file.name()).isEqualTo("tiny-q4_0.gguf"));
        }
    }

    /** The number in the four bytes after a text, or some way on. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "GGUF | 0 | 1 | version 2 or 3, little-endian, found version 1",
                "GGUF | 0 | 50331648 | found a big-endian file",
                "GGUF | 8 | -1 | sizes below 2^63",
                "GGUF | 4 | 1000000 | tiny-q4_0.gguf: ",
                "general.architecture | 0 | 77 | a value of type 0 to 12, found type 77",
                "general.architecture | 4 | 1000000000 | text of at most 16777216 bytes",
                "gpt2.block_count | 4 | 3 | tensor blk.2.attn_norm.weight: expected [32], as n_layer is 3",
                "gpt2.block_count | 4 | -1 | gpt2.block_count to be an integer from 1",
                "gpt2.context_length | 4 | 13 | position_embd.weight: expected [13, 32], found [12, 32]",
                "gpt2.embedding_length | 4 | 64 | token_embd.weight: expected [261, 64], found [261, 32]",
                "gpt2.attention.head_count | 4 | 5 | n_embd must be a multiple of n_head",
                "gpt2.attention.layer_norm_epsilon | 4 | 2143289344 | to be a finite number",
                "tokenizer.ggml.tokens | 0 | 6 | tiny-q4_0.gguf: ",
                "tokenizer.ggml.tokens | 8 | 2000000000 | lists of at most 4194304 values",
                "token_embd.weight | 0 | 9 | at most 4 dimensions, found 9",
                "token_embd.weight | 4 | 33 | rows of whole blocks of 32, found [261, 33]",
                "token_embd.weight | 20 | 11 | F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1 or Q6_K, found ggml type"
                        + " 11",
                "token_embd.weight | 24 | 2 | a tensor at a multiple of 32",
                "token_embd.weight | 24 | 1048576 | a file that ends after"
            })
    void namesWhatIsWrong(String text, int skip, int value, String message) throws IOException {
        byte[] bytes = Files.readAllBytes(TINY);
        int at = new String(bytes, ISO_8859_1).indexOf(text) + text.length() + skip;
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(at, value);
        refused(bytes, message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "blk.0.attn_qkv.weight | blk.0.attn_xyz.weight | tensor blk.0.attn_qkv.weight",
                "output_norm.bias | output_norm.gain | tensor output_norm.bias",
                "gpt2.block_count | gpt3.block_count | a key gpt2.block_count, found none",
                "blk.1.ffn_up.bias | blk.1.ffn_up.bear | tensor blk.1.ffn_up.bias"
            })
    void namesWhatIsMissing(String text, String instead, String message) throws IOException {
        refused(replaced(text, instead), message);
    }

    @Test
    void refusesOtherArchitectures() throws IOException {
        byte[] bytes = Files.readAllBytes(TINY);
        String text = new String(bytes, ISO_8859_1);
        int at = text.indexOf("gpt2", text.indexOf("general.architecture"));
        System.arraycopy("bert".getBytes(UTF_8), 0, bytes, at, 4);
        refused(bytes, "general.architecture to be \"gpt2\", found \"bert\"");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "gpt-2 | llama | tokenizer.ggml.pre to be \"gpt-2\"",
                "tokenizer.ggml.merges | tokenizer.ggml.verges | a key tokenizer.ggml.merges, found none",
                "th e | xy z | merges of two tokens of the vocabulary"
            })
    void refusesTokenizersOfOtherKindsWhenTheyAreAskedFor(String text, String instead, String message)
            throws IOException {
        Path file = Files.write(directory.resolve("model.gguf"), replaced(text, instead));
        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            assertThatExceptionOfType(BadCheckpointException.class)
                    .isThrownBy(checkpoint::tokenizer)
                    .withMessageContaining(message);
        }
    }

    @Test
    void saysThatAFileWasCut() throws IOException {
        byte[] bytes = Files.readAllBytes(TINY);
        refused(Arrays.copyOf(bytes, bytes.length - 1000), "a file that ends after");
        refused(Arrays.copyOf(bytes, 1000), "more bytes");
        refused(Arrays.copyOf(bytes, 9), "more bytes");
    }

    /** With a text replaced by another of its length. */
    private static byte[] replaced(String text, String instead) throws IOException {
        byte[] bytes = Files.readAllBytes(TINY);
        assertThat(instead).hasSameSizeAs(text);
        int at = new String(bytes, ISO_8859_1).indexOf(text);
        System.arraycopy(instead.getBytes(ISO_8859_1), 0, bytes, at, instead.length());
        return bytes;
    }

    private void refused(byte[] bytes, String message) throws IOException {
        Path file = Files.write(directory.resolve("tiny-q4_0.gguf"), bytes);
        assertThatExceptionOfType(BadCheckpointException.class)
                .isThrownBy(() -> Checkpoint.open(file))
                .withMessageStartingWith(file.toString())
                .withMessageContaining(message);
    }
}
