package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
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
}
