package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.instrument.dump.ActivationStore;
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

/** {@code hyaline dump} of a corpus into shards, in this JVM. */
final class DumpShardsTest {
    private static final String STORE = "When Mary and John went to the store, John gave a drink to";

    @TempDir
    private Path temporary;

    private String out() {
        return temporary.resolve("out").toString();
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
        assertThat(Outcome.strings(manifest.get("command")))
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
        List<String> command = Outcome.strings(
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
}
