package dev.hyaline.analysis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.causal.ActivationPatch;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptEncoder;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.prompt.Task;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The README's example of a metric compiles, runs, and is the code below. */
class ReadmeMetricTest {
    @Test
    void theExampleRuns() {
        try (Gpt2 model = Fable.open()) {
            Gpt2Config config = model.config();
            PromptEncoder encoder = Fable.encoder();
            PromptPairs pairs = PromptPairs.of(config, Task.PRONOUNS.draw(encoder, 1, 1));
            int she = encoder.token(" she");
            int he = encoder.token(" he");
            // @start region="readme"
            // TransformerLens: patching_metric = lambda logits: logits[0, -1, she] - logits[0, -1, he]
            Metric metric = Metric.of("she or he", "logits", reading -> reading.logit(she) - reading.logit(he));

            Experiment experiment =
                    Experiment.start(model, pairs, metric); // runs the clean and the corrupted prompt of each pair
            ResultTable table = experiment.patch(ActivationPatch.RESID_PRE).normalised(); // [layer, position]
            // @end
            int last = pairs.get(0).end();
            float[] logits = model.logits(pairs.get(0).clean());
            assertThat(experiment.baselines().clean()[0])
                    .isEqualTo((double) logits[last * config.dVocab() + she] - logits[last * config.dVocab() + he]);
            // The name is the only token that differs: its place before layer 0 is all there is to restore.
            int name = pairs.get(0).firstDifference();
            assertThat(table.meanAt(0, name)).isCloseTo(1, within(1e-12));
            assertThat(table.meanAt(0, last)).isZero();
        }
    }

    @Test
    void theExampleIsTheReadmes() throws IOException {
        String source = Files.readString(Path.of("src/test/java/dev/hyaline/analysis/ReadmeMetricTest.java"));
        // In two pieces, for javadoc takes the whole for a mark.
        String start = "// " + "@start region=\"readme\"\n";
        int from = source.indexOf(start) + start.length();
        String code = source.substring(from, source.indexOf("// " + "@end\n", from));
        String readme = Files.readString(Path.of("../README.md"));
        String shown = readme.substring(readme.indexOf("ReadmeMetricTest. -->\n```java\n") + 30);
        assertThat(words(shown.substring(0, shown.indexOf("```")))).isEqualTo(words(code));
    }

    private static String words(String code) {
        return code.replaceAll("\\s+", " ").replace(" .", ".").strip();
    }
}
