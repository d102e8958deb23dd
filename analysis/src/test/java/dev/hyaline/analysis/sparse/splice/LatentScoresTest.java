package dev.hyaline.analysis.sparse.splice;

import static dev.hyaline.analysis.sparse.SparseGolden.path;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.Fable;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.PairRuns;
import dev.hyaline.analysis.causal.SweepResult;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.sparse.file.SaeFiles;
import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.weights.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class LatentScoresTest {
    private static Gpt2 model;
    private static PromptPairs pairs;
    private static PairRuns runs;

    @BeforeAll
    static void openModel() {
        model = Fable.open();
        Tokenizer tokenizer = Fable.tokenizer();
        pairs = PromptPairs.of(
                model.config(),
                List.of(
                        pair(tokenizer, "Mary", "John", "John", "Mary"),
                        pair(tokenizer, "Anna", "Tom", "Tom", "Anna")));
        runs = PairRuns.record(model, pairs);
    }

    private static PromptPair pair(Tokenizer tokenizer, String first, String second, String again, String other) {
        String text = "When %s and %s went to the store, %s gave a drink to";
        return pair(
                tokenizer.encodePrompt(String.format(text, first, second, again)),
                tokenizer.encodePrompt(String.format(text, first, second, other)),
                tokenizer.encode(" " + first),
                tokenizer.encode(" " + second));
    }

    private static PromptPair pair(int[] clean, int[] corrupted, int[] answers, int[] distractors) {
        return new PromptPair("pair", clean, corrupted, answers, distractors, Map.of());
    }

    @AfterAll
    static void closeModel() {
        model.close();
    }

    private static Attachment attached(String name) {
        return Attachment.of(SaeFiles.read(path("fable/" + name)).autoencoder(), model);
    }

    private static double metric(int pair, SpliceProbe probe) {
        PromptPair of = pairs.get(pair);
        float[] logits = model.forward(ForwardRequest.of(of.clean())
                        .logits(LogitSelection.last())
                        .probe(probe))
                .logits();
        return (double) logits[of.answers()[0]] - logits[of.distractors()[0]];
    }

    /** Gradient times activation is the derivative by a factor on the latent, the error held constant. */
    @Test
    void scoresAreDerivatives() {
        for (String name : List.of("topk", "standard", "hook-z", "transcoder", "topk-layer-norm", "legacy-centred")) {
            Attachment attachment = attached(name);
            LatentScores scores =
                    LatentScores.of(attachment, runs, Metric.logitDifference(), LatentScores.Reference.ZERO);
            assertThat(scores.pairs()).isEqualTo(2);
            int[] ranked = scores.ranked();
            assertThat(ranked).hasSizeGreaterThan(5);
            for (int latent : Arrays.copyOf(ranked, 3)) {
                for (int pair = 0; pair < 2; pair++) {
                    float h = 0.02f;
                    double above = metric(pair, scaled(attachment, latent, 1 + h));
                    double below = metric(pair, scaled(attachment, latent, 1 - h));
                    double score = scores.ofPair(pair)[latent];
                    assertThat(score)
                            .as("%s latent %d pair %d", name, latent, pair)
                            .isCloseTo((above - below) / (2 * h), within(0.02 * Math.abs(score) + 2e-3));
                }
            }
        }
    }

    private static SpliceProbe scaled(Attachment attachment, int latent, float factor) {
        return SpliceProbe.of(
                List.of(Splice.of(attachment).withError().edit(new LatentEdit.ScaleLatent(latent, factor))));
    }

    @Test
    void theOtherPromptsLatentsAreTakenAway() {
        Attachment topk = attached("topk");
        LatentScores zero = LatentScores.of(topk, runs, Metric.logitDifference(), LatentScores.Reference.ZERO);
        LatentScores patched =
                LatentScores.of(topk, runs, Metric.logitDifference(), LatentScores.Reference.OTHER_PROMPT);
        assertThat(patched.means()).isNotEqualTo(zero.means());
        PromptPairs same = PromptPairs.of(
                model.config(),
                List.of(pair(
                        pairs.get(0).clean(),
                        pairs.get(0).clean(),
                        pairs.get(0).answers(),
                        pairs.get(0).distractors())));
        LatentScores none = LatentScores.of(
                topk, PairRuns.record(model, same), Metric.logitDifference(), LatentScores.Reference.OTHER_PROMPT);
        for (double score : none.means()) {
            assertThat(score).isCloseTo(0, within(1e-9));
        }
        assertThatThrownBy(() -> LatentScores.of(topk, runs, Metric.accuracy("end"), LatentScores.Reference.ZERO))
                .isInstanceOf(BadInputException.class);
    }

    @Test
    void aSweepMeasuresWhatEachLatentsAblationDoes() {
        Attachment topk = attached("topk");
        LatentScores scores = LatentScores.of(topk, runs, Metric.logitDifference(), LatentScores.Reference.ZERO);
        int[] ranked = Arrays.copyOf(scores.ranked(), 8);
        LatentSweep sweep = LatentSweep.of(topk, ranked);
        SweepResult result = Experiment.start(runs, Metric.logitDifference()).sweep(sweep);
        assertThat(result.table().axes().getFirst().labels().getFirst()).isEqualTo(String.valueOf(ranked[0]));
        for (int cell = 0; cell < ranked.length; cell++) {
            double mean = 0;
            for (int pair = 0; pair < 2; pair++) {
                SpliceProbe ablated = SpliceProbe.of(
                        List.of(Splice.of(topk).withError().edit(new LatentEdit.AblateLatent(ranked[cell]))));
                mean += metric(pair, ablated) / 2;
            }
            assertThat(result.table().mean(cell)).as("latent %d", ranked[cell]).isCloseTo(mean, within(1e-5));
        }
        assertThatThrownBy(() -> LatentSweep.of(topk)).isInstanceOf(BadInputException.class);
        assertThatThrownBy(() -> LatentSweep.of(topk, 256)).isInstanceOf(BadInputException.class);
        assertThatThrownBy(() -> LatentSweep.of(attached("transcoder"), 0)).hasMessageContaining("two sites");
    }
}
