package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.analysis.sparse.file.SaeFiles;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.TensorValues;
import dev.hyaline.instrument.HookPoints;
import dev.hyaline.instrument.dump.ActivationStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Dumps of the inner sites of an autoencoder. */
final class SaeDumpTest {
    @TempDir
    private Path temporary;

    private SaeFixture saes;

    @BeforeEach
    void open() {
        saes = new SaeFixture(temporary);
    }

    @Test
    void innerSitesAreDumpedLikeAnyOther() {
        saes.train("sae");
        String acts = "blocks.2.hook_resid_post.hook_sae_acts_post";
        Outcome dump = Outcome.of(
                "dump",
                "--sae",
                saes.path("sae"),
                "--sites",
                acts + ",hook_sae_recons,hook_sae_error",
                "--prompt",
                "Mary gave a drink to John",
                "--prompt",
                "John",
                "--out",
                saes.path("dump"));
        assertThat(dump.exitCode()).as(dump.err()).isZero();
        TensorValues dumped =
                TensorValues.open(temporary.resolve("dump/activations.safetensors"), InputErrors.INSTANCE);
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
        Outcome without = Outcome.of("dump", "--sites", acts, "--out", saes.path("other"));
        assertThat(without.exitCode()).isEqualTo(2);
        assertThat(without.err()).contains("--sae");
        Outcome elsewhere = Outcome.of(
                "dump",
                "--sae",
                saes.path("sae"),
                "--sites",
                "blocks.1.hook_resid_post.hook_sae_acts_post",
                "--out",
                saes.path("other"));
        assertThat(elsewhere.exitCode()).isNotZero();
        assertThat(elsewhere.err()).contains("blocks.1.hook_resid_post.hook_sae_acts_post");
    }

    @Test
    void innerSitesGoToShardsAndADumpIsResumedWithTheSameAutoencoderAlone() throws IOException {
        saes.train("sae");
        saes.train("other", "--seed", "2");
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
                saes.path("dump"),
                "--sae");
        Outcome.of(SaeFixture.with(dump, saes.path("sae"))).succeeded();
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
        List<String> features = List.of(
                "sae", "features", "--latents", "0", "--sae", saes.path("sae"), "--dump", saes.path("dump"), "--out");
        Outcome.of(SaeFixture.with(features, saes.path("pages"))).succeeded();
        assertThat(Outcome.of(SaeFixture.with(features, saes.path("none"), "--context", "8", "--no-bos"))
                        .err())
                .contains("--dump takes texts as the dump has them; leave out --no-bos, --context");
        Path manifest = temporary.resolve("dump/manifest.json");
        String kept = Files.readString(manifest);
        Files.writeString(
                manifest,
                kept.replaceFirst("\"sha256\" : \"[0-9a-f]{64}\"", "\"sha256\" : \"" + "0".repeat(64) + "\""));
        assertThat(Outcome.of(SaeFixture.with(features, saes.path("none"))).err())
                .contains("--dump: " + saes.path("dump") + " was made with another model")
                .hasLineCount(1);
        assertThat(temporary.resolve("none")).doesNotExist();
        Files.writeString(manifest, kept);
        Outcome.of(SaeFixture.with(dump, saes.path("sae"), "--resume")).succeeded();
        assertThat(Outcome.of(SaeFixture.with(dump, saes.path("other"), "--resume"))
                        .err())
                .contains("was begun otherwise", "capture.derived." + acts);
    }

    @Test
    void gradientsAtInnerSitesAreThoseOfTheWrittenSiteTimesTheDecoder() {
        saes.train("sae");
        String site = "blocks.2.hook_resid_post";
        Outcome dump = Outcome.of(
                "dump",
                "--sae",
                saes.path("sae"),
                "--gradients",
                "logit-diff",
                "--sites",
                site + ",hook_sae_acts_post,hook_sae_error",
                "--out",
                saes.path("dump"));
        assertThat(dump.exitCode()).as(dump.err()).isZero();
        TensorValues dumped =
                TensorValues.open(temporary.resolve("dump/activations.safetensors"), InputErrors.INSTANCE);
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

    private static float[] all(TensorValues file, String tensor) {
        return file.floats(tensor, 0, file.elements(tensor));
    }
}
