package dev.hyaline.explorer.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.analysis.sparse.LatentActivation;
import dev.hyaline.analysis.sparse.SaeConfig;
import dev.hyaline.analysis.sparse.SaeMetadata;
import dev.hyaline.analysis.sparse.SaeParameters;
import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.analysis.sparse.feature.LatentStudy;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.fixtures.RandomModels;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.Prompts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class LatentPagesTest {
    private static final int LATENTS = 24;

    @TempDir
    private Path temporary;

    private static float[] gaussians(int count, long seed) {
        Random random = new Random(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    private static LatentStudy study(Gpt2 model) {
        Gpt2Config config = model.config();
        int d = config.dModel();
        SparseAutoencoder autoencoder = SparseAutoencoder.of(
                SaeConfig.of(d, LATENTS, new LatentActivation.Relu()),
                SaeParameters.of(
                        gaussians(d * LATENTS, 1), new float[LATENTS], gaussians(d * LATENTS, 2), new float[d]),
                SaeMetadata.unknown());
        HookPoint site = HookPoint.of(Site.RESID_POST, 0);
        Prompts prompts = Prompts.of(
                config, RandomModels.tokens(config, 12, 3), RandomModels.tokens(config, 12, 4), new int[] {0, 1, 2});
        return LatentStudy.of(model, Attachment.of(autoencoder, model, site, site), prompts, Set.of());
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.2f %%", 100 * share);
    }

    @Test
    void everyPageOpensWithoutANetworkAndLeadsToTheOthers() throws IOException {
        Path folder = temporary.resolve("pages");
        try (Gpt2 model = Gpt2.of(RandomModels.weights(RandomModels.SMALL, 5))) {
            LatentStudy study = study(model);
            int[] shown = {3, 7};
            LatentPages.write(
                    study,
                    "small <b>",
                    shown,
                    token -> token % 2 == 0 ? "</script><img src=x>" : "\n" + token,
                    folder,
                    done -> {});
            for (String file : new String[] {"index.html", "latent-3.html", "latent-7.html"}) {
                assertThat(Files.readString(folder.resolve(file)))
                        .startsWith("<!doctype html>")
                        .contains("small &lt;b&gt;", "&lt;/script&gt;", "default-src 'none'")
                        .doesNotContain("<script", "<img", "small <b>", "NaN");
            }
            assertThat(Files.readString(folder.resolve("index.html")))
                    .contains("href=\"latent-3.html\"", "href=\"latent-7.html\"", "2 shown")
                    .containsPattern("(&lt;img src=x&gt;|\u21b5[0-9]+)&quot;, &quot;(&lt;/script|\u21b5)");
            assertThat(Files.readString(folder.resolve("latent-3.html")))
                    .contains(
                            "href=\"index.html\"",
                            "Logits raised",
                            "Correlated latents (Pearson)",
                            "Correlated latents (cosine)",
                            "Decoder neighbours (cosine)",
                            "Fire together (Jaccard)",
                            "Dimensions of the decoder row",
                            "The mean over the vocabulary is subtracted.",
                            "of tokens, without the "
                                    + percent(1 - study.page(3).shareFiring()) + " that are at 0",
                            "background:rgba(245,158,11,0.60)")
                    .doesNotContain("latent-4.html");
            assertThat(folder.resolve("neuronpedia.json")).content().contains("\"feature_index\":3");
            assertThatThrownBy(() -> LatentPages.write(study, "m", shown, token -> "", folder, done -> {}))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("exists already");
        }
    }
}
