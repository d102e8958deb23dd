package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.Slot;
import dev.hyaline.instrument.dump.DumpReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code hyaline dump} into one file, in this JVM. */
final class DumpCommandTest {
    private static final String STORE = "When Mary and John went to the store, John gave a drink to";

    @TempDir
    private Path temporary;

    private String out() {
        return temporary.resolve("out").toString();
    }

    @Test
    void dumpWritesGradients() throws IOException {
        String summary = Outcome.of(
                        "dump", "--gradients", "logit-diff", "--sites", "resid_post,pattern", "--out", out())
                .succeeded()
                .out();
        assertThat(summary).contains("blocks.3.attn.hook_pattern", "\" Mary\"");
        JsonNode manifest = JsonMapper.shared().readTree(Path.of(out(), "manifest.json"));
        assertThat(manifest.get("gradient_of").asString()).isEqualTo("logit-diff");
        assertThat(Outcome.strings(manifest.get("command"))).contains("--gradients", "logit-diff");
        assertThat(manifest.at("/activations/tensors/0/name").asString()).isEqualTo("grad.blocks.0.attn.hook_pattern");
        assertThat(manifest.at("/activations/tensors/1/name").asString()).isEqualTo("grad.blocks.0.hook_resid_post");
        String patched = Outcome.of("edit", "--patch", "resid_post2", "--source-dump", out())
                .err();
        assertThat(patched).contains("holds gradients of logit-diff");
    }

    @Test
    void aDryRunTellsTheMemoryOfGradients() {
        String[] plain = {"dump", "--sites", "resid_post", "--dry-run", "--out", out()};
        String[] gradients = {"dump", "--gradients", "logit-diff", "--sites", "resid_post", "--dry-run", "--out", out()
        };
        assertThat(Outcome.of(gradients).succeeded().out())
                .contains("The passes forward and back would take 338 kB at once");
        assertThat(Outcome.of(plain).succeeded().out()).doesNotContain("forward and back");
        assertThat(Path.of(out(), "manifest.json")).doesNotExist();
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
        assertThat(Outcome.strings(manifest.get("command")))
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
        assertThat(Outcome.strings(manifest.at("/prompts/0/text"))).startsWith("<|endoftext|>", "When", " Mary");
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
        assertThat(Outcome.strings(manifest.at("/model/processing"))).containsExactly("fold_ln", "fold_value_biases");
        List<String> command = Outcome.strings(manifest.get("command"));
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
        assertThat(Outcome.integers(json.at("/sites/0/shapes/0"))).containsExactly(4, 10);
        assertThat(json.get("sites")
                        .valueStream()
                        .filter(site -> site.get("name").asString().endsWith("hook_z"))
                        .map(site -> Outcome.integers(site.at("/shapes/0"))))
                .containsExactly(List.of(4, 2, 16));
        JsonNode manifest = JsonMapper.shared().readTree(Path.of(out(), "manifest.json"));
        assertThat(manifest.at("/capture/sequences").asString()).isEqualTo("0,2");
        assertThat(manifest.at("/prompts/1/positions/subject").asInt()).isEqualTo(2);
        List<String> command = Outcome.strings(manifest.get("command"));
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
        assertThat(Outcome.integers(json.at("/prompts/1/tokens"))).containsExactly(1535, 958);
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

    @Test
    void anEditedDumpHoldsWhatTheEditsLeaveAndSaysThem() throws IOException {
        String[] edits = {"--zero", "z", "--edit-layers", "2", "--edit-heads", "1,5", "--edit-sequences", "1"};
        String[] prompts = {"--prompt", "The dog", "--prompt", STORE, "--sequences", "1", "--sites", "z2,unembed.out"};
        String[] dump = Stream.of(new String[] {"dump", "--out", out()}, prompts, edits)
                .flatMap(Arrays::stream)
                .toArray(String[]::new);
        String text = Outcome.of(dump).succeeded().out();
        assertThat(text).contains("Edit  Zero of blocks.2.attn.hook_z, heads 1,5, sequences 1");
        JsonNode manifest = JsonMapper.shared().readTree(Path.of(out(), "manifest.json"));
        assertThat(Outcome.strings(manifest.get("interventions")))
                .containsExactly("Zero of blocks.2.attn.hook_z, heads 1,5, sequences 1");
        assertThat(Outcome.strings(manifest.get("command"))).containsSubsequence(edits);
        ActivationSource edited = DumpReader.open(Path.of(out()));
        for (int head = 0; head < 8; head++) {
            float[] row = new float[16];
            edited.read(new Slot(HookPoint.of(Site.Z, 2), 0, 3, head), row);
            boolean isZero = Arrays.equals(row, new float[16]);
            assertThat(isZero).as("head %d", head).isEqualTo(head == 1 || head == 5);
        }
        Outcome.of("redo", out()).succeeded();
        JsonNode alone = Outcome.of("edit", "--json", "--zero", "z2", "--heads", "1,5", "--prompt", STORE)
                .json();
        assertThat(text)
                .contains(String.format(
                        Locale.ROOT,
                        "%.2f%%",
                        100 * alone.at("/prompts/0/after/0/probability").asDouble()));
    }

    @Test
    void editsOfADumpComeFromFilesAndOtherRuns() throws IOException {
        Path file = temporary.resolve("edits.json");
        Files.writeString(file, """
            {"format": "hyaline-interventions/1", "interventions": [
              {"do": "patch", "site": "blocks.0.hook_resid_pre", "source": "source"}]}
            """);
        String other = "When Anna and Tom went to the store, Tom gave a drink to";
        Outcome.of("dump", "--out", out(), "--sites", "resid_post3", "--edits", file.toString(), "--source", other)
                .succeeded();
        String plain = temporary.resolve("plain").toString();
        Outcome.of("dump", "--out", plain, "--sites", "resid_post3", "--prompt", other)
                .succeeded();
        float[] patched = new float[128];
        float[] expected = new float[128];
        DumpReader.open(Path.of(out())).read(new Slot(HookPoint.of(Site.RESID_POST, 3), 0, 14, Slot.NO_HEAD), patched);
        DumpReader.open(Path.of(plain)).read(new Slot(HookPoint.of(Site.RESID_POST, 3), 0, 14, Slot.NO_HEAD), expected);
        assertThat(patched).isEqualTo(expected);
        Outcome.of("redo", out()).succeeded();
        JsonNode report = Outcome.of("dump", "--json", "--force", "--out", out(), "--noise", "resid_pre1=0.1")
                .json();
        assertThat(report.at("/interventions/0").asString()).contains("Noise of blocks.1.hook_resid_pre");
        JsonNode manifest = JsonMapper.shared().readTree(Path.of(out(), "manifest.json"));
        assertThat(Outcome.strings(manifest.get("command")))
                .containsSubsequence("--noise", "resid_pre1=0.1", "--seed", "0");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        --zero z --shards                      | shards hold activations of the model as it is
        --zero z --every 2                     | shards hold activations of the model as it is
        --zero z --plan                        | shards hold activations of the model as it is
        --zero z --part 0/2                    | leave out --zero
        --zero z --context 8 --pack --format datasets | shards hold activations of the model as it is
        --zero z --gradients logit-diff        | --gradients is of the model as it is
        --edit-layers 2                        | --edit-layers, --edit-heads
        --edit-heads x --zero z                | --edit-heads: 'x' is not a selection
        --zero z --edit-heads 9                | heads 9
        --zero z --edit-positions 99           | 99
        --zero z --edit-sequences 3            | sequence
        --zero nowhere                         | nowhere
        --patch z                              | --source TEXT
        --seed 3                               | --seed is for --noise and --resample
        --edits missing.json                   | missing.json
        """)
    void editsThatADumpCannotMakeAreRefused(String options, String said) {
        String[] arguments = ("dump --out " + out() + " " + options).split(" ", -1);
        Outcome outcome = Outcome.of(arguments);
        assertThat(outcome.exitCode()).isNotZero();
        assertThat(outcome.err().lines().findFirst().orElseThrow()).contains(said);
        assertThat(Path.of(out(), "manifest.json")).doesNotExist();
    }

    @Test
    void anOrdinaryDumpIsCutOffWhereTheModelHasNoMorePositions() throws IOException {
        String tokens = "7 ".repeat(200).strip();
        String[] dump = {"dump", "--no-shards", "--tokens", tokens, "--sites", "pattern0", "--out", out()};
        assertThat(Outcome.of(dump).err()).contains("200 tokens");
        String[] truncated = Stream.concat(Arrays.stream(dump), Stream.of("--long", "truncate"))
                .toArray(String[]::new);
        Outcome.of(truncated).succeeded();
        JsonNode manifest = JsonMapper.shared().readTree(Path.of(out(), "manifest.json"));
        assertThat(manifest.at("/prompts/0/tokens")).hasSize(128);
        assertThat(Outcome.strings(manifest.get("command"))).endsWith("--no-shards", "--long", "truncate");
        Outcome.of("redo", out()).succeeded();
    }
}
