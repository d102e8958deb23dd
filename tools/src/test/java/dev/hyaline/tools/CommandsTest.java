package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Help, and what the shorter commands do, in this JVM. */
final class CommandsTest {
    private static final String STORE = "When Mary and John went to the store, John gave a drink to";

    @TempDir
    private Path temporary;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--help",
                "dump --help",
                "edit --help",
                "sites --help",
                "info --help",
                "generate -h",
                "tokens -h",
                "models -h",
                "convert -h",
                "explore -h",
                "help dump"
            })
    void helpHasExamplesAndFitsTheScreen(String arguments) {
        String help = Outcome.of(arguments.split(" ")).succeeded().out();
        assertThat(help).contains("Usage: hyaline", "Examples:").doesNotContain("${", "null");
        assertThat(help.lines()).allMatch(line -> line.length() <= 100);
    }

    @Test
    void versionAndCompletion() {
        assertThat(Outcome.of("--version").succeeded().out())
                .startsWith("hyaline ")
                .contains("Java 25");
        assertThat(Outcome.of("generate-completion").succeeded().out()).contains("complete -F", "--sites", "bf16");
    }

    @Test
    void promptsComeFromEverywhere() throws IOException {
        Path text = temporary.resolve("prompts.txt");
        Files.writeString(text, "\uFEFFfirst line\r\n\r\n  {second} \nthird");
        Path lines = temporary.resolve("prompts.JSONL");
        Files.writeString(
                lines,
                "\"a string\"\n{\"id\": 3, \"text\": \"an \\u00e9\", \"meta\": {\"x\": []}}\n{\"tokens\": [5, 6]}\n");
        JsonNode json = Outcome.reading(
                        "{\"text\": \"from outside\"}",
                        "generate",
                        "--json",
                        "-n",
                        "1",
                        "--tokens",
                        "7",
                        "--prompts",
                        text.toString(),
                        "--prompts",
                        lines.toString(),
                        "--prompts",
                        "-",
                        "--prompt",
                        "@here",
                        "--prompt=-x")
                .json();
        List<String> prompts = StreamSupport.stream(json.get("prompts").spliterator(), false)
                .map(prompt -> prompt.get("source").asString() + "="
                        + prompt.get("prompt").asString())
                .toList();
        assertThat(prompts)
                .startsWith(
                        "--prompt 0=@here",
                        "--prompt 1=-x",
                        text + ":1=first line",
                        text + ":3=  {second} ",
                        text + ":4=third",
                        lines + ":1=a string",
                        lines + ":2=an é")
                .element(8)
                .isEqualTo("standard input:1=from outside");
        assertThat(Outcome.integers(json.at("/prompts/7/prompt_tokens")))
                .as("ids are taken as they are")
                .containsExactly(5, 6);
        assertThat(Outcome.integers(json.at("/prompts/9/prompt_tokens"))).containsExactly(7);
        assertThat(json.at("/prompts/0/prompt_tokens/0").asInt()).isEqualTo(1535);
    }

    @Test
    void generatesWhatTheModelSays() {
        assertThat(Outcome.of("generate").succeeded().out().strip()).isEqualTo(STORE + " Mary.");
        JsonNode json = Outcome.of("generate", "--json").json();
        assertThat(json.at("/prompts/0/text").asString()).isEqualTo(" Mary.");
        assertThat(json.at("/sampling/temperature").asDouble()).isZero();
        String several = Outcome.of("generate", "-p", STORE, "-p", "The capital of France is")
                .succeeded()
                .out();
        assertThat(several).contains("Prompt 0", "Prompt 1", STORE + " Mary.", "The capital of France is Paris.");
    }

    @Test
    void samplingIsRepeatedByItsSeed() {
        String[] one = {"generate", "-p", "Anna went to", "--seed", "3", "--top-k", "50", "--top-p", "0.95", "-n", "12"
        };
        assertThat(Outcome.of(one).succeeded()).isEqualTo(Outcome.of(one));
        JsonNode other = Outcome.of("generate", "-p", "Anna went to", "--seed", "4", "-n", "12", "--json")
                .json();
        assertThat(other.at("/sampling/temperature").asDouble()).isEqualTo(1);
        assertThat(other.at("/sampling/seed").asInt()).isEqualTo(4);
    }

    @Test
    void tokensGoThereAndBack() {
        JsonNode json = Outcome.of("tokens", "--json", STORE).json();
        assertThat(Outcome.integers(json.at("/texts/0/tokens")))
                .containsExactly(1535, 958, 591, 332, 679, 424, 289, 264, 762, 11, 679, 402, 258, 500, 289);
        assertThat(Outcome.strings(json.at("/texts/0/pieces")))
                .startsWith("<|endoftext|>", "When", " Mary")
                .hasSize(15);
        assertThat(Outcome.of("tokens", "--no-bos", "When Mary").succeeded().out())
                .contains("2 tokens of \"When Mary\"", "0  958  \"When\"", "1  591  \" Mary\"");
        assertThat(Outcome.of("tokens", "--decode", "958, 591 332").succeeded().out())
                .contains("3 tokens of \"When Mary and\"");
        assertThat(Outcome.reading("two\nlines", "tokens", "-").succeeded().out())
                .contains("\"two\\nlines\"");
        assertThat(Outcome.of("tokens").succeeded().out()).contains(STORE);
    }

    @Test
    void sitesListsNamesShapesAndBytes() {
        String text = Outcome.of("sites").succeeded().out();
        assertThat(text)
                .containsPattern(
                        "blocks\\.\\*\\.attn\\.hook_pattern +pattern +0-3 +\\[1, 8, 128, 128] +524,288 +2,097,152")
                .containsPattern("blocks\\.\\*\\.attn\\.hook_result +result +\\* ")
                .contains("74 hook points", "with those computed only when named (*) 98");
        JsonNode json = Outcome.of(
                        "sites",
                        "--json",
                        "--length",
                        "10",
                        "--batch",
                        "3",
                        "--dtype",
                        "f16",
                        "--sites",
                        "result,embed")
                .json();
        assertThat(json.get("sites")).hasSize(5);
        assertThat(json.at("/sites/0/name").asString()).isEqualTo("hook_embed");
        assertThat(json.at("/sites/0/layer").isNull()).isTrue();
        assertThat(json.at("/sites/1/on_request").asBoolean()).isTrue();
        assertThat(Outcome.integers(json.at("/sites/1/shape"))).containsExactly(3, 10, 8, 128);
        assertThat(json.at("/sites/1/bytes").asInt()).isEqualTo(3 * 10 * 8 * 128 * 2);
        assertThat(json.get("bytes").asInt()).isEqualTo(3 * 10 * 128 * 2 + 4 * 3 * 10 * 8 * 128 * 2);
    }

    @Test
    void infoSaysWhatTheModelIs() {
        assertThat(Outcome.of("info", "--threads", "1").succeeded().out())
                .contains("fable  1,006,336 parameters, stored as f32", "gelu_new", "model.safetensors", "threads  1");
        JsonNode json = Outcome.of("info", "--json").json();
        assertThat(json.get("parameters").asInt()).isEqualTo(1_006_336);
        assertThat(json.at("/config/n_positions").asInt()).isEqualTo(128);
        assertThat(Outcome.strings(json.get("stored_as"))).containsExactly("f32");
        assertThat(json.at("/kernels/reason").asString()).isNotEmpty();
        assertThat(json.at("/memory/pass").asLong()).isPositive();
    }

    @Test
    void numbersAreTheSameInEveryLocale() {
        Locale usual = Locale.getDefault();
        String expected = Outcome.of("sites").succeeded().out();
        try {
            for (String tag : List.of("de-DE", "ar-EG-u-nu-arab", "tr-TR", "hi-IN-u-nu-deva")) {
                Locale.setDefault(Locale.forLanguageTag(tag));
                assertThat(Outcome.of("sites").succeeded().out()).as(tag).isEqualTo(expected);
                assertThat(Outcome.of("dump", "--out", temporary.resolve(tag).toString(), "--dtype", "BF16")
                                .succeeded()
                                .out())
                        .contains("99.76%");
            }
        } finally {
            Locale.setDefault(usual);
        }
    }

    @Test
    void sitesCountsMorePromptsThanMemoryHolds() {
        JsonNode json = Outcome.of("sites", "--batch", "2000000000", "--length", "3", "--sites", "embed", "--json")
                .json();
        assertThat(json.get("bytes").asLong()).isEqualTo(2_000_000_000L * 3 * 128 * 4);
    }

    @Test
    void coloursComeOnlyWhereTheyAreAllowed() {
        String coloured = Outcome.reading(new ByteArrayInputStream(new byte[0]), true, "sites")
                .succeeded()
                .out();
        String plain = Outcome.of("sites").succeeded().out();
        assertThat(plain).doesNotContain("\u001B");
        assertThat(coloured).contains("\u001B[1m");
        assertThat(coloured.replaceAll("\u001B\\[\\d+m", "")).isEqualTo(plain);
    }

    @Test
    void partsOfCharactersAndWideOnesAreToldApart() {
        List<String> lines =
                Outcome.of("tokens", "--no-bos", "日x").succeeded().out().lines().toList();
        assertThat(lines.getFirst()).isEqualTo("4 tokens of \"日x\"");
        assertThat(lines.subList(2, 6).stream().map(line -> line.substring(line.indexOf('"'))))
                .containsExactly("\"\\xE6\"", "\"\\x97\"", "\"\\xA5\"", "\"x\"");
    }
}
