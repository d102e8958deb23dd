package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.files.InputErrors;
import dev.hyaline.files.TensorValues;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** {@code hyaline dump --sae}: what fires in an autoencoder in place of activations. */
final class LatentDumpCommandTest {
    private static final int CONTEXT = 16;

    @TempDir
    private static Path shared;

    private static String corpus;

    @TempDir
    private Path temporary;

    @BeforeAll
    static void train() throws IOException {
        SaeFixture saes = new SaeFixture(shared);
        saes.train("sae");
        saes.train("other", "--seed", "2");
        corpus = shared.resolve("corpus.jsonl").toString();
        Files.writeString(
                Path.of(corpus), "\"When Mary and John went to the store\"\n{\"tokens\": [1535, 7, 8]}\n".repeat(80));
    }

    private static String sae(String name) {
        return shared.resolve(name).toString();
    }

    private Outcome dump(String out, String... more) {
        List<String> command = new ArrayList<>(List.of("dump", "--prompts", corpus, "--out", path(out)));
        command.addAll(List.of(more));
        return Outcome.of(command.toArray(String[]::new));
    }

    private String path(String name) {
        return temporary.resolve(name).toString();
    }

    private String[] windows(String... more) {
        return Stream.concat(
                        Stream.of("--sae", sae("sae"), "--context", "" + CONTEXT, "--pack", "--shard-size", "1B"),
                        Stream.of(more))
                .toArray(String[]::new);
    }

    private List<Path> shards(String out) throws IOException {
        try (Stream<Path> files = Files.list(temporary.resolve(out))) {
            return files.filter(file -> file.toString().endsWith(".safetensors"))
                    .sorted()
                    .toList();
        }
    }

    @Test
    void shardsHoldWhatTheCacheOfTheSameTextsHolds() throws IOException {
        JsonNode written = dump("out", windows("--json")).json();
        assertThat(written.get("layout").asString()).isEqualTo("latents");
        List<Path> shards = shards("out");
        assertThat(shards).hasSize(written.get("shards").asInt()).hasSizeGreaterThan(3);
        long bytes = 0;
        Outcome.of(
                        "sae",
                        "encode",
                        "--sae",
                        sae("sae"),
                        "--prompts",
                        corpus,
                        "--context",
                        "" + CONTEXT,
                        "--pack",
                        "--with-special",
                        "--format",
                        "delphi",
                        "--out",
                        path("cache"))
                .succeeded();
        TensorValues cache = TensorValues.open(temporary.resolve("cache"), InputErrors.INSTANCE);
        int[] tokens = new int[0];
        int[] locations = new int[0];
        float[] values = new float[0];
        for (Path shard : shards) {
            TensorValues file = TensorValues.open(shard, InputErrors.INSTANCE);
            bytes += Files.size(shard);
            int[] here = file.integers("locations");
            for (int i = 0; i < here.length; i += 3) {
                here[i] += tokens.length / CONTEXT;
            }
            locations = IntStream.concat(IntStream.of(locations), IntStream.of(here))
                    .toArray();
            tokens = IntStream.concat(IntStream.of(tokens), IntStream.of(file.integers("tokens")))
                    .toArray();
            float[] more = file.floats("activations", 0, here.length / 3);
            int before = values.length;
            values = Arrays.copyOf(values, before + more.length);
            System.arraycopy(more, 0, values, before, more.length);
        }
        assertThat(tokens).isEqualTo(cache.integers("tokens"));
        assertThat(locations).isEqualTo(cache.integers("locations"));
        assertThat(values).isEqualTo(cache.floats("activations", 0, cache.elements("activations")));
        assertThat(bytes).isEqualTo(written.get("bytes").asLong());
        assertThat(Outcome.of("sae", "train", "--dump", path("out"), "--out", path("trained"))
                        .err())
                .contains("\"token-major\", rows of activations, not the latents that fire")
                .hasLineCount(1);
    }

    @Test
    void partsMakeTheSameShardsAndTheCommandOfTheManifestMakesThemAgain() throws IOException {
        dump("whole", windows("--dtype", "f16")).succeeded();
        String text = dump("out", windows("--dtype", "f16", "--format", "delphi", "--plan"))
                .succeeded()
                .out();
        assertThat(text).contains("and what fires)");
        for (String part : List.of("2/3", "0/3", "1/3", "1")) {
            Outcome.of("dump", "--out", path("out"), "--part", part).succeeded();
        }
        Outcome.of("dump", "--out", path("out"), "--finish", "--verify").succeeded();
        assertSame("out");
        List<Path> shards = shards("out");
        byte[] flipped = Files.readAllBytes(shards.get(1));
        flipped[flipped.length / 2] ^= 2;
        Files.write(shards.get(1), flipped);
        assertThat(Outcome.of("dump", "--out", path("out"), "--finish", "--verify")
                        .err())
                .contains("activations-00001.safetensors: expected SHA-256");
        Files.delete(shards("whole").get(2));
        dump("whole", windows("--dtype", "f16", "--resume")).succeeded();
        JsonNode manifest = SaeFixture.json(temporary.resolve("whole/manifest.json"));
        List<String> command = new ArrayList<>();
        manifest.get("command").forEach(word -> command.add(word.asString()));
        assertThat(command).containsSequence("--format", "delphi", "--dtype", "f16");
        command.removeFirst();
        command.addAll(List.of("--out", path("again")));
        Outcome.of(command.toArray(String[]::new)).succeeded();
        assertSame("again");
        Outcome other =
                dump("whole", "--sae", sae("other"), "--context", "16", "--pack", "--shard-size", "1B", "--resume");
        assertThat(other.err()).contains("was begun otherwise").hasLineCount(1);
    }

    private void assertSame(String found) throws IOException {
        assertThat(shards(found)).hasSameSizeAs(shards("whole"));
        for (Path shard : shards("whole")) {
            assertThat(temporary.resolve(found).resolve(shard.getFileName())).hasSameBinaryContentAs(shard);
        }
    }

    @Test
    void aDryRunForecastsWhatFires() {
        JsonNode forecast = dump("out", windows("--dry-run", "--json")).json();
        long written = dump("out", windows("--json")).json().get("bytes").asLong();
        // The first passes stand for all of a corpus that repeats itself.
        assertThat((double) forecast.get("bytes").asLong()).isBetween(0.8 * written, 1.2 * written);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--format delphi --context 8 --pack | --format delphi writes what fires in one autoencoder, --sae,"
                        + " found none",
                "--sae SAE --sae SAE --context 8 --pack | in one autoencoder, --sae, found 2",
                "--sae SAE | it needs --context and --pack; inner sites are hook_sae_input",
                "--sae SAE --format delphi --plan | it needs --context and --pack",
                "--sae SAE --context 8 | --context goes with --pack",
                "--sae SAE --context 8 --pack --every 2 | writes what fires in every token; leave out --every",
                "--sae SAE --context 8 --pack --positions last | writes what fires in every token",
                "--sae SAE --format delphi --context 8 --pack --sites resid_pre --layers 2 | the autoencoder reads"
                        + " blocks.2.hook_resid_post, but --sites names blocks.2.hook_resid_pre",
                "--sae SAE --format delphi --context 8 --pack --sites hook_sae_acts_post | leave out"
                        + " hook_sae_acts_post, or the format",
                "--sae SAE --sites resid_post --context 8 --pack | --sae is for inner sites of autoencoders, but"
                        + " --sites names none",
                "--sae SAE --format datasets --context 8 --pack | --sae is for inner sites of autoencoders",
                "--sae SAE --format delphi --context 8 --pack --no-shards | --no-shards excludes",
                "--sae SAE --format delphi --context 8 --pack --gradients logit-diff | --gradients excludes",
                "--sae SAE --context 8 --pack --model nowhere/at/all | nowhere",
                "--sae /nowhere --context 8 --pack | /nowhere",
                "--sae EMPTY --context 8 --pack | EMPTY",
                "--sae CORPUS --context 8 --pack | corpus.jsonl",
            })
    void whatCannotBeIsRefused(String options, String sentence) throws IOException {
        Path empty = Files.createDirectories(temporary.resolve("empty"));
        Outcome refused = dump(
                "out",
                Stream.of(options.split(" ", -1))
                        .map(word -> word.replace("SAE", sae("sae")).replace("EMPTY", empty.toString()))
                        .map(word -> word.replace("CORPUS", corpus))
                        .toArray(String[]::new));
        assertThat(refused.err())
                .contains(sentence.replace("EMPTY", empty.toString()))
                .hasLineCount(1);
        assertThat(refused.exitCode()).isPositive();
        assertThat(temporary.resolve("out")).doesNotExist();
    }
}
