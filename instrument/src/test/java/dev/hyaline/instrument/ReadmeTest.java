package dev.hyaline.instrument;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.hook.Hook;
import dev.hyaline.instrument.hook.Hooks;
import dev.hyaline.instrument.run.BaseRun;
import dev.hyaline.instrument.run.EditedModel;
import dev.hyaline.instrument.run.SequenceEdit;
import dev.hyaline.weights.Checkpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The README's example of the library compiles, runs, and is the code below. */
class ReadmeTest {
    @Test
    void theExampleRuns() {
        // begin
        try (Checkpoint checkpoint = Checkpoint.builtIn("fable");
                Gpt2 model = Gpt2.of(checkpoint.weights())) {
            int[] tokens = checkpoint.tokenizer().encode("<|endoftext|>Anna went to the park because");
            Gpt2Config config = model.config();

            ActivationCache cache = ActivationCache.record(
                    model, Prompts.of(config, tokens), Capture.of(config, "resid_post", "pattern"));
            float[] pattern = cache.values(HookPoint.of(Site.PATTERN, 2), 0); // [heads, queries, keys]

            // TransformerLens: model.run_with_hooks(tokens, fwd_hooks=[("blocks.1.attn.hook_z", zero_head_5)])
            Hooks hooks =
                    Hooks.of(Hook.editing("blocks.1.attn.hook_z", z -> z.rows(5).forEach(row -> row.fill(0))));
            float[] hooked = hooks.forward(model, Prompts.of(config, tokens), LogitSelection.last())
                    .logits();

            Target heads = Target.of(Site.Z, 1).heads(0, 5); // z of two heads of layer 1, at every position
            Interventions ablation = Interventions.of(Intervention.zero(heads));
            float[] logits = EditedModel.of(model, ablation)
                    .forward(Prompts.of(config, tokens), LogitSelection.last())
                    .logits();

            BaseRun run =
                    BaseRun.record(model, Prompts.of(config, tokens)); // reruns recompute only what an edit can change
            SequenceEdit edit = SequenceEdit.of(
                    0, Intervention.scale(Target.of(Site.MLP_OUT, 2).positions(-1), 0.5f));
            float[] edited = run.rerun(List.of(edit)).results().getFirst().logits();
            // end
            assertThat(pattern).hasSize(config.nHeads() * tokens.length * tokens.length);
            float[] plain = model.forward(ForwardRequest.of(tokens).logits(LogitSelection.last()))
                    .logits();
            assertThat(hooked).hasSize(config.dVocab()).isNotEqualTo(plain);
            assertThat(logits).hasSize(config.dVocab()).isNotEqualTo(plain);
            assertThat(edited).hasSize(config.dVocab()).isNotEqualTo(plain);
        }
    }

    @Test
    void theExampleIsTheReadmes() throws IOException {
        String source = Files.readString(Path.of("src/test/java/dev/hyaline/instrument/ReadmeTest.java"));
        String code = source.substring(source.indexOf("// begin\n") + 9, source.indexOf("// end\n"));
        String readme = Files.readString(Path.of("../README.md"));
        String shown = readme.substring(readme.indexOf("```java\n") + 8);
        assertThat(words(shown.substring(0, shown.indexOf("}\n```")))).isEqualTo(words(code));
    }

    private static String words(String code) {
        return code.replaceAll("\\s+", " ")
                .replace(" .", ".")
                .replace("( ", "(")
                .strip();
    }
}
