package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.weights.Checkpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Which tokens begin and end texts in every command, as a model's files say. */
final class TextMarksTest {
    private static final Path MODEL = Path.of("../weights-loader/src/test/resources/formats/torch-zip");

    /** Of 261 tokens: the 256 bytes, a few words, and {@code <|endoftext|>} as 260. */
    @TempDir
    private Path model;

    @BeforeEach
    void copyModel() throws IOException {
        for (String file : List.of("config.json", "merges.txt", "pytorch_model.bin", "vocab.json")) {
            Files.copy(MODEL.resolve(file), model.resolve(file));
        }
    }

    private void configure(String keys) throws IOException {
        String config = Files.readString(MODEL.resolve("config.json"));
        Files.writeString(model.resolve("config.json"), config.replaceFirst("\\}\\s*$", ", " + keys + "}"));
    }

    private JsonNode run(String... line) {
        return Outcome.of(Stream.concat(Stream.of(line), Stream.of("--model", model.toString(), "--json"))
                        .toArray(String[]::new))
                .succeeded()
                .json();
    }

    private static List<Integer> ids(JsonNode list) {
        return list.valueStream().map(JsonNode::intValue).toList();
    }

    private List<Integer> tokens(String... more) {
        String[] line = Stream.concat(Stream.of("tokens", "a"), Stream.of(more)).toArray(String[]::new);
        return ids(run(line).at("/texts/0/tokens"));
    }

    private List<Integer> generated(String... prompt) {
        String[] line = Stream.concat(Stream.of("generate", "-n", "5"), Stream.of(prompt))
                .toArray(String[]::new);
        return ids(run(line).at("/prompts/0/tokens"));
    }

    @Test
    void aTextBeginsWithTheConfiguredToken() throws IOException {
        int a = tokens("--no-bos").getFirst();
        assertThat(tokens()).containsExactly(260, a);
        configure("\"bos_token_id\": 5, \"eos_token_id\": 7");
        assertThat(tokens()).containsExactly(5, a);
        assertThat(ids(run("generate", "-n", "0", "--prompt", "a").at("/prompts/0/prompt_tokens")))
                .containsExactly(5, a);
        Path dump = model.resolve("dump");
        run("dump", "--prompt", "a", "--sites", "hook_embed", "--out", dump.toString());
        assertThat(Files.readString(dump.resolve("manifest.json")))
                .containsPattern("\"token_prepended_to_text\" ?: ?5\\b");
        Files.writeString(model.resolve("tokenizer_config.json"), "{\"bos_token\": \"b\"}");
        assertThat(tokens().getFirst()).isNotIn(5, 7, 260);
    }

    @Test
    void generationEndsAfterAnyOfTheEnds() throws IOException {
        List<Integer> all = generated("--tokens", "1,2");
        assertThat(all).hasSize(5);
        int second = all.get(1);
        List<Integer> upToSecond = all.subList(0, all.indexOf(second) + 1);
        configure("\"eos_token_id\": [259, " + second + "]");
        assertThat(generated("--tokens", "1,2")).isEqualTo(upToSecond);
        configure("\"eos_token_id\": 259");
        assertThat(generated("--tokens", "1,2")).isEqualTo(all);
        Files.writeString(model.resolve("generation_config.json"), "{\"eos_token_id\": [258, " + second + "]}");
        assertThat(generated("--tokens", "1,2")).isEqualTo(upToSecond);
        Files.delete(model.resolve("vocab.json"));
        Files.delete(model.resolve("merges.txt"));
        assertThat(generated("--tokens", "1,2")).as("without a tokenizer").isEqualTo(upToSecond);
    }

    @Test
    void conversionKeepsMarks() throws IOException {
        configure("\"bos_token_id\": 5, \"eos_token_id\": [7, 8], \"pad_token_id\": 9, \"suppress_tokens\": [1, 2],"
                + " \"task_specific_params\": {\"text-generation\": {\"max_length\": 50}}");
        Files.writeString(model.resolve("generation_config.json"), "{\"eos_token_id\": [8, 11], \"top_k\": 3}");
        Files.writeString(model.resolve("special_tokens_map.json"), "{\"pad_token\": \"<pad>\"}");
        Files.writeString(model.resolve("tokenizer_config.json"), "{\"add_prefix_space\": true}");
        Files.writeString(model.resolve("added_tokens.json"), "{\"<x>\": 262}");
        Path out = model.resolve("out");
        run("convert", "--out", out.toString());
        for (String file : List.of(
                "generation_config.json", "special_tokens_map.json", "tokenizer_config.json", "added_tokens.json")) {
            assertThat(out.resolve(file)).hasSameBinaryContentAs(model.resolve(file));
        }
        assertThat(Files.readString(out.resolve("config.json")).replaceAll("\\s", ""))
                .contains(
                        "\"bos_token_id\":5",
                        "\"eos_token_id\":[7,8]",
                        "\"pad_token_id\":9",
                        "\"suppress_tokens\":[1,2]",
                        "\"task_specific_params\":{\"text-generation\":{\"max_length\":50}}");
        try (Checkpoint before = Checkpoint.open(model);
                Checkpoint after = Checkpoint.open(out)) {
            String text = "the<pad> a<x>";
            assertThat(after.tokenizer().encodePrompt(text))
                    .isEqualTo(before.tokenizer().encodePrompt(text))
                    .startsWith(5);
            assertThat(after.endsOfText())
                    .isEqualTo(before.endsOfText())
                    .containsExactlyInAnyOrderElementsOf(Arrays.asList(7, 8, 11));
        }
    }

    @Test
    void conversionOfAGgufFileKeepsItsAddedTokens() {
        Path out = model.resolve("out");
        Path file = Path.of("../weights-loader/src/test/resources/formats/gguf/tiny-f32.gguf");
        Outcome.of("convert", "--model", file.toString(), "--out", out.toString())
                .succeeded();
        try (Checkpoint before = Checkpoint.open(file);
                Checkpoint after = Checkpoint.open(out)) {
            String text = "the<|endoftext|> a";
            assertThat(after.tokenizer().encodePrompt(text))
                    .isEqualTo(before.tokenizer().encodePrompt(text));
            assertThat(after.endsOfText()).isEqualTo(before.endsOfText());
            assertThat(after.beginOfText()).isEqualTo(before.beginOfText());
        }
    }
}
