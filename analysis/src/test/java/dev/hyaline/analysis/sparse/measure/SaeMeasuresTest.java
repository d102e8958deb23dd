package dev.hyaline.analysis.sparse.measure;

import static dev.hyaline.analysis.sparse.SparseGolden.floats;
import static dev.hyaline.analysis.sparse.SparseGolden.path;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.Fable;
import dev.hyaline.analysis.sparse.Latents;
import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.analysis.sparse.SparseGolden;
import dev.hyaline.analysis.sparse.file.SaeFiles;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.files.Json;
import dev.hyaline.files.TensorValues;
import dev.hyaline.instrument.Prompts;
import java.util.Arrays;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SaeMeasuresTest {
    private static Gpt2 model;
    private static Prompts prompts;

    @BeforeAll
    static void openModel() {
        model = Fable.open();
        prompts = Fable.saePrompts(model.config());
    }

    @AfterAll
    static void closeModel() {
        model.close();
    }

    @Test
    void reconstructionsAreMeasuredAsTheReference() {
        TensorValues file = SparseGolden.values("metrics.safetensors");
        Json expected = SparseGolden.json("metrics.json");
        float[] x = floats(file, "x");
        float[] recon = floats(file, "recon");
        Latents latents = Latents.of(floats(file, "acts"), 30);
        double[] mean = new double[10];
        for (int i = 0; i < x.length; i++) {
            mean[i % 10] += x[i] / 64.0;
        }
        ReconstructionStatistics whole = ReconstructionStatistics.of(10, 30, mean);
        whole.add(x, recon, latents, new boolean[64]);
        compare(whole, expected.require("metrics"));
        ReconstructionStatistics halves = ReconstructionStatistics.of(10, 30, mean);
        for (int half = 0; half < 2; half++) {
            halves.add(
                    Arrays.copyOfRange(x, half * 320, (half + 1) * 320),
                    Arrays.copyOfRange(recon, half * 320, (half + 1) * 320),
                    LatentRows.of(latents, half * 32, (half + 1) * 32),
                    new boolean[32]);
        }
        compare(halves, expected.require("metrics"));

        float[] means = new float[x.length];
        for (int i = 0; i < means.length; i++) {
            means[i] = (float) mean[i % 10];
        }
        ReconstructionStatistics predictor = ReconstructionStatistics.of(10, 30, mean);
        predictor.add(x, means, Latents.of(new float[64 * 30], 30), new boolean[64]);
        assertThat(predictor.values().get("explained_variance")).isCloseTo(0, within(1e-4));
        assertThat(predictor.values().get("explained_variance_legacy")).isCloseTo(0, within(1e-4));
        assertThat(predictor.values().get("frac_alive")).isZero();
        assertThat(predictor.values().get("normalized_freq_over_1_percent")).isZero();
        ReconstructionStatistics perfect = ReconstructionStatistics.of(10, 30, mean);
        perfect.add(x, x, latents, new boolean[64]);
        assertThat(perfect.values().get("explained_variance")).isEqualTo(1);
    }

    private static void compare(ReconstructionStatistics found, Json expected) {
        found.values().forEach((name, value) -> {
            double wanted = expected.require(name).number();
            assertThat(value).as(name).isCloseTo(wanted, within(2e-4 * Math.max(Math.abs(wanted), 1)));
        });
    }

    @Test
    void consistentActivationIsTheFiringsOfATextThatHasOne() {
        ReconstructionStatistics statistics = ReconstructionStatistics.of(1, 3, new double[1]);
        statistics.add(new float[2], new float[2], Latents.of(new float[] {1, 0, 0, 1, 1, 0}, 3), new boolean[2]);
        statistics.add(new float[1], new float[1], Latents.of(new float[] {0, 1, 0}, 3), new boolean[1]);
        assertThat(statistics.consistentActivation()).containsExactly(2, 1, 0);
    }

    @Test
    void dictionariesAreComparedAsTheReference() {
        TensorValues file = SparseGolden.values("metrics.safetensors");
        Json expected = SparseGolden.json("metrics.json");
        float[] a = floats(file, "A");
        float[] b = floats(file, "B");
        assertThat(DictionarySimilarity.between(a, b, 10).mmcs())
                .isCloseTo(expected.require("mmcs_A_to_B").number(), within(1e-6));
        assertThat(DictionarySimilarity.between(b, a, 10).mmcs())
                .isCloseTo(expected.require("mmcs_B_to_A").number(), within(1e-6));
        assertThat(DictionarySimilarity.mcc(a, b, 10))
                .isCloseTo(expected.require("mcc_A_B").number(), within(1e-6));
        assertThat(DictionarySimilarity.within(a, 10).mmcs())
                .isCloseTo(expected.require("average_max_decoder_cosine_sim_A").number(), within(1e-6));
        assertThat(DictionarySimilarity.between(a, b, 10).shareAbove(0.7))
                .isCloseTo(expected.require("frac_A_above_0.7_in_B").number(), within(1e-9));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "standard",
                "gated",
                "topk",
                "batchtopk",
                "jumprelu",
                "topk-layer-norm",
                "legacy-centred",
                "hook-z",
                "transcoder",
                "skip_transcoder",
                "jumprelu_transcoder"
            })
    void modelsWithAutoencodersAreMeasuredAsTheReference(String name) {
        SparseAutoencoder sae = SaeFiles.read(path("fable/" + name)).autoencoder();
        Attachment attachment = Attachment.of(sae, model);
        Json expected = SparseGolden.json("fable/metrics.json").require(name);
        compare(SaeEvaluation.measure(model, attachment, prompts, Set.of(), tokens -> {}), expected.require("all"));
        SaeEvaluation without = SaeEvaluation.measure(model, attachment, prompts, Set.of(1535), tokens -> {});
        compare(without, expected.require("without_special"));
        assertThat(without.tokens()).isLessThan(48 * 64);
    }

    private static void compare(SaeEvaluation found, Json expected) {
        found.values().forEach((key, value) -> {
            double wanted = expected.require(key).number();
            assertThat(value).as(key).isCloseTo(wanted, within(1e-3 * Math.max(Math.abs(wanted), 0.1)));
        });
    }
}
