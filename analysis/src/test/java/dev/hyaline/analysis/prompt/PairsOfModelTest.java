package dev.hyaline.analysis.prompt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.analysis.causal.ActivationPatch;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.causal.PositionAxis;
import dev.hyaline.analysis.causal.SweepResult;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.table.TableFiles;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.model.LanguageModel;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A patching sweep with a picture, in as few lines as the library allows. */
final class PairsOfModelTest {
    @Test
    void aSweepBeginsWithANameAndTwoTexts(@TempDir Path folder) {
        try (LanguageModel fable = LanguageModel.open("fable")) {
            String clean = "When Mary and John went to the store, John gave a drink to";
            String corrupted = "When Mary and John went to the store, Mary gave a drink to";
            PromptPairs pairs = PromptPairs.of(fable, clean, corrupted, " Mary", " John");
            Experiment experiment = Experiment.start(fable.model(), pairs, Metric.logitDifference());
            SweepResult result = experiment.sweep(
                    ActivationPatch.RESID_PRE.sweep(fable.config(), PatchingDirection.DENOISING, pairs));
            assertThat(TableFiles.write(folder, "patching", result.normalised()))
                    .contains(folder.resolve("patching.png"));
            assertThat(result.toString()).startsWith("Activation patching, resid_pre, denoising");
            assertThat(pairs.get(0).clean()).isEqualTo(fable.tokens(clean));
            assertThat(pairs).hasToString("1 pair: " + clean);
            SweepResult some = experiment.sweep(ActivationPatch.RESID_PRE
                    .sweep(fable.config(), PatchingDirection.DENOISING, pairs)
                    .only("layer", IndexSelection.of(-1)));
            int last = fable.config().nLayers() - 1;
            int end = fable.tokens(clean).length - 1;
            assertThat(some.table().meanAt(0, end)).isEqualTo(result.table().meanAt(last, end));
            PromptPairs drawn = PromptPairs.draw(fable, Task.IOI_ABBA, 2, 1);
            SweepResult patched = Experiment.start(fable.model(), drawn, Metric.logitDifference())
                    .patch(ActivationPatch.RESID_PRE);
            assertThat(patched.table().axes().get(1).labels())
                    .startsWith("0 <|endoftext|>", "1 When", "2 IO", "3 and")
                    .contains("14 end");
            TableFiles.write(folder, "drawn", patched.table());
            assertThat(folder.resolve("drawn.svg")).content().contains("1 When");
            PromptPairs bare = PromptPairs.of(fable.config(), drawn.list());
            assertThat(PositionAxis.all(bare).axis().labels()).startsWith("0", "1", "2 IO");
            assertThat(PositionAxis.all(bare.withTokensOf(fable).swapped())
                            .axis()
                            .labels())
                    .contains("1 When");
            assertThat(drawn.get(1).clean()[0]).isEqualTo(fable.tokens("")[0]);
            assertThatThrownBy(() -> PromptPairs.of(fable, clean, corrupted, "Mary and", " John"))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("tokens where one is needed");
        }
    }
}
