package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.instrument.dump.ActivationStore;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What each command does, in this JVM. */
final class CommandsTest {
    private static final String STORE = "When Mary and John went to the store, John gave a drink to";

    @TempDir
    private Path temporary;

    private String out() {
        return temporary.resolve("out").toString();
    }

    private static List<String> strings(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false)
                .map(JsonNode::asString)
                .toList();
    }

    private static List<Integer> integers(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false)
                .map(JsonNode::asInt)
                .toList();
    }

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
    void dumpSummarisesWhatItWrote() throws IOException {
        String text = Outcome.of("dump", "--out", out()).succeeded().out();
        assertThat(text)
                .contains("fable  4 layers, 8 heads, width 128", "Prompt (the built-in prompt, 15 tokens)")
                .contains(" 0 \"<|endoftext|>\"   1 \"When\"", "Next  \" Mary\" 99.7")
                .contains("blocks.3.attn.hook_pattern", "[1, 8, 15, 15]", "masked scores (-inf) are left out")
                .contains("Wrote " + out());
        assertThat(text.lines().filter(line -> line.contains("hook_"))).hasSize(74);
        assertThat(Path.of(out(), "activations.safetensors")).exists();
        JsonNode manifest = JsonMapper.shared().readTree(Path.of(out(), "manifest.json"));
        assertThat(manifest.at("/model/files")).hasSize(4);
        assertThat(manifest.at("/model/files/1/sha256").asString()).matches("[0-9a-f]{64}");
        assertThat(manifest.get("token_prepended_to_text").asInt()).isEqualTo(1535);
        assertThat(strings(manifest.get("command")))
                .containsExactly(
                        "hyaline",
                        "dump",
                        "--model",
                        "fable",
                        "--prompt",
                        STORE,
                        "--sites",
                        "all",
                        "--layers",
                        "all",
                        "--positions",
                        "all",
                        "--heads",
                        "all",
                        "--neurons",
                        "all",
                        "--sequences",
                        "all",
                        "--format",
                        "safetensors",
                        "--dtype",
                        "f32",
                        "--no-shards");
        assertThat(strings(manifest.at("/prompts/0/text"))).startsWith("<|endoftext|>", "When", " Mary");
    }

    @Test
    void theCommandInAManifestMakesTheSameDumpAgain() throws IOException {
        Path file = temporary.resolve("more.txt");
        Files.writeString(file, "The dog likes\n");
        Outcome.of(
                        "dump",
                        "--out",
                        out(),
                        "--tokens",
                        "[1535, 7]",
                        "--prompts",
                        file.toString(),
                        "--prompt",
                        "naïve ☃",
                        "--layers",
                        "-1",
                        "--sites",
                        "resid_*",
                        "--sites",
                        "z",
                        "--positions",
                        "last",
                        "--no-bos",
                        "--process",
                        "fold_value_biases,fold_ln",
                        "--dtype",
                        "f16",
                        "--format",
                        "npz")
                .succeeded();
        JsonNode manifest = JsonMapper.shared().readTree(Path.of(out(), "manifest.json"));
        assertThat(strings(manifest.at("/model/processing"))).containsExactly("fold_ln", "fold_value_biases");
        List<String> command = strings(manifest.get("command"));
        Path again = temporary.resolve("again");
        String[] arguments = command.subList(1, command.size()).toArray(String[]::new);
        String[] elsewhere = Arrays.copyOf(arguments, arguments.length + 2);
        elsewhere[arguments.length] = "--out";
        elsewhere[arguments.length + 1] = again.toString();
        Outcome.of(elsewhere).succeeded();
        for (String name : List.of("activations.npz", "manifest.json")) {
            assertThat(again.resolve(name)).hasSameBinaryContentAs(Path.of(out(), name));
        }
    }

    @Test
    void headsNeuronsRolesAndPromptsAreChosen() throws IOException {
        Path file = temporary.resolve("roles.jsonl");
        Files.writeString(file, """
            {"text": "Anna went to the park", "positions": {"subject": 1, "end": -1}}
            {"text": "The dog"}
            {"text": "Then Tom went to the park", "positions": {"end": -1, "subject": 2}}
            """);
        String[] arguments = {
            "dump",
            "--json",
            "--out",
            out(),
            "--prompts",
            file.toString(),
            "--sites",
            "z2,mlp_post",
            "--heads",
            "1,-1",
            "--neurons",
            "0-9",
            "--roles",
            "subject,end",
            "--sequences",
            "0,2"
        };
        JsonNode json = Outcome.of(arguments).json();
        assertThat(json.get("prompts")).hasSize(2);
        assertThat(json.at("/sites/0/name").asString()).isEqualTo("blocks.0.mlp.hook_post");
        assertThat(integers(json.at("/sites/0/shapes/0"))).containsExactly(4, 10);
        assertThat(json.get("sites")
                        .valueStream()
                        .filter(site -> site.get("name").asString().endsWith("hook_z"))
                        .map(site -> integers(site.at("/shapes/0"))))
                .containsExactly(List.of(4, 2, 16));
        JsonNode manifest = JsonMapper.shared().readTree(Path.of(out(), "manifest.json"));
        assertThat(manifest.at("/capture/sequences").asString()).isEqualTo("0,2");
        assertThat(manifest.at("/prompts/1/positions/subject").asInt()).isEqualTo(2);
        List<String> command = strings(manifest.get("command"));
        assertThat(command)
                .containsSubsequence(
                        "--roles", "subject,end", "--heads", "1,-1", "--neurons", "0-9", "--sequences", "0,2");
        Path again = temporary.resolve("again");
        Outcome.of(Stream.concat(command.subList(1, command.size()).stream(), Stream.of("--out", again.toString()))
                        .toArray(String[]::new))
                .succeeded();
        assertThat(again.resolve("activations.safetensors"))
                .hasSameBinaryContentAs(Path.of(out(), "activations.safetensors"));

        arguments[arguments.length - 1] = "all";
        arguments[List.of(arguments).indexOf(out())] =
                temporary.resolve("refused").toString();
        assertThat(Outcome.of(arguments).err())
                .contains("--roles: " + file + ":2 does not say where subject stands; its \"positions\" name nothing");
        Files.writeString(file, "{\"text\": \"a\", \"positions\": [1]}");
        assertThat(Outcome.of(arguments).err())
                .contains(":1: \"positions\" must be an object of positions by role, such as");
        Files.writeString(file, "{\"text\": \"a\", \"positions\": {\"subject\": \"x\"}}");
        assertThat(Outcome.of(arguments).err()).contains(":1: \"positions\": subject must be a whole number, found x");
    }

    @Test
    void dumpAsJson() {
        JsonNode json = Outcome.of(
                        "dump",
                        "--json",
                        "--out",
                        out(),
                        "--prompt",
                        STORE,
                        "--tokens",
                        "1535 958",
                        "--sites",
                        "pattern0,z3")
                .json();
        assertThat(json.get("written").asBoolean()).isTrue();
        assertThat(json.get("layout").asString()).isEqualTo("token-major");
        assertThat(json.get("bytes").asLong())
                .isEqualTo(Path.of(out(), "activations.safetensors").toFile().length());
        assertThat(integers(json.at("/prompts/1/tokens"))).containsExactly(1535, 958);
        assertThat(json.at("/prompts/0/next")).hasSize(5);
        assertThat(json.at("/prompts/0/next/0/text").asString()).isEqualTo(" Mary");
        assertThat(json.at("/prompts/0/next/0/probability").asDouble()).isBetween(0.99, 1.0);
        assertThat(json.at("/sites/0/shapes/1/2").asInt()).isEqualTo(2);
        assertThat(json.at("/sites/1/mean").isNumber()).isTrue();
    }

    @Test
    void aDryRunWritesNothingAndForecastsExactly() {
        String[] arguments = {
            "dump", "--json", "--out", out(), "--prompt", "a", "--prompt", "Mary and", "--dtype", "bf16"
        };
        String[] dry = Arrays.copyOf(arguments, arguments.length + 1);
        dry[arguments.length] = "--dry-run";
        JsonNode forecast = Outcome.of(dry).json();
        assertThat(Path.of(out())).doesNotExist();
        assertThat(forecast.get("written").asBoolean()).isFalse();
        assertThat(forecast.get("exists").asBoolean()).isFalse();
        assertThat(forecast.get("bytes")).isEqualTo(Outcome.of(arguments).json().get("bytes"));
        assertThat(Outcome.of(dry).json().get("exists").asBoolean()).isTrue();
        assertThat(Outcome.of("dump", "--dry-run", "--out", out()).succeeded().out())
                .contains("Would write", "exists already; replacing it takes --force");
    }

    @Test
    void anExistingDumpIsKeptUnlessForced() throws IOException {
        Outcome.of("dump", "--out", out(), "--sites", "z").succeeded();
        byte[] before = Files.readAllBytes(Path.of(out(), "activations.safetensors"));
        Outcome refused = Outcome.of("dump", "--out", out(), "--sites", "q");
        assertThat(refused.err())
                .contains("activations.safetensors exists already")
                .contains("--force");
        assertThat(refused.exitCode()).isEqualTo(2);
        assertThat(Path.of(out(), "activations.safetensors")).hasBinaryContent(before);
        Outcome.of("dump", "--out", out(), "--sites", "q", "--format", "npz", "--force")
                .succeeded();
        try (var files = Files.list(Path.of(out()))) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder("activations.npz", "manifest.json");
        }
    }

    private String[] shards(String... more) throws IOException {
        Path file = temporary.resolve("corpus.jsonl");
        Files.writeString(file, ("\"" + STORE + "\"\n\n{\"tokens\": [1535, 7, 8]}\n").repeat(20));
        return Stream.concat(Stream.of("dump", "--prompts", file.toString(), "--out", out()), Stream.of(more))
                .toArray(String[]::new);
    }

    @Test
    void aCorpusGoesToShards() throws IOException {
        String text = Outcome.of(shards("--shards", "--shard-size", "0.3MB"))
                .succeeded()
                .out();
        assertThat(text)
                .contains("40 documents, 360 tokens, 360 rows", "blocks.3.hook_resid_post  [128]  184,320")
                .contains("tokens/s", "Wrote 3 shards", "manifest.json");
        JsonNode manifest = JsonMapper.shared().readTree(Path.of(out(), "manifest.json"));
        assertThat(manifest.at("/capture/skipped_first_token").isNull()).isTrue();
        assertThat(strings(manifest.get("command")))
                .contains("--shards", "--shard-size", "300000", "--every", "1", "--long", "error")
                .containsSubsequence("--sites", "resid_post");
        try (ActivationStore store = ActivationStore.open(Path.of(out()))) {
            assertThat(store.documents()).isEqualTo(40);
            assertThat(store.token(store.row(1, 2).orElseThrow())).isEqualTo(8);
        }
        assertThat(Outcome.of(shards("--shards", "--shard-size", "0.3MB", "--resume"))
                        .succeeded()
                        .out())
                .contains("Nothing was left to do.")
                .contains("There are ")
                .doesNotContain("Wrote");
        Path second = Path.of(out(), "activations-00001.safetensors");
        byte[] whole = Files.readAllBytes(second);
        Files.write(second, Arrays.copyOf(whole, whole.length / 2));
        Outcome.of(shards("--shards", "--shard-size", "0.3MB", "--resume")).succeeded();
        assertThat(second).hasBinaryContent(whole);
        Files.delete(second);
        Outcome.of(shards("--shards", "--shard-size", "0.3MB", "--resume")).succeeded();
        assertThat(second).hasBinaryContent(whole);
        assertThat(JsonMapper.shared().readTree(Path.of(out(), "manifest.json")).get("shards"))
                .isEqualTo(manifest.get("shards"));
        Outcome otherwise = Outcome.of(shards("--shards", "--shard-size", "0.3MB", "--resume", "--dtype", "f16"));
        assertThat(otherwise.err()).contains("cannot be resumed: activations.dtype was \"f32\" and is now \"f16\"");
        assertThat(otherwise.exitCode()).isEqualTo(2);
        assertThat(Outcome.of(shards("--shards")).exitCode()).isEqualTo(2);
    }

    @Test
    void theCommandOfShardsMakesThemAgain() throws IOException {
        String[] options = {
            "--every",
            "2",
            "--skip-bos",
            "--long",
            "truncate",
            "--dtype",
            "bf16",
            "--layers",
            "1",
            "--sites",
            "resid_post,k",
            "--heads",
            "2"
        };
        Outcome.of(shards(options)).succeeded();
        List<String> command = strings(
                JsonMapper.shared().readTree(Path.of(out(), "manifest.json")).get("command"));
        Path again = temporary.resolve("again");
        Outcome.of(Stream.concat(
                                command.subList(1, command.size()).stream(),
                                Stream.of("--out", again.toString(), "--batch-tokens", "9"))
                        .toArray(String[]::new))
                .succeeded();
        for (String name : List.of("activations-00000.safetensors", "manifest.json")) {
            assertThat(again.resolve(name)).hasSameBinaryContentAs(Path.of(out(), name));
        }
    }

    @Test
    void aDryRunOfShardsForecastsExactly() throws IOException {
        JsonNode forecast =
                Outcome.of(shards("--every", "3", "--json", "--dry-run")).json();
        assertThat(Path.of(out())).doesNotExist();
        assertThat(forecast.get("rows").asInt()).isEqualTo(120);
        assertThat(Outcome.of(shards("--every", "3", "--dry-run")).succeeded().out())
                .contains("Would write 1 shard");
        JsonNode written = Outcome.of(shards("--every", "3", "--json")).json();
        for (String key : List.of("documents", "tokens", "rows", "shards", "bytes")) {
            assertThat(written.get(key)).as(key).isEqualTo(forecast.get(key));
        }
        assertThat(written.get("bytes").asLong())
                .isEqualTo(
                        Path.of(out(), "activations-00000.safetensors").toFile().length());
    }

    @Test
    void manyTokensGoToShardsAndFewToOneFile() throws IOException {
        Path file = temporary.resolve("long.txt");
        Files.writeString(file, (STORE + "\n").repeat(4400));
        String[] arguments = {"dump", "--prompts", file.toString(), "--sites", "scale", "--dry-run", "--json"};
        assertThat(Outcome.of(arguments).json().get("layout").asString()).isEqualTo("shards");
        String text = Files.readString(file);
        JsonNode standardInput = Outcome.reading(
                        text, "dump", "--prompts", "-", "--sites", "scale", "--dry-run", "--json")
                .json();
        assertThat(standardInput.get("layout").asString()).isEqualTo("shards");
        assertThat(standardInput.get("tokens").asInt()).isEqualTo(66_000);
        String[] forced = Arrays.copyOf(arguments, arguments.length + 1);
        forced[arguments.length] = "--no-shards";
        assertThat(Outcome.of(forced).json().get("layout").asString()).isEqualTo("batch");
        Files.writeString(file, (STORE + "\n").repeat(4300));
        assertThat(Outcome.of(arguments).json().get("layout").asString()).isEqualTo("batch");
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
        assertThat(integers(json.at("/prompts/7/prompt_tokens")))
                .as("ids are taken as they are")
                .containsExactly(5, 6);
        assertThat(integers(json.at("/prompts/9/prompt_tokens"))).containsExactly(7);
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
        assertThat(integers(json.at("/texts/0/tokens")))
                .containsExactly(1535, 958, 591, 332, 679, 424, 289, 264, 762, 11, 679, 402, 258, 500, 289);
        assertThat(strings(json.at("/texts/0/pieces")))
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
                .contains("74 hook points", "with those formed only when named (*) 98");
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
        assertThat(integers(json.at("/sites/1/shape"))).containsExactly(3, 10, 8, 128);
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
        assertThat(strings(json.get("stored_as"))).containsExactly("f32");
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
