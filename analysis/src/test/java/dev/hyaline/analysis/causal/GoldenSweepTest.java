package dev.hyaline.analysis.causal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.Fable;
import dev.hyaline.analysis.GoldenIoi;
import dev.hyaline.analysis.causal.AblationSweep.Along;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.site.Site;
import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every patching and ablation table of TransformerLens on fable. */
final class GoldenSweepTest {
    private static Gpt2 model;
    private static Experiment experiment;

    @BeforeAll
    static void run() {
        model = Fable.open();
        experiment = Fable.goldenIoi(model);
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static void assertClose(double[] found, double[] expected) {
        assertThat(found).hasSameSizeAs(expected);
        double largest = 0;
        for (int i = 0; i < found.length; i++) {
            largest = Math.max(largest, Math.abs(found[i] - expected[i]));
        }
        assertThat(largest).isLessThan(GoldenIoi.TOLERANCE);
    }

    @Test
    void baselines() {
        assertClose(experiment.baselines().clean(), GoldenIoi.tensor("clean.logit_diff"));
        assertClose(experiment.baselines().corrupted(), GoldenIoi.tensor("corrupted.logit_diff"));
    }

    @ParameterizedTest
    @CsvSource({
        "RESID_PRE, resid_pre",
        "RESID_MID, resid_mid",
        "ATTN_OUT, attn_out",
        "MLP_OUT, mlp_out",
        "ATTN_HEAD_OUT_ALL_POS, head_z_all_pos",
        "ATTN_HEAD_Q_ALL_POS, head_q_all_pos",
        "ATTN_HEAD_K_ALL_POS, head_k_all_pos",
        "ATTN_HEAD_V_ALL_POS, head_v_all_pos",
        "ATTN_HEAD_PATTERN_ALL_POS, head_pattern_all_pos",
        "ATTN_HEAD_OUT_BY_POS, head_z_by_pos",
        "ATTN_HEAD_V_BY_POS, head_v_by_pos",
    })
    void patching(ActivationPatch patch, String golden) {
        SweepResult result =
                experiment.sweep(patch.sweep(experiment.config(), PatchingDirection.DENOISING, experiment.pairs()));
        assertClose(result.table().means(), GoldenIoi.tensor("patch." + golden));
        assertThat(result.work().saving()).isGreaterThan(2);
        assertThat(result.table().neutral().orElseThrow())
                .isCloseTo(experiment.baselines().meanCorrupted(), within(0.0));
    }

    @Test
    void everyFormsHoldTheSingleOnes() {
        double[] every = experiment
                .sweep(ActivationPatch.ATTN_HEAD_ALL_POS_EVERY.sweep(
                        experiment.config(), PatchingDirection.DENOISING, experiment.pairs()))
                .table()
                .means();
        String[] order = {"z", "q", "k", "v", "pattern"};
        for (int i = 0; i < order.length; i++) {
            assertClose(
                    Arrays.copyOfRange(every, i * 32, (i + 1) * 32),
                    GoldenIoi.tensor("patch.head_" + order[i] + "_all_pos"));
        }
        SweepResult blocks = experiment.sweep(ActivationPatch.BLOCK_EVERY.sweep(
                experiment.config(), PatchingDirection.DENOISING, experiment.pairs()));
        assertThat(blocks.table().axes().getFirst().labels()).containsExactly("resid_pre", "attn_out", "mlp_out");
        assertClose(Arrays.copyOfRange(blocks.table().means(), 60, 120), GoldenIoi.tensor("patch.attn_out"));
    }

    @ParameterizedTest
    @CsvSource({
        "zero, Z, head_zero",
        "mean, Z, head_mean",
        "zero, ATTN_OUT, attn_out_zero",
        "mean, ATTN_OUT, attn_out_mean",
        "zero, MLP_OUT, mlp_out_zero",
        "mean, MLP_OUT, mlp_out_mean",
    })
    void ablation(String how, Site site, String golden) {
        Ablation ablation = how.equals("zero") ? Ablation.zero() : Ablation.meanByPosition();
        Along along = site == Site.Z ? Along.everyHead() : Along.everyLayer();
        SweepResult result = experiment.sweep(AblationSweep.of(model.config(), ablation, site, along));
        assertClose(result.table().means(), GoldenIoi.tensor("ablate." + golden));
        assertThat(result.table().neutral().orElseThrow())
                .isCloseTo(experiment.baselines().meanClean(), within(0.0));
    }

    @Test
    void normalisedIsOneWhenClean() {
        SweepResult result = experiment.sweep(
                ActivationPatch.RESID_PRE.sweep(experiment.config(), PatchingDirection.DENOISING, experiment.pairs()));
        double clean = experiment.baselines().meanClean();
        double corrupted = experiment.baselines().meanCorrupted();
        for (int cell = 0; cell < result.table().cells(); cell++) {
            assertThat(result.normalised().mean(cell))
                    .isCloseTo((result.table().mean(cell) - corrupted) / (clean - corrupted), within(1e-12));
        }
        // The residual stream at S2, the only token that differs, is all there is to restore before layer 0.
        assertThat(result.normalised().meanAt(0, 10)).isCloseTo(1, within(1e-12));
        assertThat(result.normalised().meanAt(0, 9)).isZero();
    }
}
