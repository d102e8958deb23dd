package dev.hyaline.weights;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.weights.internal.DiskFolder;
import dev.hyaline.weights.internal.tokens.ModelTokens;
import dev.hyaline.weights.internal.tokens.TokenizerFiles;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The same ids and the same text as Hugging Face's {@code tokenizers} 0.23. */
class TokenizerGoldenTest {
    private static final Path GOLDEN = Path.of("src/test/resources/golden");
    private static final JsonMapper MAPPER = new JsonMapper();

    @TempDir
    Path directory;

    @Test
    void gpt2() {
        JsonNode cases = MAPPER.readTree(GOLDEN.resolve("tokenizer-gpt2.json").toFile());
        assertAgrees(Tokenizer.gpt2(), cases);
    }

    @Test
    void fable() {
        JsonNode cases = MAPPER.readTree(GOLDEN.resolve("tokenizer-fable.json").toFile());
        try (Checkpoint fable = Checkpoint.builtIn("fable")) {
            assertAgrees(fable.tokenizer(), cases);
        }
    }

    static Stream<Arguments> variants() {
        JsonNode variants =
                MAPPER.readTree(GOLDEN.resolve("tokenizer-variants.json").toFile());
        return variants.valueStream()
                .map(variant -> Arguments.argumentSet(variant.get("name").stringValue(), variant));
    }

    /** Merges as pairs and as strings, prefix space, added tokens of every kind, no splitting, unknown bytes. */
    @ParameterizedTest
    @MethodSource("variants")
    void variantsOfTokenizerJson(JsonNode variant) {
        TinyCheckpoint.write(
                directory, "tokenizer.json", variant.get("tokenizer").toString());
        Tokenizer tokenizer = TokenizerFiles.read(new DiskFolder(directory), ModelTokens.UNKNOWN);
        assertThat(tokenizer.endOfText()).isEqualTo(275);
        assertAgrees(tokenizer, variant.get("cases"));
    }

    private static void assertAgrees(Tokenizer tokenizer, JsonNode cases) {
        assertThat(cases.size()).isGreaterThanOrEqualTo(100);
        for (JsonNode golden : cases) {
            int[] ids =
                    golden.get("ids").valueStream().mapToInt(JsonNode::intValue).toArray();
            JsonNode text = golden.get("text");
            if (text.isString()) {
                assertThat(tokenizer.encode(text.stringValue()))
                        .as(text.toString())
                        .containsExactly(ids);
            }
            JsonNode decoded = golden.has("decoded") ? golden.get("decoded") : text;
            assertThat(tokenizer.decode(ids)).isEqualTo(decoded.stringValue());
        }
    }
}
