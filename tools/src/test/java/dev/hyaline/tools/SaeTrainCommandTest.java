package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.sparse.train.StoreData;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.instrument.HookPoints;
import dev.hyaline.instrument.dump.ActivationStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** The command {@code sae train}. */
final class SaeTrainCommandTest {
    @TempDir
    private Path temporary;

    private SaeFixture saes;

    @BeforeEach
    void open() {
        saes = new SaeFixture(temporary);
    }

    @ParameterizedTest
    @ValueSource(strings = {"batchtopk", "matryoshka", "standard", "gated", "jumprelu"})
    void everyArchitectureTrains(String architecture) {
        saes.train(architecture, "--architecture", architecture);
        assertThat(Outcome.of("sae", "info", "--sae", saes.path(architecture), "--json")
                        .succeeded()
                        .out())
                .contains("\"latents\":64");
    }

    @ParameterizedTest
    @CsvSource({"standard, --anneal, 0.2", "standard, --ghost-gradients,", "topk, --ghost-gradients,"})
    void penaltiesAreAnnealedAndDeadLatentsRevived(String architecture, String option, @Nullable String value)
            throws IOException {
        saes.train(140, "plain", "--architecture", architecture, "--l1", "30");
        List<String> more = new ArrayList<>(List.of("--architecture", architecture, "--l1", "30", option));
        if (value != null) {
            more.add(value);
        }
        saes.train(140, "other", more.toArray(String[]::new));
        assertThat(Files.mismatch(
                        temporary.resolve("plain/sae_weights.safetensors"),
                        temporary.resolve("other/sae_weights.safetensors")))
                .isNotEqualTo(-1);
    }

    @Test
    void aCrosscoderReadsSeveralSites() {
        saes.train(
                "coder",
                "--site",
                "blocks.1.hook_resid_post,blocks.2.hook_resid_post",
                "--architecture",
                "standard",
                "--l1",
                "1");
        assertThat(Outcome.of("sae", "info", "--sae", saes.path("coder"))
                        .succeeded()
                        .out())
                .contains("crosscoder", "blocks.1.hook_resid_post,blocks.2.hook_resid_post");
        Outcome gated = Outcome.of(
                "sae",
                "train",
                "--site",
                "blocks.1.hook_resid_post,blocks.2.hook_resid_post",
                "--architecture",
                "gated",
                "--out",
                saes.path("new"));
        assertThat(gated.exitCode()).isEqualTo(2);
        assertThat(gated.err()).contains("crosscoder");
        assertThat(Outcome.of("sae", "evaluate", "--sae", saes.path("coder")).err())
                .contains("several sites");
    }

    /** Data that runs out is begun again in another order; silence about it was a fault of SAELens's (PR 207). */
    @Test
    void rowsThatAreSeenAgainAreSaid() {
        List<String> arguments = List.of(
                "sae", "train", "--texts", "4", "--context", "16", "--latents", "64", "--k", "6", "--batch", "32");
        String again = Outcome.of(SaeFixture.with(arguments, "--steps", "40", "--out", saes.path("again")))
                .succeeded()
                .out();
        assertThat(again).containsPattern("\\d+ rows were there for 1280 tokens: each was seen \\d+\\.\\d times");
        String json = Outcome.of(SaeFixture.with(arguments, "--steps", "40", "--out", saes.path("json"), "--json"))
                .succeeded()
                .out();
        Matcher matcher =
                Pattern.compile("\"rows\":(\\d+),\"times_seen\":([\\d.]+)").matcher(json);
        assertThat(matcher.find()).isTrue();
        assertThat(Double.parseDouble(matcher.group(2)))
                .isCloseTo(1280.0 / Integer.parseInt(matcher.group(1)), within(1e-3));
        assertThat(Outcome.of(SaeFixture.with(arguments, "--steps", "1", "--out", saes.path("once")))
                        .succeeded()
                        .out())
                .doesNotContain("rows were there");
    }

    /** A file says how the weights were processed, in SAELens's words, and is refused where that matters. */
    @Test
    void theProcessingOfWeightsIsKept() {
        saes.train("folded", "--site", "blocks.1.ln1.hook_normalized", "--process", "fold_ln,center_writing_weights");
        JsonNode kept =
                SaeFixture.json(temporary.resolve("folded/cfg.json")).at("/metadata/model_from_pretrained_kwargs");
        assertThat(kept.toString()).isEqualTo("{\"center_writing_weights\":true,\"fold_ln\":true}");
        List<String> evaluate =
                List.of("sae", "evaluate", "--sae", saes.path("folded"), "--texts", "2", "--context", "16");
        Outcome refused = Outcome.of(SaeFixture.with(evaluate));
        assertThat(refused.exitCode()).isNotZero();
        assertThat(refused.err())
                .contains("fold_ln, center_writing_weights", "blocks.1.ln1.hook_normalized", "(--process)")
                .hasLineCount(1);
        Outcome.of(SaeFixture.with(evaluate, "--process", "fold_ln")).succeeded();
        assertThat(Outcome.of("sae", "info", "--sae", saes.path("folded")).out())
                .contains("weights processed by", "fold_ln, center_writing_weights");
    }

    @Test
    void ofADumpTheProcessingIsTheDumps() {
        Outcome.of(
                        "dump",
                        "--shards",
                        "--process",
                        "center_writing_weights",
                        "--sites",
                        "resid_post2",
                        "--prompt",
                        "The cat saw the dog and ran home.",
                        "--out",
                        saes.path("rows"))
                .succeeded();
        List<String> train = List.of(
                "sae",
                "train",
                "--dump",
                saes.path("rows"),
                "--site",
                "blocks.2.hook_resid_post",
                "--steps",
                "2",
                "--batch",
                "4",
                "--latents",
                "16",
                "--k",
                "2",
                "--out",
                saes.path("new"));
        Outcome refused = Outcome.of(SaeFixture.with(train, "--process", "fold_ln"));
        assertThat(refused.exitCode()).isEqualTo(2);
        assertThat(refused.err())
                .contains("processed by center_writing_weights", "found fold_ln")
                .hasLineCount(1);
        Outcome.of(SaeFixture.with(train)).succeeded();
        assertThat(SaeFixture.json(temporary.resolve("new/cfg.json"))
                        .at("/metadata/model_from_pretrained_kwargs/center_writing_weights")
                        .asBoolean())
                .isTrue();
    }

    @Test
    void aTranscoderWritesAnotherSite() {
        saes.train(
                "coder",
                "--site",
                "blocks.2.ln2.hook_normalized",
                "--site-out",
                "blocks.2.hook_mlp_out",
                "--architecture",
                "standard",
                "--skip");
        assertThat(Outcome.of("sae", "info", "--sae", saes.path("coder"))
                        .succeeded()
                        .out())
                .contains("transcoder", "blocks.2.hook_mlp_out");
    }

    @Test
    void severalTrainOnOnePassAsEachWouldAlone() throws IOException {
        saes.train("all", "--architecture", "topk,standard", "--l1", "2,3.5", "--rate", "0.001");
        saes.train("six");
        saes.train("two", "--architecture", "standard", "--l1", "2");
        saes.train("three", "--architecture", "standard", "--l1", "3.5");
        assertThat(temporary.resolve("all").toFile().list())
                .containsExactlyInAnyOrder("topk", "standard-l1-2", "standard-l1-3.5");
        Map<String, String> alone = Map.of("topk", "six", "standard-l1-2", "two", "standard-l1-3.5", "three");
        for (Map.Entry<String, String> same : alone.entrySet()) {
            for (String file : List.of("sae_weights.safetensors", "cfg.json")) {
                assertThat(temporary.resolve("all").resolve(same.getKey()).resolve(file))
                        .hasSameBinaryContentAs(
                                temporary.resolve(same.getValue()).resolve(file));
            }
        }
        List<String> again = List.of(
                "sae",
                "train",
                "--texts",
                "8",
                "--context",
                "24",
                "--architecture",
                "topk,standard",
                "--l1",
                "2,3.5",
                "--out",
                saes.path("all"));
        assertThat(Outcome.of(again.toArray(String[]::new)).err()).contains("exists already");
        assertThat(Outcome.of(SaeFixture.with(again, "--resume")).succeeded().out())
                .contains("Nothing was left to do");
        assertThat(Outcome.of("sae", "train", "--latents", "8,9", "--k", "9", "--out", saes.path("none"))
                        .err())
                .contains("--k must be at most the number of latents, 8, found 9");
        assertThat(Outcome.of("sae", "train", "--k", "4,x", "--out", saes.path("none"))
                        .exitCode())
                .isPositive();
    }

    @Test
    void threadsAndADumpChangeNoBitOfAnother() throws IOException {
        saes.train("one", "--threads", "1");
        saes.train("three", "--threads", "3");
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
                "300",
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
        List<String> once = new ArrayList<>(List.of("sae", "train", "--out", saes.path("whole")));
        once.addAll(settings);
        Outcome.of(once.toArray(String[]::new)).succeeded();
        List<String> command = new ArrayList<>(List.of("sae", "train", "--resume", "--out", saes.path("killed")));
        command.addAll(settings);
        Path checkpoint = temporary.resolve("killed.training.safetensors");
        KilledRuns.of(3, temporary, command.toArray(String[]::new), checkpoint, temporary.resolve("killed"));
        Outcome.of(command.toArray(String[]::new)).succeeded();
        assertThat(Files.mismatch(
                        temporary.resolve("whole/sae_weights.safetensors"),
                        temporary.resolve("killed/sae_weights.safetensors")))
                .isEqualTo(-1);
        assertThat(checkpoint).doesNotExist();
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
                        saes.path("dump"))
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
        Outcome trained = Outcome.of(SaeFixture.with(
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
                saes.path("dump"),
                "--max-length",
                "1",
                "--out",
                saes.path("sae")));
        assertThat(trained.exitCode()).as(trained.err()).isZero();
        assertThat(trained.err()).contains("rows are longer than 1.0 times the median");
    }
}
