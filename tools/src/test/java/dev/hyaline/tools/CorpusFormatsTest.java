package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.github.luben.zstd.Zstd;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.TensorValues;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** One corpus in files of several formats gives the same dump as in one file of JSON Lines. */
final class CorpusFormatsTest {
    private static final List<String> LINES =
            List.of("\"When Mary and John\"", "{\"input_ids\": [1535, 7, 8]}", "{\"text\": \"went to the store\"}");

    @TempDir
    private Path temporary;

    private static byte[] gzip(byte[] content) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (OutputStream out = new GZIPOutputStream(bytes)) {
            out.write(content);
        }
        return bytes.toByteArray();
    }

    private static byte[] jsonLines() {
        return (String.join("\n", LINES) + "\n").repeat(20).getBytes(StandardCharsets.UTF_8);
    }

    @BeforeEach
    void write() throws IOException {
        Path folder = Files.createDirectory(temporary.resolve("corpus"));
        Files.write(folder.resolve("a.jsonl"), jsonLines());
        Files.write(folder.resolve("b.jsonl.gz"), gzip(jsonLines()));
        Files.write(folder.resolve("c.json.zst"), Zstd.compress(jsonLines()));
        try (InputStream parquet = Objects.requireNonNull(getClass().getResourceAsStream("/texts.parquet"))) {
            Files.write(folder.resolve("d.parquet"), parquet.readAllBytes());
        }
        String ofParquet = "{\"text\":\"The capital of France is\"}\n"
                + "{\"text\":\"two\\nlines \\\"quoted\\\" \\\\ and a\\ttab\"}\n{\"text\":\"\"}\n"
                + "{\"text\":\"Zürich 東京 🙂\"}\n{\"text\":\"" + "a".repeat(300)
                + "\"}\n{\"text\":\"\\u0001 control\"}\n{\"text\":\"last\"}\n";
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (int i = 0; i < 3; i++) {
            all.writeBytes(jsonLines());
        }
        all.writeBytes(ofParquet.getBytes(StandardCharsets.UTF_8));
        Files.write(temporary.resolve("all.jsonl"), all.toByteArray());
    }

    private String path(String name) {
        return temporary.resolve(name).toString();
    }

    private Outcome dump(String prompts, String out, String... more) {
        List<String> command = new ArrayList<>(List.of(
                "dump",
                "--prompts",
                path(prompts),
                "--sites",
                "resid_post0",
                "--shard-size",
                "70kB",
                "--long",
                "split",
                "--out",
                path(out)));
        command.addAll(List.of(more));
        return Outcome.of(command.toArray(String[]::new));
    }

    private void assertSame(String found, String expected) throws IOException {
        for (String shard : List.of("activations-00000.safetensors", "activations-00001.safetensors")) {
            assertThat(temporary.resolve(found).resolve(shard))
                    .hasSameBinaryContentAs(temporary.resolve(expected).resolve(shard));
        }
    }

    @Test
    void everyFormatGivesTheSameDump() throws IOException {
        dump("all.jsonl", "whole").succeeded();
        dump("corpus", "folder").succeeded();
        assertSame("folder", "whole");
        dump("corpus/*.{jsonl,gz,zst,parquet}", "parts", "--plan").succeeded();
        for (String part : List.of("2/3", "0/3", "1/3")) {
            Outcome.of("dump", "--out", path("parts"), "--part", part).succeeded();
        }
        Outcome.of("dump", "--out", path("parts"), "--finish", "--verify").succeeded();
        assertSame("parts", "whole");
    }

    @Test
    void aDryRunTellsWhatADumpCosts() {
        JsonNode cost = dump("corpus", "out", "--dry-run", "--json", "--prices", "0.5,2")
                .json()
                .get("cost");
        assertThat(cost.get("measured_tokens").asLong()).isGreaterThan(1000);
        double rate = cost.get("tokens_per_core_second").asDouble();
        double hours = cost.get("core_hours").asDouble();
        assertThat(hours * 3600 * rate).isCloseTo(cost.get("measured_tokens").asDouble(), within(1.0));
        assertThat(cost.get("price_of_making").asDouble()).isCloseTo(hours / 2, within(1e-12));
        String text =
                dump("all.jsonl", "out", "--plan", "--dry-run").succeeded().out();
        assertThat(text)
                .contains("core-hours", "tokens a core second here", "0.04 a core-hour", "0.023 a GB-month")
                .contains("Keep it if it is read more than");
        assertThat(temporary.resolve("out")).doesNotExist();
        assertThat(dump("corpus", "out", "--dry-run", "--prices", "0,1").err())
                .contains("--prices must be those of a core-hour and of a gigabyte for a month");
        assertThat(dump("corpus", "out", "--dry-run", "--prices", "1").exitCode())
                .isEqualTo(2);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "cut.jsonl.gz | it ends after 40 bytes, in the middle of its gzip data",
                "cut.txt.zst | in the middle of its zstd data",
                "text.txt.zst | it is not zstd data, although its name ends in .zst",
                "text.gz | it is not gzip data, although its name ends in .gz",
                "text.parquet | it is not a Parquet file: it does not begin with PAR1",
                "saved | holds Arrow files, as the datasets library saves them, which are not read",
                "text.arrow | is an Arrow file; write it as Parquet",
                "none/*.txt | no file matches the pattern",
                "empty | holds no file of a corpus",
                "empty.txt.gz | holds no",
                "both.jsonl | both.jsonl:1: \"text\" and \"input_ids\" exclude each other",
                "twice.jsonl | twice.jsonl:1: \"tokens\" and \"input_ids\" exclude each other",
            })
    void badInputIsOneSentence(String name, String sentence) throws IOException {
        Files.write(temporary.resolve("cut.jsonl.gz"), Arrays.copyOf(gzip(jsonLines()), 40));
        Files.write(temporary.resolve("cut.txt.zst"), Arrays.copyOf(Zstd.compress(jsonLines()), 40));
        Files.write(temporary.resolve("empty.txt.gz"), gzip(new byte[0]));
        for (String text : List.of("text.txt.zst", "text.gz", "text.parquet", "text.arrow")) {
            Files.writeString(temporary.resolve(text), "this is plain text, and no more than that");
        }
        Files.createDirectories(temporary.resolve("saved"));
        Files.createDirectories(temporary.resolve("empty"));
        Files.write(temporary.resolve("saved/data-00000-of-00001.arrow"), new byte[9]);
        Files.writeString(temporary.resolve("both.jsonl"), "{\"text\": \"a\", \"input_ids\": [1]}");
        Files.writeString(temporary.resolve("twice.jsonl"), "{\"tokens\": [1], \"input_ids\": [1]}");
        for (String more : List.of("--resume", "--plan")) {
            Outcome refused = dump(name, "out", more);
            assertThat(refused.err())
                    .contains(sentence, name.replace("none/*.txt", "none"))
                    .hasLineCount(1);
            assertThat(refused.exitCode()).isPositive();
            assertThat(temporary.resolve("out")).doesNotExist();
        }
    }

    /** The same seed and buffer give the same autoencoder from a dump and from the texts that it is of. */
    @Test
    void trainingOnTextsAndOnTheirDumpEndsInTheSameWeights() {
        List<String> settings = List.of(
                "--latents",
                "40",
                "--k",
                "4",
                "--steps",
                "30",
                "--batch",
                "64",
                "--buffer-rows",
                "150",
                "--site",
                "blocks.0.hook_resid_post");
        dump("corpus", "dump").succeeded();
        List<String> onDump = new ArrayList<>(List.of("sae", "train", "--dump", path("dump"), "--out", path("a")));
        onDump.addAll(settings);
        Outcome.of(onDump.toArray(String[]::new)).succeeded();
        List<String> onTexts = new ArrayList<>(
                List.of("sae", "train", "--prompts", path("corpus"), "--context", "512", "--out", path("b")));
        onTexts.addAll(settings);
        Outcome.of(onTexts.toArray(String[]::new)).succeeded();
        assertThat(temporary.resolve("a/sae_weights.safetensors"))
                .hasSameBinaryContentAs(temporary.resolve("b/sae_weights.safetensors"));
        assertThat(Outcome.of("sae", "train", "--texts", "4", "--pack", "--out", path("c"))
                        .err())
                .contains("--pack is for prompts, of which none are given");
    }

    private Outcome datasets(String out, String... more) {
        List<String> command = new ArrayList<>(
                List.of("dump", "--prompts", path("all.jsonl"), "--format", "datasets", "--out", path(out)));
        command.addAll(List.of(more));
        return Outcome.of(command.toArray(String[]::new));
    }

    @Test
    void windowsAreWrittenAsTheDatasetsLibrarySavesThem() throws IOException {
        String[] windows = {"--context", "8", "--pack", "--sites", "resid_pre1"};
        JsonNode written = datasets(
                        "acts",
                        Stream.concat(Stream.of(windows), Stream.of("--json")).toArray(String[]::new))
                .json();
        assertThat(written.get("site").asString()).isEqualTo("blocks.1.hook_resid_pre");
        assertThat(temporary.resolve("acts").toFile().list())
                .containsExactlyInAnyOrder("data-00000-of-00001.arrow", "dataset_info.json", "made.json", "state.json");
        long width = 128;
        // Its values, its id and where its values begin, of each token; and where its tokens begin, of each window.
        long values = written.get("windows").asLong() * (8 * (width + 2) + 1) * 4;
        assertThat(Files.size(temporary.resolve("acts/data-00000-of-00001.arrow")))
                .isBetween(values, values + 5000);
        assertThat(Files.readString(temporary.resolve("acts/dataset_info.json")))
                .contains("\"Array2D\"", "\"blocks.1.hook_resid_pre\"", "\"token_ids\"");
        assertThat(Files.readString(temporary.resolve("acts/state.json"))).contains("data-00000-of-00001.arrow");
        assertThat(temporary.toFile().list()).noneMatch(name -> name.startsWith(".acts"));
        datasets("again", windows).succeeded();
        for (String file : List.of("data-00000-of-00001.arrow", "dataset_info.json", "state.json")) {
            assertThat(temporary.resolve("again").resolve(file))
                    .hasSameBinaryContentAs(temporary.resolve("acts").resolve(file));
        }
        assertThat(datasets("acts", windows).err()).contains("acts exists already");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--sites resid_pre1 | --format datasets needs windows of tokens, --context and --pack",
                "--context 8 --pack --plan | --format datasets needs windows of tokens, --context and --pack, and"
                        + " excludes",
                "--context 8 --pack --sites resid_pre | --format datasets writes one site of every token, found 4"
                        + " sites",
                "--context 8 --pack --sites z1 --heads 0 | found a choice of values",
                "--context 8 --pack --sites resid_pre1 --every 2 | found a choice of values",
                "--context 8 --pack --sites pattern1 | cannot go to shards",
            })
    void whatIsNoFolderForDatasetsIsRefused(String options, String sentence) {
        Outcome refused = datasets("acts", options.split(" ", -1));
        assertThat(refused.err()).contains(sentence).hasLineCount(1);
        assertThat(refused.exitCode()).isPositive();
        assertThat(temporary.toFile().list()).noneMatch(name -> name.contains("acts"));
    }

    @Test
    void latentsAreWrittenAsDelphisCacheHasThem() {
        Outcome.of("sae", "train", "--latents", "40", "--k", "4", "--steps", "5", "--texts", "8", "--out", path("sae"))
                .succeeded();
        List<String> command = List.of(
                "sae",
                "encode",
                "--sae",
                path("sae"),
                "--prompts",
                path("all.jsonl"),
                "--context",
                "8",
                "--with-special");
        for (String form : List.of("offsets", "delphi")) {
            List<String> packed = new ArrayList<>(command);
            packed.addAll(List.of("--pack", "--format", form, "--out", path(form)));
            Outcome.of(packed.toArray(String[]::new)).succeeded();
        }
        TensorValues plain = TensorValues.open(temporary.resolve("offsets"), InputErrors.INSTANCE);
        TensorValues cache = TensorValues.open(temporary.resolve("delphi"), InputErrors.INSTANCE);
        long windows = cache.shape("tokens").getFirst();
        long count = cache.shape("activations").getFirst();
        assertThat(cache.shape("tokens").getLast()).isEqualTo(8);
        assertThat(cache.shape("locations")).containsExactly(count, 3L);
        assertThat(plain.shape("values")).containsExactly(count);
        assertThat(count).isGreaterThan(windows * 8);
        assertThat(Arrays.equals(cache.floats("activations", 0, count), plain.floats("values", 0, count)))
                .isTrue();
        assertThat(cache.integers("tokens")).isEqualTo(plain.integers("tokens"));
        int[] locations = cache.integers("locations");
        int[] offsets = plain.integers("offsets");
        int[] documents = plain.integers("documents");
        int[] positions = plain.integers("positions");
        int[] indices = plain.integers("indices");
        for (int t = 0; t < windows * 8; t++) {
            for (int i = offsets[t]; i < offsets[t + 1]; i++) {
                assertThat(Arrays.copyOfRange(locations, 3 * i, 3 * i + 3))
                        .containsExactly(documents[t], positions[t], indices[i]);
            }
        }
        List<String> uneven = new ArrayList<>(command);
        uneven.addAll(List.of("--format", "delphi", "--out", path("uneven")));
        assertThat(Outcome.of(uneven.toArray(String[]::new)).err())
                .contains("a cache of latents is of sequences of one length, found");
        assertThat(temporary.resolve("uneven")).doesNotExist();
    }
}
