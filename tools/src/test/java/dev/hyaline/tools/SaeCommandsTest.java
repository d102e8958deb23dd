package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.analysis.sparse.file.SaeFiles;
import dev.hyaline.analysis.sparse.train.StoreData;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.SafetensorsValues;
import dev.hyaline.instrument.HookPoints;
import dev.hyaline.instrument.dump.ActivationStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The commands of sparse autoencoders, in this JVM. */
final class SaeCommandsTest {
    @TempDir
    private Path temporary;

    private String path(String name) {
        return temporary.resolve(name).toString();
    }

    private void train(String out, String... more) {
        train(12, out, more);
    }

    private void train(int steps, String out, String... more) {
        List<String> arguments = new java.util.ArrayList<>(List.of(
                "sae",
                "train",
                "--texts",
                "8",
                "--context",
                "24",
                "--steps",
                String.valueOf(steps),
                "--batch",
                "32",
                "--latents",
                "64",
                "--k",
                "6",
                "--out",
                path(out)));
        arguments.addAll(List.of(more));
        Outcome.of(arguments.toArray(String[]::new)).succeeded();
    }

    @ParameterizedTest
    @ValueSource(strings = {"train", "evaluate", "encode", "features", "sweep", "info", "convert"})
    void helpHasExamplesAndFitsTheScreen(String command) {
        String help = Outcome.of("sae", command, "--help").succeeded().out();
        assertThat(help)
                .contains("Usage: hyaline sae " + command, "  hyaline sae " + command)
                .doesNotContain("${", "null");
        assertThat(help.lines()).allMatch(line -> line.length() <= 100);
    }

    @Test
    void anAutoencoderIsTrainedMeasuredAndShown() throws IOException {
        train("sae");
        assertThat(Outcome.of("sae", "info", "--sae", path("sae")).succeeded().out())
                .contains("top-k, 6 a token", "training architecture  ", "topk", "blocks.2.hook_resid_post", "fable");
        String evaluated = Outcome.of("sae", "evaluate", "--sae", path("sae"), "--texts", "4", "--json")
                .succeeded()
                .out();
        assertThat(evaluated).contains("\"explained_variance\":", "\"ce_loss_score\":", "\"l0\":6");
        assertThat(Outcome.of(
                                "sae",
                                "encode",
                                "--sae",
                                path("sae"),
                                "--prompt",
                                "Mary gave a drink to John",
                                "--out",
                                path("latents.safetensors"))
                        .succeeded()
                        .out())
                .contains("latents of");
        String shown = Outcome.of(
                        "sae",
                        "features",
                        "--sae",
                        path("sae"),
                        "--texts",
                        "4",
                        "--latents",
                        "0-2",
                        "--out",
                        path("pages"))
                .succeeded()
                .out();
        assertThat(shown).contains("Say one nameable thing");
        assertThat(shown.lines()
                        .filter(line -> line.contains("%"))
                        .map(line -> line.strip().split(" {2,}", -1)[0]))
                .containsExactly("latents", "basis", "neurons", "random directions");
        assertThat(Files.readString(temporary.resolve("pages/index.html"))).contains("latent-2.html");
        Outcome.of("sae", "convert", "--sae", path("sae"), "--out", path("again"))
                .succeeded();
        assertThat(Files.mismatch(
                        temporary.resolve("sae/sae_weights.safetensors"),
                        temporary.resolve("again/sae_weights.safetensors")))
                .isEqualTo(-1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"batchtopk", "matryoshka", "standard", "gated", "jumprelu"})
    void everyArchitectureTrains(String architecture) {
        train(architecture, "--architecture", architecture);
        assertThat(Outcome.of("sae", "info", "--sae", path(architecture), "--json")
                        .succeeded()
                        .out())
                .contains("\"latents\":64");
    }

    @ParameterizedTest
    @CsvSource({"standard, --anneal, 0.2", "standard, --ghost-gradients,", "topk, --ghost-gradients,"})
    void penaltiesAreAnnealedAndDeadLatentsRevived(String architecture, String option, @Nullable String value)
            throws IOException {
        train(140, "plain", "--architecture", architecture, "--l1", "30");
        List<String> more = new java.util.ArrayList<>(List.of("--architecture", architecture, "--l1", "30", option));
        if (value != null) {
            more.add(value);
        }
        train(140, "other", more.toArray(String[]::new));
        assertThat(Files.mismatch(
                        temporary.resolve("plain/sae_weights.safetensors"),
                        temporary.resolve("other/sae_weights.safetensors")))
                .isNotEqualTo(-1);
    }

    @Test
    void latentsAreSweptAndTheirDensitiesDrawn() throws IOException {
        train("sae");
        String swept = Outcome.of(
                        "sae", "sweep", "--sae", path("sae"), "--most", "3", "--count", "4", "--out", path("tables"))
                .succeeded()
                .out();
        assertThat(swept)
                .contains(
                        "Ablation of nodes at blocks.2.hook_resid_post",
                        "12 edits",
                        "What nodes contribute",
                        "gradient");
        assertThat(temporary.resolve("tables/ablate-latents.csv")).isNotEmptyFile();
        assertThat(Files.readString(temporary.resolve("tables/latent-scores.csv")))
                .contains("node,measure", ",effect,", ",gradient,");
        assertThat(Outcome.of("sae", "sweep", "--sae", path("sae"), "--latents", "0-2", "--count", "2")
                        .succeeded()
                        .out())
                .contains("Ablation of latents")
                .doesNotContain("gradient");
        assertThat(Outcome.of("sae", "sweep", "--sae", path("sae"), "--latents", "64")
                        .err())
                .contains("latent", "64");
        Outcome.of("sae", "evaluate", "--sae", path("sae"), "--texts", "4", "--picture", path("densities.svg"))
                .succeeded();
        assertThat(Files.readString(temporary.resolve("densities.svg"))).contains("never fire", "blocks.2");
        assertThat(Outcome.of("sae", "evaluate", "--sae", path("sae"), "--picture", path("densities.gif"))
                        .exitCode())
                .isEqualTo(2);
    }

    /** A circuit of the latents of two autoencoders, their error terms among them. */
    @Test
    void nodesOfSeveralAutoencodersAreRanked() throws IOException {
        train("late");
        train("early", "--site", "blocks.1.hook_mlp_out");
        String json = Outcome.of(
                        "sae",
                        "sweep",
                        "--sae",
                        path("late"),
                        "--sae",
                        path("early"),
                        "--steps",
                        "3",
                        "--most",
                        "12",
                        "--count",
                        "3",
                        "--json")
                .succeeded()
                .out();
        assertThat(json)
                .contains(
                        "latent-scores", "integrated", "blocks.2.hook_resid_post error", "blocks.1.hook_mlp_out error");
        assertThat(Outcome.of("sae", "sweep", "--sae", path("late"), "--sae", path("early"), "--latents", "1")
                        .err())
                .contains("--latents is for one --sae");
        assertThat(Outcome.of("sae", "sweep", "--sae", path("late"), "--steps", "1")
                        .err())
                .contains("--steps must be from 2");
    }

    @Test
    void aCrosscoderReadsSeveralSites() {
        train(
                "coder",
                "--site",
                "blocks.1.hook_resid_post,blocks.2.hook_resid_post",
                "--architecture",
                "standard",
                "--l1",
                "1");
        assertThat(Outcome.of("sae", "info", "--sae", path("coder")).succeeded().out())
                .contains("crosscoder", "blocks.1.hook_resid_post,blocks.2.hook_resid_post");
        Outcome gated = Outcome.of(
                "sae",
                "train",
                "--site",
                "blocks.1.hook_resid_post,blocks.2.hook_resid_post",
                "--architecture",
                "gated",
                "--out",
                path("new"));
        assertThat(gated.exitCode()).isEqualTo(2);
        assertThat(gated.err()).contains("crosscoder");
        assertThat(Outcome.of("sae", "evaluate", "--sae", path("coder")).err()).contains("several sites");
    }

    /** Data that runs out is begun again in another order; silence about it was a fault of SAELens's (PR 207). */
    @Test
    void rowsThatAreSeenAgainAreSaid() {
        List<String> arguments = List.of(
                "sae", "train", "--texts", "4", "--context", "16", "--latents", "64", "--k", "6", "--batch", "32");
        String again = Outcome.of(with(arguments, "--steps", "40", "--out", path("again")))
                .succeeded()
                .out();
        assertThat(again).containsPattern("\\d+ rows were there for 1280 tokens: each was seen \\d+\\.\\d times");
        String json = Outcome.of(with(arguments, "--steps", "40", "--out", path("json"), "--json"))
                .succeeded()
                .out();
        Matcher matcher =
                Pattern.compile("\"rows\":(\\d+),\"times_seen\":([\\d.]+)").matcher(json);
        assertThat(matcher.find()).isTrue();
        assertThat(Double.parseDouble(matcher.group(2)))
                .isCloseTo(1280.0 / Integer.parseInt(matcher.group(1)), within(1e-3));
        assertThat(Outcome.of(with(arguments, "--steps", "1", "--out", path("once")))
                        .succeeded()
                        .out())
                .doesNotContain("rows were there");
    }

    @Test
    void aTranscoderWritesAnotherSite() {
        train(
                "coder",
                "--site",
                "blocks.2.ln2.hook_normalized",
                "--site-out",
                "blocks.2.hook_mlp_out",
                "--architecture",
                "standard",
                "--skip");
        assertThat(Outcome.of("sae", "info", "--sae", path("coder")).succeeded().out())
                .contains("transcoder", "blocks.2.hook_mlp_out");
    }

    @Test
    void threadsAndADumpChangeNoBitOfAnother() throws IOException {
        train("one", "--threads", "1");
        train("three", "--threads", "3");
        assertThat(Files.mismatch(
                        temporary.resolve("one/sae_weights.safetensors"),
                        temporary.resolve("three/sae_weights.safetensors")))
                .isEqualTo(-1);
    }

    @Test
    void aRunThatIsKilledAgainAndAgainEndsInTheSameBits() throws IOException, InterruptedException {
        List<String> settings = List.of(
                "--texts",
                "8",
                "--context",
                "24",
                "--steps",
                "1000",
                "--batch",
                "32",
                "--latents",
                "64",
                "--k",
                "6",
                "--checkpoint-every",
                "20",
                "--threads",
                "1");
        List<String> once = new java.util.ArrayList<>(List.of("sae", "train", "--out", path("whole")));
        once.addAll(settings);
        Outcome.of(once.toArray(String[]::new)).succeeded();
        List<String> command = new java.util.ArrayList<>(List.of("sae", "train", "--resume", "--out", "killed"));
        command.addAll(settings);
        Path checkpoint = temporary.resolve("killed.training.safetensors");
        int kills = 0;
        while (kills < 4 && !Files.exists(temporary.resolve("killed"))) {
            Process process = Outcome.start(temporary, "C.UTF-8", command.toArray(String[]::new));
            java.nio.file.attribute.FileTime before = modified(checkpoint);
            // Killed once it has gone further than the last run, wherever it is then.
            while (process.isAlive() && modified(checkpoint).equals(before)) {
                Thread.sleep(2);
            }
            process.destroyForcibly().waitFor();
            kills++;
        }
        assertThat(kills).isGreaterThan(2);
        assertThat(Outcome.ofProcess(temporary, "C.UTF-8", command.toArray(String[]::new))
                        .exitCode())
                .isZero();
        assertThat(Files.mismatch(
                        temporary.resolve("whole/sae_weights.safetensors"),
                        temporary.resolve("killed/sae_weights.safetensors")))
                .isEqualTo(-1);
        assertThat(checkpoint).doesNotExist();
    }

    private static java.nio.file.attribute.FileTime modified(Path file) throws IOException {
        return Files.exists(file) ? Files.getLastModifiedTime(file) : java.nio.file.attribute.FileTime.fromMillis(0);
    }

    @Test
    void interpretableLatentsAreCounted() throws IOException {
        train("sae");
        Path concepts = Files.writeString(
                temporary.resolve("concepts.json"),
                "{\"names\": [\"Mary\", \"John\", \"Anna\", \"Tom\", \"Paul\"], \"end\": [\".\"]}");
        assertThat(Outcome.of(
                                "sae",
                                "evaluate",
                                "--sae",
                                path("sae"),
                                "--texts",
                                "64",
                                "--concepts",
                                concepts.toString())
                        .succeeded()
                        .out())
                .contains("say one nameable thing", "with permuted labels");
    }

    @Test
    void innerSitesAreDumpedLikeAnyOther() {
        train("sae");
        String acts = "blocks.2.hook_resid_post.hook_sae_acts_post";
        Outcome dump = Outcome.of(
                "dump",
                "--sae",
                path("sae"),
                "--sites",
                acts + ",hook_sae_recons,hook_sae_error",
                "--prompt",
                "Mary gave a drink to John",
                "--prompt",
                "John",
                "--out",
                path("dump"));
        assertThat(dump.exitCode()).as(dump.err()).isZero();
        SafetensorsValues dumped =
                SafetensorsValues.open(temporary.resolve("dump/activations.safetensors"), InputErrors.INSTANCE);
        String site = "blocks.2.hook_resid_post";
        List<Long> shape = dumped.shape(site);
        assertThat(dumped.shape(acts)).containsExactly(shape.getFirst(), 64L);
        float[] x = all(dumped, site);
        float[] recons = all(dumped, site + ".hook_sae_recons");
        float[] error = all(dumped, site + ".hook_sae_error");
        for (int i = 0; i < x.length; i++) {
            assertThat(error[i]).isEqualTo(x[i] - recons[i]);
        }
        SparseAutoencoder sae = SaeFiles.read(temporary.resolve("sae")).autoencoder();
        assertThat(all(dumped, acts)).isEqualTo(sae.encode(x).dense());
        Outcome without = Outcome.of("dump", "--sites", acts, "--out", path("other"));
        assertThat(without.exitCode()).isEqualTo(2);
        assertThat(without.err()).contains("--sae");
        Outcome elsewhere = Outcome.of(
                "dump",
                "--sae",
                path("sae"),
                "--sites",
                "blocks.1.hook_resid_post.hook_sae_acts_post",
                "--out",
                path("other"));
        assertThat(elsewhere.exitCode()).isNotZero();
        assertThat(elsewhere.err()).contains("blocks.1.hook_resid_post.hook_sae_acts_post");
    }

    @Test
    void innerSitesGoToShardsAndADumpIsResumedWithTheSameAutoencoderAlone() throws IOException {
        train("sae");
        train("other", "--seed", "2");
        Path prompts = Files.writeString(
                temporary.resolve("prompts.txt"), "Mary gave a drink to John\nJohn went to the store\nMary\n");
        String acts = "blocks.2.hook_resid_post.hook_sae_acts_post";
        List<String> dump = List.of(
                "dump",
                "--shards",
                "--prompts",
                prompts.toString(),
                "--sites",
                "blocks.2.hook_resid_post",
                "--sites",
                acts,
                "--out",
                path("dump"),
                "--sae");
        Outcome.of(with(dump, path("sae"))).succeeded();
        SparseAutoencoder sae = SaeFiles.read(temporary.resolve("sae")).autoencoder();
        try (ActivationStore store = ActivationStore.open(temporary.resolve("dump"))) {
            assertThat(store.derivedSites()).containsExactly(acts);
            assertThat(store.width(acts)).isEqualTo(64);
            int rows = Math.toIntExact(store.rows());
            float[] x = new float[rows * 128];
            store.read(HookPoints.point("blocks.2.hook_resid_post"), 0, rows, x, 0);
            float[] latents = new float[rows * 64];
            store.read(acts, 0, rows, latents, 0);
            assertThat(latents).isEqualTo(sae.encode(x).dense());
        }
        Outcome.of(with(dump, path("sae"), "--resume")).succeeded();
        assertThat(Outcome.of(with(dump, path("other"), "--resume")).err())
                .contains("was begun otherwise", "capture.derived." + acts);
    }

    @Test
    void attentionSinksAreLeftOutIfAskedFor() throws IOException {
        Path prompts = Files.writeString(
                temporary.resolve("prompts.txt"), "Mary gave a drink to John\nJohn went to the store\nMary\n");
        Outcome.of(
                        "dump",
                        "--shards",
                        "--prompts",
                        prompts.toString(),
                        "--sites",
                        "resid_post",
                        "--layers",
                        "2",
                        "--out",
                        path("dump"))
                .succeeded();
        HookPoint site = HookPoints.point("blocks.2.hook_resid_post");
        try (ActivationStore store = ActivationStore.open(temporary.resolve("dump"))) {
            int rows = Math.toIntExact(store.rows());
            double[] lengths = new double[rows];
            float[] x = new float[rows * 128];
            store.read(site, 0, rows, x, 0);
            for (int i = 0; i < x.length; i++) {
                lengths[i / 128] += (double) x[i] * x[i];
            }
            double median = Math.sqrt(Arrays.stream(lengths).sorted().toArray()[rows / 2]);
            StoreData all = StoreData.of(store, site, Set.of(), 1);
            for (double times : new double[] {1, 1.1, 10}) {
                long expected = Arrays.stream(lengths)
                        .filter(length -> Math.sqrt(length) <= times * median * (1 + 1e-12))
                        .count();
                assertThat(all.withoutLongRows(times).rows()).isEqualTo(expected);
            }
            assertThat(all.withoutLongRows(1).rows()).isLessThan(rows);
        }
        Outcome trained = Outcome.of(with(
                List.of(
                        "sae",
                        "train",
                        "--steps",
                        "4",
                        "--batch",
                        "8",
                        "--latents",
                        "32",
                        "--k",
                        "4",
                        "--with-special"),
                "--dump",
                path("dump"),
                "--max-length",
                "1",
                "--out",
                path("sae")));
        assertThat(trained.exitCode()).as(trained.err()).isZero();
        assertThat(trained.err()).contains("rows are longer than 1.0 times the median");
    }

    private static String[] with(List<String> words, String... more) {
        List<String> all = new java.util.ArrayList<>(words);
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }

    @Test
    void gradientsAtInnerSitesAreThoseOfTheWrittenSiteTimesTheDecoder() {
        train("sae");
        String site = "blocks.2.hook_resid_post";
        Outcome dump = Outcome.of(
                "dump",
                "--sae",
                path("sae"),
                "--gradients",
                "logit-diff",
                "--sites",
                site + ",hook_sae_acts_post,hook_sae_error",
                "--out",
                path("dump"));
        assertThat(dump.exitCode()).as(dump.err()).isZero();
        SafetensorsValues dumped =
                SafetensorsValues.open(temporary.resolve("dump/activations.safetensors"), InputErrors.INSTANCE);
        float[] g = all(dumped, "grad." + site);
        float[] ofLatents = all(dumped, "grad." + site + ".hook_sae_acts_post");
        assertThat(all(dumped, "grad." + site + ".hook_sae_error")).isEqualTo(g);
        SparseAutoencoder sae = SaeFiles.read(temporary.resolve("sae")).autoencoder();
        assertThat(ofLatents).hasSize(g.length / 128 * 64);
        double largest = 0;
        for (int k = 0; k < ofLatents.length; k++) {
            float[] row = sae.decoderRow(k % 64);
            double sum = 0;
            for (int c = 0; c < 128; c++) {
                sum += (double) g[k / 64 * 128 + c] * row[c] / sae.decoderNorms()[k % 64];
            }
            assertThat((double) ofLatents[k]).isCloseTo(sum, within(1e-6 + 1e-5 * Math.abs(sum)));
            largest = Math.max(largest, Math.abs(sum));
        }
        assertThat(largest).isGreaterThan(1e-3);
    }

    private static float[] all(SafetensorsValues file, String tensor) {
        return file.floats(tensor, 0, file.elements(tensor));
    }

    @Test
    void anAutoencoderOfTheHubIsAskedForByRepositoryAndFolder() {
        Outcome offline = Outcome.of("sae", "info", "--sae", "ann/saes:layer_0");
        assertThat(offline.exitCode()).isEqualTo(1);
        assertThat(offline.err()).contains("HF_HUB_OFFLINE", "no file or folder ann/saes:layer_0");
    }

    @Test
    void badUsageIsOneSentence() {
        assertThat(Outcome.of("sae").exitCode()).isEqualTo(2);
        Outcome missing = Outcome.of("sae", "info", "--sae", path("nothing"));
        assertThat(missing.exitCode()).isEqualTo(1);
        assertThat(missing.err()).contains("nothing: no such file or folder");
        train("there");
        Outcome again = Outcome.of("sae", "train", "--out", path("there"));
        assertThat(again.exitCode()).isEqualTo(2);
        assertThat(again.err()).contains("exists already");
        Outcome k = Outcome.of("sae", "train", "--k", "0", "--out", path("new"));
        assertThat(k.exitCode()).isEqualTo(2);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "train --latents 2000000000 | --latents must be at most 16777215 of width 128, found 2000000000",
                "train --batch 2000000000 | --batch must be at most 1048576, found 2000000000",
                "train --steps 9223372036854775807 | --steps must be at most 1000000000, found 9223372036854775807",
                "train --anneal 0.5 | --anneal is for --architecture standard, found topk",
                "train --architecture standard --anneal 0 | --anneal must be above 0 and at most 1, found 0.0",
                "train --architecture standard --anneal 0.5 --steps 19 | at least 20 steps",
                "train --max-length 10 | --max-length is for a --dump",
                "train --architecture gated --ghost-gradients | not for gated ones",
                "train --k 65 --latents 64 | --k must be at most the number of latents, 64, found 65.0",
                "train --site blocks.99.hook_resid_post | there is no layer 99",
                "train --dump DIR | manifest.json",
                "train --out DIR/file/new | file is not a folder",
                "features --sae SAE --latents 64 | there is no latent 64: latents run from 0 to 63",
                "features --sae SAE --out DIR/file/new | file is not a folder",
                "encode --sae SAE --out DIR | is a folder; name a file",
                "encode --sae SAE --out DIR/file/new | file is not a folder",
                "encode --sae SAE --out DIR/file | file exists already; choose another file",
                "convert --sae SAE --out DIR | exists already",
                "convert --sae SAE --out DIR/file/new | file is not a folder",
                "sweep --sae SAE --latents 64 --out DIR/new | there is no latent 64"
            })
    void whatCannotBeIsRefusedBeforeAnyWork(String line, String message) throws IOException {
        if (line.contains("SAE")) {
            train("sae");
        }
        Files.createDirectories(temporary.resolve("folder"));
        Files.writeString(temporary.resolve("folder/file"), "");
        List<String> arguments = new java.util.ArrayList<>(List.of("sae"));
        for (String word : line.split(" ", -1)) {
            arguments.add(word.replace("SAE", path("sae")).replace("DIR", path("folder")));
        }
        if (!line.contains("--out") && line.startsWith("train")) {
            arguments.addAll(List.of("--out", path("new")));
        }
        Outcome outcome = Outcome.of(arguments.toArray(String[]::new));
        assertThat(outcome.exitCode()).isIn(1, 2);
        assertThat(outcome.err()).contains(message).doesNotContain("Exception");
        assertThat(temporary.resolve("new")).doesNotExist();
        assertThat(temporary.resolve("folder/new")).doesNotExist();
        assertThat(temporary.resolve("folder/file")).isEmptyFile();
    }
}
