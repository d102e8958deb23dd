package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** What the commands of sparse autoencoders have in common: help, a way through all of them, and refusals. */
final class SaeCommandsTest {
    @TempDir
    private Path temporary;

    private SaeFixture saes;

    @BeforeEach
    void open() {
        saes = new SaeFixture(temporary);
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
    void aLogitDifferenceIsSplitByLatents() throws IOException {
        saes.train("sae");
        String page = saes.path("attribution.html");
        JsonNode result = Outcome.of(
                        "attribute",
                        "--by",
                        "feature",
                        "--sae",
                        saes.path("sae"),
                        "--count",
                        "2",
                        "--json",
                        "--html",
                        page)
                .succeeded()
                .json();
        assertThat(result.at("/conservation/whole").asString())
                .isEqualTo("what blocks.2.hook_resid_post adds to the logit difference");
        // Six latents a token, of two pairs, and the error and the bias.
        assertThat(result.at("/table/axes/0/labels").size()).isBetween(8, 14);
        assertThat(Files.readString(Path.of(page))).contains("Direct logit attribution by feature");
        assertThat(Outcome.of("attribute", "--sae", saes.path("sae")).err())
                .contains("--sae is for --by feature, or for the features of a page (--html)");
        assertThat(Outcome.of("attribute", "--by", "feature").err())
                .contains("--by feature needs an autoencoder: name one with --sae");
    }

    @Test
    void anAutoencoderIsTrainedMeasuredAndShown() throws IOException {
        saes.train("sae");
        assertThat(Outcome.of("sae", "info", "--sae", saes.path("sae"))
                        .succeeded()
                        .out())
                .contains("top-k, 6 a token", "training architecture  ", "topk", "blocks.2.hook_resid_post", "fable");
        String evaluated = Outcome.of("sae", "evaluate", "--sae", saes.path("sae"), "--texts", "4", "--json")
                .succeeded()
                .out();
        assertThat(evaluated).contains("\"explained_variance\":", "\"ce_loss_score\":", "\"l0\":6");
        assertThat(Outcome.of(
                                "sae",
                                "encode",
                                "--sae",
                                saes.path("sae"),
                                "--prompt",
                                "Mary gave a drink to John",
                                "--out",
                                saes.path("latents.safetensors"))
                        .succeeded()
                        .out())
                .contains("latents of");
        String shown = Outcome.of(
                        "sae",
                        "features",
                        "--sae",
                        saes.path("sae"),
                        "--texts",
                        "4",
                        "--latents",
                        "0-2",
                        "--out",
                        saes.path("pages"))
                .succeeded()
                .out();
        assertThat(shown).contains("Say one nameable thing");
        assertThat(shown.lines()
                        .filter(line -> line.contains("%"))
                        .map(line -> line.strip().split(" {2,}", -1)[0]))
                .containsExactly("latents", "basis", "neurons", "random directions");
        assertThat(Files.readString(temporary.resolve("pages/index.html"))).contains("latent-2.html");
        Outcome.of("sae", "convert", "--sae", saes.path("sae"), "--out", saes.path("again"))
                .succeeded();
        assertThat(Files.mismatch(
                        temporary.resolve("sae/sae_weights.safetensors"),
                        temporary.resolve("again/sae_weights.safetensors")))
                .isEqualTo(-1);
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
        Outcome missing = Outcome.of("sae", "info", "--sae", saes.path("nothing"));
        assertThat(missing.exitCode()).isEqualTo(1);
        assertThat(missing.err()).contains("nothing: no such file or folder");
        saes.train("there");
        Outcome again = Outcome.of("sae", "train", "--out", saes.path("there"));
        assertThat(again.exitCode()).isEqualTo(2);
        assertThat(again.err()).contains("exists already");
        Outcome k = Outcome.of("sae", "train", "--k", "0", "--out", saes.path("new"));
        assertThat(k.exitCode()).isEqualTo(2);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "train --latents 2000000000 | --latents must be at most 16777215 of width 128, found 2000000000",
                "train --batch 2000000000 | --batch must be at most 1048576, found 2000000000",
                "train --steps 9223372036854775807 | --steps must be at most 1000000000, found 9223372036854775807",
                "train --batch 0 | --batch must be at least 1, found 0",
                "train --anneal 0.5 | --anneal is for --architecture standard, found topk",
                "train --architecture standard --anneal 0 | --anneal must be above 0 and at most 1, found 0.0",
                "train --architecture standard --anneal 0.5 --steps 19 | at least 20 steps",
                "train --max-length 10 | --max-length is for a --dump",
                "train --architecture gated --ghost-gradients | not for gated ones",
                "train --k 65 --latents 64 | --k must be at most the number of latents, 64, found 65",
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
            saes.train("sae");
        }
        Files.createDirectories(temporary.resolve("folder"));
        Files.writeString(temporary.resolve("folder/file"), "");
        List<String> arguments = new ArrayList<>(List.of("sae"));
        for (String word : line.split(" ", -1)) {
            arguments.add(word.replace("SAE", saes.path("sae")).replace("DIR", saes.path("folder")));
        }
        if (!line.contains("--out") && line.startsWith("train")) {
            arguments.addAll(List.of("--out", saes.path("new")));
        }
        Outcome outcome = Outcome.of(arguments.toArray(String[]::new));
        assertThat(outcome.exitCode()).isIn(1, 2);
        assertThat(outcome.err()).contains(message).doesNotContain("Exception");
        assertThat(temporary.resolve("new")).doesNotExist();
        assertThat(temporary.resolve("folder/new")).doesNotExist();
        assertThat(temporary.resolve("folder/file")).isEmptyFile();
    }
}
