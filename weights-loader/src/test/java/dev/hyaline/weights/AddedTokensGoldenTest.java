package dev.hyaline.weights;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.weights.internal.DiskFolder;
import dev.hyaline.weights.internal.tokens.ModelTokens;
import dev.hyaline.weights.internal.tokens.TokenizerFiles;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Added and special tokens as Hugging Face's {@code tokenizers} 0.23 and {@code transformers} 5.18 find them. */
class AddedTokensGoldenTest {
    private static final JsonMapper MAPPER = new JsonMapper();
    private static final JsonNode GOLDEN = MAPPER.readTree(
            Path.of("src/test/resources/golden/tokenizer-added.json").toFile());

    @TempDir
    Path directory;

    static Stream<Arguments> folders() {
        return GOLDEN.get("folders")
                .valueStream()
                .map(folder -> Arguments.argumentSet(folder.get("name").stringValue(), folder));
    }

    /** What each of a tokenizer's files does to ids. */
    @ParameterizedTest
    @MethodSource("folders")
    void filesBesideTheVocabulary(JsonNode folder) {
        ObjectNode files = ((ObjectNode) folder.get("files")).deepCopy();
        if (files.has("tokenizer.json")) {
            complete((ObjectNode) files.get("tokenizer.json").get("model"));
        } else {
            TinyCheckpoint.write(directory, "vocab.json", GOLDEN.get("vocab").toString());
            TinyCheckpoint.write(directory, "merges.txt", "#version: 0.2\n" + String.join("\n", merges()) + "\n");
        }
        files.propertyStream()
                .forEach(file -> TinyCheckpoint.write(
                        directory, file.getKey(), file.getValue().toString()));
        Tokenizer tokenizer = read();
        assertAgrees(tokenizer, folder.get("cases"));
        assertThat(tokenizer.encodePrompt("the cat")).containsExactly(ids(folder.get("prompt")));
        assertThat(tokenizer.beginOfText())
                .isEqualTo(folder.get("prompt").get(0).intValue());
        assertThat(tokenizer.endOfText()).isEqualTo(folder.get("end").intValue());
    }

    /** Random added tokens of every kind, and texts full of them. */
    @Test
    void addedTokensOfEveryKind() {
        int cases = 0;
        for (JsonNode variant : GOLDEN.get("added")) {
            ObjectNode tokenizer = (ObjectNode) MAPPER.readTree(new TinyTokenizer().json());
            tokenizer.set("added_tokens", variant.get("added_tokens"));
            ((ObjectNode) tokenizer.get("pre_tokenizer")).set("add_prefix_space", variant.get("add_prefix_space"));
            ObjectNode model = (ObjectNode) tokenizer.get("model");
            model.set("ignore_merges", variant.get("ignore_merges"));
            complete(model);
            TinyCheckpoint.write(directory, "tokenizer.json", tokenizer.toString());
            assertAgrees(read(), variant.get("cases"));
            cases += variant.get("cases").size();
        }
        assertThat(cases).isGreaterThan(100);
    }

    private Tokenizer read() {
        return TokenizerFiles.read(new DiskFolder(directory), ModelTokens.UNKNOWN);
    }

    private static void complete(ObjectNode model) {
        model.set("vocab", GOLDEN.get("vocab"));
        model.set("merges", GOLDEN.get("merges"));
    }

    private static List<String> merges() {
        return GOLDEN.get("merges").valueStream().map(JsonNode::stringValue).toList();
    }

    private static void assertAgrees(Tokenizer tokenizer, JsonNode cases) {
        for (JsonNode golden : cases) {
            assertThat(tokenizer.encode(golden.get("text").stringValue()))
                    .as(golden.get("text").toString())
                    .containsExactly(ids(golden.get("ids")));
        }
    }

    private static int[] ids(JsonNode list) {
        return list.valueStream().mapToInt(JsonNode::intValue).toArray();
    }
}
