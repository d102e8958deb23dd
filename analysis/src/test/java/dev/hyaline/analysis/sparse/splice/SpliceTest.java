package dev.hyaline.analysis.sparse.splice;

import static dev.hyaline.analysis.sparse.SparseGolden.path;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.analysis.Fable;
import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.analysis.sparse.file.SaeFiles;
import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Generator;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.run.BaseRun;
import dev.hyaline.instrument.run.EditedModel;
import dev.hyaline.instrument.run.SequenceEdit;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class SpliceTest {
    private static Gpt2 model;
    private static int[] tokens;

    @BeforeAll
    static void openModel() {
        model = Fable.open();
        tokens = Fable.tokenizer().encodePrompt("When Mary and John went to the store, John gave a drink to");
    }

    @AfterAll
    static void closeModel() {
        model.close();
    }

    private static Attachment attached(String name) {
        return Attachment.of(SaeFiles.read(path("fable/" + name)).autoencoder(), model);
    }

    @Test
    void withTheErrorTermAndNoEditsEveryBitStays() {
        float[] plain = model.logits(tokens);
        for (String name : List.of("topk", "standard", "topk-layer-norm", "hook-z", "transcoder", "legacy-centred")) {
            SpliceProbe probe = SpliceProbe.of(List.of(Splice.of(attached(name)).withError()));
            assertThat(model.forward(ForwardRequest.of(tokens).probe(probe)).logits())
                    .isEqualTo(plain);
            SpliceProbe reconstructing = SpliceProbe.of(List.of(Splice.of(attached(name))));
            assertThat(model.forward(ForwardRequest.of(tokens).probe(reconstructing))
                            .logits())
                    .isNotEqualTo(plain);
        }
    }

    @Test
    void editsChangeTheOutputThoughTheErrorIsAdded() {
        Attachment topk = attached("topk");
        float[] x = residual();
        int strongest = strongest(topk, x);
        Splice splice = Splice.of(topk).withError();
        Splice.SpliceResult ablated =
                splice.edit(new LatentEdit.AblateLatent(strongest)).apply(x, x);
        assertThat(ablated.output()).isNotEqualTo(x);
        float before = ablated.before().get(tokens.length - 1, strongest);
        assertThat(ablated.after().get(tokens.length - 1, strongest)).isZero();
        float[] row = topk.autoencoder().decoderRow(strongest);
        float norm = topk.autoencoder().decoderNorms()[strongest];
        int last = (tokens.length - 1) * 128;
        for (int c = 0; c < 128; c++) {
            assertThat(ablated.output()[last + c])
                    .isCloseTo(x[last + c] - before / norm * row[c], org.assertj.core.api.Assertions.within(1e-4f));
        }
        Splice.SpliceResult scaled =
                splice.edit(new LatentEdit.ScaleLatent(strongest, 2)).apply(x, x);
        assertThat(scaled.after().get(tokens.length - 1, strongest)).isEqualTo(2 * before);
        Splice.SpliceResult clamped =
                splice.edit(new LatentEdit.ClampLatent(7, 3)).apply(x, x);
        assertThat(clamped.after().get(0, 7)).isEqualTo(3);
        Splice.SpliceResult steered =
                splice.edit(new LatentEdit.SteerLatent(7, 1)).apply(x, x);
        assertThat(steered.after().get(0, 7)).isEqualTo(steered.before().get(0, 7) + 1);
        assertThatThrownBy(() -> splice.edit(new LatentEdit.AblateLatent(256))).isInstanceOf(BadInputException.class);
        assertThatThrownBy(() -> splice.edit(new LatentEdit.AblateLatent(3), new LatentEdit.ClampLatent(3, 1)))
                .hasMessageContaining("twice");
    }

    private static float[] residual() {
        List<float[]> held = new ArrayList<>();
        HookPoint point = HookPoint.of(Site.RESID_POST, 2);
        SpliceProbe probe = SpliceProbe.of(List.of(Splice.of(attached("topk")).withError()))
                .watched((splice, result, rows) -> held.add(result.input()));
        model.forward(ForwardRequest.of(tokens).probe(probe));
        assertThat(probe.wants(point)).isTrue();
        return held.getFirst();
    }

    private static int strongest(Attachment attachment, float[] x) {
        float[] dense = attachment.autoencoder().encode(x).dense();
        int best = 0;
        int from = (tokens.length - 1) * 256;
        for (int i = 0; i < 256; i++) {
            best = dense[from + i] > dense[from + best] ? i : best;
        }
        return best;
    }

    @Test
    void partialRerunsAndGenerationEqualWholePasses() {
        Attachment topk = attached("topk");
        int latent = strongest(topk, residual());
        Splice splice =
                Splice.of(topk).withError().edit(new LatentEdit.AblateLatent(latent), new LatentEdit.SteerLatent(3, 2));
        Prompts prompts = Prompts.of(model.config(), tokens);
        Interventions interventions = Interventions.of(splice.intervention());
        float[] whole = EditedModel.of(model, interventions)
                .forward(prompts, LogitSelection.last())
                .logits();
        BaseRun run = BaseRun.record(model, prompts);
        assertThat(run.rerun(List.of(new SequenceEdit(0, interventions)))
                        .results()
                        .getFirst()
                        .logits())
                .isEqualTo(whole);
        SpliceProbe probe = SpliceProbe.of(List.of(splice));
        assertThat(model.forward(ForwardRequest.of(tokens)
                                .logits(LogitSelection.last())
                                .probe(probe))
                        .logits())
                .isEqualTo(whole);
        Generator generator = Generator.of(model).maxNewTokens(4);
        assertThat(EditedModel.of(model, interventions)
                        .generate(generator, prompts, (sequence, token) -> {})
                        .getFirst())
                .isEqualTo(run.generate(new SequenceEdit(0, interventions), generator));
    }

    @Test
    void innerSitesHoldWhatTheirNamesSay() {
        Attachment topk = attached("topk");
        Splice splice = Splice.of(topk);
        float[] x = residual();
        Splice.SpliceResult result = splice.apply(x, x);
        float[] error = SpliceProbe.values(splice, result, "hook_sae_error", x);
        float[] recons = SpliceProbe.values(splice, result, "hook_sae_recons", x);
        for (int i = 0; i < x.length; i++) {
            assertThat(error[i]).isEqualTo(x[i] - recons[i]);
        }
        assertThat(SpliceProbe.values(splice, result, "hook_sae_input", x)).isEqualTo(x);
        assertThat(SpliceProbe.values(splice, result, "hook_sae_output", x)).isEqualTo(recons);
        assertThat(SpliceProbe.values(splice, result, "hook_sae_acts_pre", x)).hasSize(tokens.length * 256);
        assertThat(SpliceProbe.values(splice, result, "hook_sae_acts_post", x))
                .isEqualTo(result.after().dense());
        assertThatThrownBy(() -> SpliceProbe.values(splice, result, "hook_sae", x))
                .hasMessageContaining("hook_sae_input");
    }

    @Test
    void whatDoesNotFitIsRefused() {
        SparseAutoencoder sae = SaeFiles.read(path("fable/topk")).autoencoder();
        HookPoint mlp = HookPoint.of(Site.MLP_POST, 2);
        assertThatThrownBy(() -> Attachment.of(sae, model, mlp, mlp))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("128");
        assertThatThrownBy(() -> Splice.of(attached("hook-z")).intervention()).hasMessageContaining("heads");
        assertThatThrownBy(() -> Splice.of(attached("transcoder")).intervention())
                .hasMessageContaining("two sites");
        assertThatThrownBy(() -> SpliceProbe.of(List.of(Splice.of(attached("topk")), Splice.of(attached("standard")))))
                .hasMessageContaining("two autoencoders");
        assertThat(attached("legacy-centred").notes()).hasSize(1);
        assertThat(attached("topk").notes()).isEmpty();
    }
}
