package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands {@code sae sweep} and {@code sae evaluate}. */
final class SaeSweepCommandTest {
    @TempDir
    private Path temporary;

    private SaeFixture saes;

    @BeforeEach
    void open() {
        saes = new SaeFixture(temporary);
    }

    @Test
    void latentsAreSweptAndTheirDensitiesDrawn() throws IOException {
        saes.train("sae");
        String swept = Outcome.of(
                        "sae",
                        "sweep",
                        "--sae",
                        saes.path("sae"),
                        "--most",
                        "3",
                        "--count",
                        "4",
                        "--out",
                        saes.path("tables"))
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
        assertThat(Outcome.of("sae", "sweep", "--sae", saes.path("sae"), "--latents", "0-2", "--count", "2")
                        .succeeded()
                        .out())
                .contains("Ablation of latents")
                .doesNotContain("gradient");
        assertThat(Outcome.of("sae", "sweep", "--sae", saes.path("sae"), "--latents", "64")
                        .err())
                .contains("latent", "64");
        Outcome.of(
                        "sae",
                        "evaluate",
                        "--sae",
                        saes.path("sae"),
                        "--texts",
                        "4",
                        "--picture",
                        saes.path("densities.svg"))
                .succeeded();
        assertThat(Files.readString(temporary.resolve("densities.svg"))).contains("never fire", "blocks.2");
        assertThat(Outcome.of("sae", "evaluate", "--sae", saes.path("sae"), "--picture", saes.path("densities.gif"))
                        .exitCode())
                .isEqualTo(2);
    }

    /** A circuit of the latents of two autoencoders, their error terms among them. */
    @Test
    void nodesOfSeveralAutoencodersAreRanked() throws IOException {
        saes.train("late");
        saes.train("early", "--site", "blocks.1.hook_mlp_out");
        String json = Outcome.of(
                        "sae",
                        "sweep",
                        "--sae",
                        saes.path("late"),
                        "--sae",
                        saes.path("early"),
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
        assertThat(Outcome.of("sae", "sweep", "--sae", saes.path("late"), "--sae", saes.path("early"), "--latents", "1")
                        .err())
                .contains("--latents is for one --sae");
        assertThat(Outcome.of("sae", "sweep", "--sae", saes.path("late"), "--steps", "1")
                        .err())
                .contains("--steps must be from 2");
    }

    @Test
    void interpretableLatentsAreCounted() throws IOException {
        saes.train("sae");
        Path concepts = Files.writeString(
                temporary.resolve("concepts.json"),
                "{\"names\": [\"Mary\", \"John\", \"Anna\", \"Tom\", \"Paul\"], \"end\": [\".\"]}");
        assertThat(Outcome.of(
                                "sae",
                                "evaluate",
                                "--sae",
                                saes.path("sae"),
                                "--texts",
                                "64",
                                "--concepts",
                                concepts.toString())
                        .succeeded()
                        .out())
                .contains("say one nameable thing", "with permuted labels");
    }
}
