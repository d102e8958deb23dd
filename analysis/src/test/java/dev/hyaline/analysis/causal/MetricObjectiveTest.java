package dev.hyaline.analysis.causal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.Fable;
import dev.hyaline.analysis.GoldenIoi;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.gradient.Gradients;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Gradients of each metric on fable's eight indirect-object pairs against PyTorch's in float64. */
class MetricObjectiveTest {
    @ParameterizedTest
    @ValueSource(strings = {"logit-diff", "log-prob", "prob-diff", "kl", "cross-entropy"})
    void agreesWithFloat64(String name) {
        Metric metric = named(name);
        Side side = name.equals("kl") ? Side.CORRUPTED : Side.CLEAN;
        try (Gpt2 model = Fable.open()) {
            PromptPairs pairs = GoldenIoi.pairs(model.config());
            HookPoint embedded = HookPoint.of(Site.RESID_PRE, 0);
            HookPoint last = HookPoint.of(Site.LN_FINAL_NORMALIZED);
            Gradients gradients = Gradients.of(
                    model,
                    side.prompts(pairs, model.config()),
                    MetricObjective.of(model, pairs, side, metric),
                    Capture.of(List.of(embedded, last)));
            double[] expected = GoldenIoi.metricGradient("metric." + name + ".grad." + embedded);
            double[] expectedLast = GoldenIoi.metricGradient("metric." + name + ".grad." + last);
            double largest = 0;
            for (double value : expected) {
                largest = Math.max(largest, Math.abs(value));
            }
            assertThat(largest).isPositive();
            int d = model.config().dModel();
            for (int pair = 0; pair < pairs.size(); pair++) {
                float[] found = gradients.values(embedded, pair);
                for (int i = 0; i < found.length; i++) {
                    assertThat((double) found[i]).isCloseTo(expected[pair * found.length + i], within(1e-5 * largest));
                }
                float[] foundLast = gradients.row(last, pair, pairs.get(pair).end());
                for (int i = 0; i < d; i++) {
                    assertThat((double) foundLast[i])
                            .isCloseTo(expectedLast[pair * d + i], within(1e-5 * (Math.min(1, largest))));
                }
            }
        }
    }

    @Test
    void accuracyAndFunctionsWithoutAGradientAreRefused() {
        try (Gpt2 model = Fable.open()) {
            PromptPairs pairs = GoldenIoi.pairs(model.config());
            assertThatThrownBy(() -> MetricObjective.of(model, pairs, Side.CLEAN, named("accuracy")))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("accuracy has no gradient");
            Metric own = Metric.of("logit of 5", "logits", reading -> reading.logit(5));
            assertThatThrownBy(() -> MetricObjective.of(model, pairs, Side.CLEAN, own))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("logit of 5")
                    .hasMessageContaining("Metric.gradient");
            Metric withGradient = own.gradient(reading -> {
                double[] gradient = new double[reading.logits().values().length];
                gradient[5] = 1;
                return gradient;
            });
            Gradients gradients = Gradients.of(
                    model,
                    Side.CLEAN.prompts(pairs, model.config()),
                    MetricObjective.of(model, pairs, Side.CLEAN, withGradient),
                    Capture.of(model.config(), "resid_pre0"));
            assertThat(gradients.values("resid_pre0", 3)).doesNotContain(0f);
        }
    }

    @Test
    void klHasNoneOnTheCleanRun() {
        try (Gpt2 model = Fable.open()) {
            PromptPairs pairs = GoldenIoi.pairs(model.config());
            Gradients gradients = Gradients.of(
                    model,
                    Side.CLEAN.prompts(pairs, model.config()),
                    MetricObjective.of(model, pairs, Side.CLEAN, named("kl")),
                    Capture.of(model.config(), "resid_pre0"));
            for (int pair = 0; pair < pairs.size(); pair++) {
                assertThat(gradients.values("resid_pre0", pair)).containsOnly(0f);
            }
        }
    }

    private static Metric named(String name) {
        return Metric.all(PromptPair.END).stream()
                .filter(metric -> metric.name().equals(name))
                .findFirst()
                .orElseThrow();
    }
}
