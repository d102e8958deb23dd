package dev.hyaline.instrument;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.engine.tensor.Tensor;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.hook.Hook;
import dev.hyaline.instrument.hook.Hooks;
import dev.hyaline.instrument.model.LanguageModel;
import dev.hyaline.instrument.model.LanguageModel.LikelyToken;
import dev.hyaline.instrument.run.BaseRun;
import dev.hyaline.instrument.run.SequenceEdit;
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
        try (LanguageModel fable = LanguageModel.open("fable")) { // or gpt2, OWNER/NAME, a folder
            String text = "Anna went to the park because";

            ActivationCache cache = fable.record(text); // TransformerLens: logits, cache = model.run_with_cache(text)
            double toFirst = cache.get("pattern", 2).get(5, -1, 0); // layer 2, head 5: from the last token to the first

            // TransformerLens: model.run_with_hooks(text, fwd_hooks=[("blocks.1.attn.hook_z", zero_head_5)])
            Hooks hooks =
                    Hooks.of(Hook.editing("blocks.1.attn.hook_z", z -> z.rows(5).forEach(row -> row.fill(0))));
            Tensor hooked = fable.logits(text, hooks); // [position, token]

            Interventions ablation =
                    Interventions.of(Intervention.zero(Target.named("z1").heads(0, 5)));
            List<LikelyToken> next = fable.likeliest(fable.logits(text, ablation), 5);
            String continued = fable.generate(text, 20, ablation);

            BaseRun run =
                    BaseRun.record(fable.model(), fable.prompts(text)); // reruns recompute what an edit can change
            SequenceEdit edit = SequenceEdit.of(
                    0, Intervention.scale(Target.of(Site.MLP_OUT, 2).positions(-1), 0.5f));
            float[] edited = run.rerun(List.of(edit)).results().getFirst().logits();
            // end
            int n = fable.tokens(text).length;
            assertThat(toFirst).isEqualTo(cache.values(HookPoint.of(Site.PATTERN, 2), 0)[(5 * n + n - 1) * n]);
            Tensor plain = fable.logits(text);
            assertThat(hooked.toArray()).hasSameSizeAs(plain.toArray()).isNotEqualTo(plain.toArray());
            assertThat(next).hasSize(5).isNotEqualTo(fable.likeliest(text, 5));
            assertThat(continued).isNotEmpty();
            assertThat(edited)
                    .hasSize(fable.config().dVocab())
                    .isNotEqualTo(plain.at(-1).toArray());
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
