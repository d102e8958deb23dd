package dev.hyaline.instrument;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.engine.ForwardResult;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.engine.tensor.Tensor;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.gradient.Gradients;
import dev.hyaline.instrument.gradient.Objective;
import dev.hyaline.instrument.hook.Hook;
import dev.hyaline.instrument.hook.Hooks;
import dev.hyaline.instrument.json.InterventionJson;
import dev.hyaline.instrument.model.LanguageModel;
import dev.hyaline.instrument.run.BaseRun;
import dev.hyaline.instrument.run.EditedModel;
import dev.hyaline.instrument.run.SequenceEdit;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The examples of the Javadoc, which includes the marked regions. */
final class JavadocExamplesTest {
    private static final String TEXT = "Anna went to the park because";

    private static LanguageModel fable;

    @BeforeAll
    static void open() {
        fable = LanguageModel.open("fable");
    }

    @AfterAll
    static void close() {
        fable.close();
    }

    private static double attentionToFirst() {
        // @start region="open"
        try (LanguageModel model = LanguageModel.open("fable")) {
            ActivationCache cache = model.record("Anna went to the park because");
            return cache.get("pattern", 2).get(5, -1, 0); // layer 2, head 5: from the last token to the first
        }
        // @end
    }

    @Test
    void aModelIsOpened() {
        assertThat(attentionToFirst())
                .isEqualTo(fable.record(TEXT, "pattern").get("pattern", 2).get(5, -1, 0));
    }

    @Test
    void namedTensors() {
        ActivationCache cache = fable.record(TEXT);
        // @start region="names"
        Tensor pattern = cache.get("blocks.2.attn.hook_pattern"); // [head, query, key]; also "pattern2"
        Tensor same = cache.get("pattern", 2);
        Tensor ofPrompt = cache.get("pattern", 2, 0); // of the first of several prompts
        // @end
        assertThat(same.toArray()).isEqualTo(pattern.toArray()).isEqualTo(ofPrompt.toArray());
        assertThat(cache.get("pattern2").toArray()).isEqualTo(pattern.toArray());
        // @start region="residuals"
        Tensor stream = cache.get("resid_post", 3); // [position, width] after layer 3, the last
        double inFirstDimension = stream.get(-1, 0); // at the last token
        // @end
        assertThat(inFirstDimension).isEqualTo(stream.at(-1).get(0));
    }

    @Test
    void hooks() {
        List<Double> norms = new ArrayList<>();
        // @start region="hook"
        Hook zero = Hook.editing("blocks.1.attn.hook_z", z -> z.rows(5).forEach(row -> row.fill(0)));
        Hook watch = Hook.reading(
                "blocks.*.hook_resid_post",
                view -> norms.add(norm(view.row(0, -1).toArray())));
        // @end
        // @start region="hooks"
        Tensor logits = fable.logits("Anna went to the park because", Hooks.of(zero, watch)); // [position, token]
        // @end
        assertThat(norms).hasSize(fable.config().nLayers()).allMatch(norm -> norm > 0);
        assertThat(logits.toArray()).isNotEqualTo(fable.logits(TEXT).toArray());
    }

    private static double norm(float[] row) {
        double sum = 0;
        for (float value : row) {
            sum += value * value;
        }
        return Math.sqrt(sum);
    }

    @Test
    void interventions() {
        Gpt2 model = fable.model();
        Prompts prompts = fable.prompts(TEXT);
        // @start region="interventions"
        Interventions edits = Interventions.of(
                Intervention.zero(Target.named("z1").heads(0, 5)), // two heads of layer 1
                Intervention.scale(Target.of(Site.MLP_OUT, 2).positions(-1), 0.5f)); // at the last position alone
        Tensor logits = fable.logits("Anna went to the park because", edits);
        // @end
        // @start region="edited"
        EditedModel edited = EditedModel.of(model, edits);
        ForwardResult result = edited.forward(prompts, LogitSelection.last());
        // @end
        assertThat(result.logits()).isEqualTo(logits.at(-1).toArray());
    }

    @Test
    void aBaseRun() {
        Gpt2 model = fable.model();
        Prompts prompts = fable.prompts(TEXT);
        // @start region="base-run"
        BaseRun run = BaseRun.record(model, prompts);
        List<SequenceEdit> edits = List.of(
                SequenceEdit.of(0, Intervention.zero(Target.named("z3").heads(2))), // recomputes layer 3 alone
                SequenceEdit.of(0, Intervention.zero(Target.named("z1").heads(2))));
        float[] withoutFirst = run.rerun(edits).results().getFirst().logits(); // after the last token
        // @end
        assertThat(withoutFirst)
                .isEqualTo(fable.logits(
                                TEXT,
                                Interventions.of(
                                        Intervention.zero(Target.named("z3").heads(2))))
                        .at(-1)
                        .toArray());
    }

    @Test
    void whatIsRecorded() {
        Gpt2Config config = fable.config();
        // @start region="capture"
        Capture capture = Capture.of(config, "resid_post", "pattern")
                .layers("-1")
                .heads(3)
                .positions("last")
                .budget(1 << 30);
        // @end
        assertThat(capture.points()).containsExactly(HookPoint.of(Site.PATTERN, 3), HookPoint.of(Site.RESID_POST, 3));
    }

    @Test
    void gradients() {
        Gpt2 model = fable.model();
        Gpt2Config config = model.config();
        Prompts prompts = fable.prompts("When Mary and John went to the store, John gave a drink to");
        int mary = fable.token(" Mary");
        int john = fable.token(" John");
        // @start region="objective"
        Objective objective = Objective.logitDifference(prompts, new int[][] {{mary}}, new int[][] {{john}});
        // @end
        // @start region="gradients"
        Gradients gradients = Gradients.of(model, prompts, objective, Capture.of(config, "resid_pre", "z"));
        float[] ofHeads = gradients.values("z3", 0); // [position, head, width of a head]
        // @end
        assertThat(ofHeads).hasSize(prompts.tokens(0).length * config.dModel());
    }

    @Test
    void theInterventionsOfAFile() throws IOException {
        Interventions edits = InterventionJson.parse(
                Files.readString(Path.of("src/test/resources/dev/hyaline/instrument/interventions.json")));
        assertThat(edits.list()).hasSize(2);
    }
}
