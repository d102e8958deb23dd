package dev.hyaline.instrument.weights;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.capture.LensReference;
import dev.hyaline.instrument.capture.LogitAttribution;
import dev.hyaline.instrument.capture.ResidualStack;
import dev.hyaline.weights.Checkpoint;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs of processed weights against TransformerLens's runs of its own, on every reference model. */
class GoldenFoldedTest {
    @ParameterizedTest
    @ValueSource(strings = {"tiny-a", "tiny-odd", "tiny-wide", "tiny-variant", "tiny-relu", "fable"})
    void activationsAndLogitsOfProcessedWeightsAgree(String name) {
        LensReference golden = LensReference.golden(name);
        try (Checkpoint checkpoint = name.equals("fable") ? Checkpoint.builtIn(name) : golden.checkpoint()) {
            Gpt2Weights processed = WeightProcessing.processWeights(
                    checkpoint.config(), checkpoint.tensors(), List.of(ProcessingStep.values()));
            try (Gpt2 model = Gpt2.of(processed)) {
                List<String> sites = golden.names().stream()
                        .filter(tensor -> tensor.startsWith("folded.") && !tensor.equals("folded.logits"))
                        .map(tensor -> tensor.substring("folded.".length()))
                        .toList();
                assertThat(sites).isNotEmpty();
                Prompts prompts = golden.prompts(model.config());
                ActivationCache cache = ActivationCache.record(
                        model, prompts, Capture.of(model.config(), String.join(",", sites), "logits"));
                for (String site : sites) {
                    LensReference.assertClose(all(cache, site), golden.values("folded." + site), name + " " + site);
                }
                LensReference.assertClose(all(cache, "logits"), golden.values("folded.logits"), name + " logits");
            }
        }
    }

    @Test
    void theLensAndTheAttributionsOfLogitDifferencesAgree() {
        LensReference golden = LensReference.goldenOfAllModels("fable-ioi");
        try (Checkpoint checkpoint = Checkpoint.builtIn("fable");
                Gpt2 raw = Gpt2.of(checkpoint.weights());
                Gpt2 folded = Gpt2.of(WeightProcessing.processWeights(raw.weights()))) {
            Prompts prompts = golden.prompts(raw.config(), "clean.tokens");
            long[] pairs = golden.integers("answers");
            int[] answers = new int[prompts.size()];
            int[] distractors = new int[prompts.size()];
            for (int s = 0; s < answers.length; s++) {
                answers[s] = (int) pairs[2 * s];
                distractors[s] = (int) pairs[2 * s + 1];
            }
            for (Gpt2 model : List.of(raw, folded)) {
                ActivationCache cache = ActivationCache.record(
                        model, prompts, Capture.of(model.config(), "all").positions("last"));
                LogitAttribution layers = cache.logitAttrs(cache.decomposeResid(), answers, distractors);
                assertAll(layers, golden.values("dla.layer"));
                assertThat(layers.sumCheck().relativeError()).isLessThan(1e-5);
                LensReference.assertClose(
                        WeightProcessingTest.floats(layers.sums()), golden.values("clean.logit_diff"), "sums");
                ResidualStack accumulated =
                        cache.accumulatedResid(Boundary.residPre(model.config().nLayers()), true);
                assertAll(cache.logitAttrs(accumulated, answers, distractors), golden.values("lens.logit_diff"));
            }
            // Where a head's value bias is counted depends on the basis.
            ActivationCache cache = ActivationCache.record(
                    folded,
                    prompts,
                    Capture.of(folded.config(), "z", "ln_final.scale").positions("last"));
            assertAll(cache.logitAttrs(cache.stackHeadResults(), answers, distractors), golden.values("dla.head"));
        }
    }

    private static void assertAll(LogitAttribution found, float[] expected) {
        int rows = found.rows().size();
        for (int component = 0; component < found.labels().size(); component++) {
            LensReference.assertClose(
                    WeightProcessingTest.floats(found.values(component)),
                    Arrays.copyOfRange(expected, component * rows, (component + 1) * rows),
                    found.labels().get(component));
        }
    }

    private static float[] all(ActivationCache cache, String point) {
        int size = cache.values(point, 0).length;
        float[] all = new float[size * cache.sequences()];
        for (int s = 0; s < cache.sequences(); s++) {
            System.arraycopy(cache.values(point, s), 0, all, s * size, size);
        }
        return all;
    }
}
