package dev.hyaline.analysis.sanity;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.analysis.Fable;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.prompt.Task;
import dev.hyaline.engine.Gpt2;
import org.junit.jupiter.api.Test;

/** The best heads against random ones, by metrics of which more is better and of which less is. */
final class RandomBaselineTest {
    @Test
    void theBestHeadsAreThoseThatTheTaskNeeds() {
        try (Gpt2 model = Fable.open()) {
            PromptPairs pairs = PromptPairs.of(model.config(), Task.IOI_ABBA.draw(Fable.encoder(), 8, 1));
            for (Metric metric : new Metric[] {Metric.logitDifference(), Metric.klToClean(PromptPair.END)}) {
                Subject subject = new Subject(model, pairs, metric, 1);
                Experiment experiment = Experiment.start(model, pairs, metric);
                for (BuiltInMethod method : new BuiltInMethod[] {BuiltInMethod.ABLATE, BuiltInMethod.ATTRIBUTE}) {
                    SanityCheck check = RandomBaseline.check(experiment, subject, method, method.run(subject));
                    assertThat(check.failed())
                            .as(method + " by " + metric.name())
                            .isFalse();
                }
            }
        }
    }
}
