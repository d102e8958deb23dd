package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.weights.Checkpoint;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Models of the hub, from a cache that is laid out as Python leaves it; downloads are tested where they are made. */
final class HubModelsTest {
    private static final String COMMIT = "607a30d783dfa663caf39e06633721c8d4cfcd7e";
    private static final List<String> FILES = List.of("config.json", "model.safetensors", "vocab.json", "merges.txt");

    @TempDir
    private Path temporary;

    private Map<String, String> environment;

    @BeforeEach
    void cacheTheBuiltInModelAsGpt2() throws IOException {
        Path cache = temporary.resolve("cache");
        environment = Map.of("HF_HUB_CACHE", cache.toString(), "HF_HUB_OFFLINE", "1");
        Path repository = cache.resolve("models--openai-community--gpt2");
        Path snapshot = Files.createDirectories(repository.resolve("snapshots").resolve(COMMIT));
        Path blobs = Files.createDirectories(repository.resolve("blobs"));
        for (String file : FILES) {
            try (InputStream content = Checkpoint.class.getResourceAsStream("fable/" + file)) {
                Files.copy(content, blobs.resolve("of-" + file));
            }
            Files.createSymbolicLink(snapshot.resolve(file), Path.of("../../blobs/of-" + file));
        }
        Path refs = Files.createDirectories(repository.resolve("refs"));
        Files.writeString(refs.resolve("main"), COMMIT);
        Files.writeString(refs.resolve("v1"), COMMIT);
        Path other = Files.createDirectories(cache.resolve("models--meta--llama/snapshots/" + "a".repeat(40)));
        Files.writeString(other.resolve("config.json"), "{\"model_type\": \"llama\"}");
        Files.createDirectories(cache.resolve("datasets--ann--stories/snapshots/" + "b".repeat(40)));
        Files.createDirectories(cache.resolve(".locks/models--openai-community--gpt2"));
    }

    private Outcome run(String... arguments) {
        return Outcome.in(environment, arguments);
    }

    @Test
    void areListedWithTheBuiltInOnes() {
        assertThat(run("models").succeeded().out().lines())
                .anySatisfy(line -> assertThat(line).matches("fable +built in +[\\d.]+ MB +1,006,336 +yes"))
                .anySatisfy(
                        line -> assertThat(line).matches("openai-community/gpt2 +main, v1 +[\\d.]+ MB +1,006,336 +yes"))
                .anySatisfy(line -> assertThat(line).matches("meta/llama +aaaaaaaa +23 bytes +no"))
                .anySatisfy(line -> assertThat(line)
                        .startsWith("meta/llama (aaaaaaaa) does not open: config.json: expected ")
                        .contains("found \"llama\""))
                .contains("Cache: " + temporary.resolve("cache"))
                .hasSize(7);
    }

    @Test
    void areListedAsJson() throws IOException {
        JsonNode models = run("models", "--json").json().get("models");
        assertThat(models).hasSize(3);
        assertThat(models.at("/0/built_in").asBoolean()).isTrue();
        assertThat(models.at("/0/opens").asBoolean()).isTrue();
        assertThat(models.at("/1/problem").asString()).contains("llama");
        JsonNode gpt2 = models.get(2);
        assertThat(gpt2.get("model").asString()).isEqualTo("openai-community/gpt2");
        assertThat(gpt2.get("commit").asString()).isEqualTo(COMMIT);
        assertThat(gpt2.at("/revisions/1").asString()).isEqualTo("v1");
        Path folder = Path.of(gpt2.get("folder").asString());
        assertThat(folder.resolve("config.json")).exists();
        long bytes = 0;
        for (String file : FILES) {
            bytes += Files.size(folder.resolve(file));
        }
        assertThat(gpt2.get("bytes").asLong()).isEqualTo(bytes);
    }

    @Test
    void areListedWhereThereIsNoCache() {
        Outcome outcome =
                Outcome.in(Map.of("HF_HUB_CACHE", temporary.resolve("none").toString()), "models");
        assertThat(outcome.succeeded().out()).contains("fable").hasLineCount(4);
        assertThat(temporary.resolve("none")).doesNotExist();
    }

    @Test
    void openByTheirNames() {
        for (String name : List.of("gpt2", "openai-community/gpt2", "gpt2@v1", "gpt2@" + COMMIT)) {
            JsonNode info = run("info", "--json", "--model", name).json();
            assertThat(info.get("model").asString()).as(name).isEqualTo("openai-community/gpt2");
        }
        assertThat(run("generate", "--model", "gpt2").succeeded().out()).contains("a drink to Mary.");
    }

    @Test
    void arePinnedInAManifest() throws IOException {
        Path out = temporary.resolve("out");
        run("dump", "--model", "gpt2", "--sites", "z", "--out", out.toString()).succeeded();
        JsonNode manifest = JsonMapper.shared().readTree(out.resolve("manifest.json"));
        String pinned = "openai-community/gpt2@" + COMMIT;
        assertThat(manifest.at("/model/name").asString()).isEqualTo(pinned);
        assertThat(manifest.get("command"))
                .extracting(JsonNode::asString)
                .containsSubsequence("--model", pinned)
                .doesNotContain("gpt2");
    }

    @Test
    void aMissingOneIsOneSentence() {
        assertThat(run("dump", "--model", "distilgpt2", "--dry-run"))
                .isEqualTo(new Outcome(
                        1,
                        "",
                        "hyaline: distilbert/distilgpt2 is not in the cache " + temporary.resolve("cache")
                                + ", and HF_HUB_OFFLINE forbids to download it; unset that, or give a folder that holds"
                                + " it" + System.lineSeparator()));
        Map<String, String> nowhere = Map.of(
                "HF_HUB_CACHE", temporary.resolve("none").toString(),
                "HF_HOME", temporary.toString(),
                "HF_ENDPOINT", "http://127.0.0.1:1");
        Outcome outcome = Outcome.in(nowhere, "dump", "--model", "gpt2");
        assertThat(outcome.err())
                .startsWith("hyaline: cannot fetch openai-community/gpt2: no connection to 127.0.0.1;")
                .hasLineCount(1);
        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(temporary.resolve("none")).doesNotExist();
    }

    @Test
    void refreshingAsksTheHub() {
        for (String command : List.of("info --model gpt2 --refresh", "models --refresh")) {
            Outcome offline = run(command.split(" "));
            assertThat(offline.exitCode()).isEqualTo(1);
            assertThat(offline.err())
                    .startsWith(
                            "hyaline: HF_HUB_OFFLINE forbids to ask the hub what openai-community/gpt2 means now; unset"
                                    + " that, or leave out --refresh");
            Map<String, String> unreachable = Map.of(
                    "HF_HUB_CACHE", environment.get("HF_HUB_CACHE"),
                    "HF_HOME", temporary.toString(),
                    "HF_ENDPOINT", "http://127.0.0.1:1");
            assertThat(Outcome.in(unreachable, command.split(" ")).err())
                    .startsWith("hyaline: cannot fetch openai-community/gpt2: no connection to 127.0.0.1;");
        }
        // One that fails hides neither the others nor the list.
        assertThat(run("models", "--refresh").out().lines())
                .containsExactlyElementsOf(run("models").out().lines().toList());
        assertThat(run("info", "--refresh").err())
                .startsWith("hyaline: --refresh is for models of the hub, but fable is built in");
        assertThat(run("info", "--refresh", "--model", temporary.toString()).err())
                .contains("is a file or folder here");
    }

    @Test
    void aWrongSettingIsOneSentence() {
        Outcome outcome = Outcome.in(Map.of("HF_ENDPOINT", "nonsense"), "models");
        assertThat(outcome.err())
                .isEqualTo("hyaline: the environment variable HF_ENDPOINT must be an address such as"
                        + " https://huggingface.co" + System.lineSeparator());
        assertThat(Outcome.in(Map.of("HF_ENDPOINT", "nonsense"), "info")
                        .succeeded()
                        .out())
                .as("what needs no hub minds no setting of it")
                .contains("fable");
    }
}
