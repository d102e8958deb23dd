package dev.hyaline.analysis.sparse.splice;

import static dev.hyaline.analysis.sparse.SparseGolden.path;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.Fable;
import dev.hyaline.analysis.sparse.Latents;
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
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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

    /** Against differences of the reconstruction, along a direction in which no latent starts or ends to fire. */
    @ParameterizedTest
    @ValueSource(strings = {"standard", "topk", "jumprelu", "legacy-centred", "skip_transcoder"})
    void gradientsOfInnerSitesAreThoseOfTheReconstruction(String name) {
        Attachment attachment = attached(name);
        float[] x = residual();
        Random random = new Random(4);
        float[] gradient = gaussian(x.length, random);
        float[] y = gaussian(x.length, random);
        List<float[]> sources = attachment.in().equals(attachment.out()) ? List.of(x) : List.of(x, y);
        double[] found = new double[x.length / 128];
        float[] direction = gaussian(x.length, random);
        float[] ofInput = new InnerSite(attachment, SpliceSite.INPUT).gradients(sources, gradient);
        for (int i = 0; i < x.length; i++) {
            found[i / 128] += (double) ofInput[i] * direction[i];
        }
        float step = 1e-3f;
        float[] ahead = moved(x, direction, step);
        float[] behind = moved(x, direction, -step);
        float[] up = Splice.of(attachment).apply(ahead, y).reconstruction();
        float[] down = Splice.of(attachment).apply(behind, y).reconstruction();
        double[] expected = new double[found.length];
        for (int i = 0; i < up.length; i++) {
            expected[i / 128] += gradient[i] * ((double) up[i] - down[i]) / (2 * step);
        }
        Latents before = attachment.autoencoder().encode(attachment.encoderInput(behind));
        Latents after = attachment.autoencoder().encode(attachment.encoderInput(ahead));
        int compared = 0;
        for (int t = 0; t < found.length; t++) {
            if (Arrays.equals(fired(before, t), fired(after, t))) {
                assertThat(found[t]).isCloseTo(expected[t], within(0.02 * Math.abs(expected[t]) + 0.3));
                compared++;
            }
        }
        assertThat(compared).isGreaterThan(found.length / 3);
        float[] pre = new InnerSite(attachment, SpliceSite.ACTS_PRE).gradients(sources, gradient);
        float[] post = new InnerSite(attachment, SpliceSite.ACTS_POST).gradients(sources, gradient);
        Latents latents = attachment.autoencoder().encode(attachment.encoderInput(x));
        for (int i = 0; i < 256; i++) {
            double norm = name.equals("topk") ? attachment.autoencoder().decoderNorms()[i] : 1;
            double wanted = latents.get(3, i) == 0 ? 0 : post[3 * 256 + i] * norm;
            assertThat((double) pre[3 * 256 + i]).isCloseTo(wanted, within(1e-5 * Math.abs(wanted)));
        }
    }

    private static int[] fired(Latents latents, int token) {
        return Arrays.copyOfRange(latents.indices(), latents.offsets()[token], latents.offsets()[token + 1]);
    }

    private static float[] moved(float[] x, float[] direction, float step) {
        float[] moved = x.clone();
        for (int i = 0; i < x.length; i++) {
            moved[i] += step * direction[i];
        }
        return moved;
    }

    private static float[] gaussian(int n, Random random) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    @Test
    void innerSitesWithoutAGradientSaySo() {
        assertThatThrownBy(() -> new InnerSite(attached("gated"), SpliceSite.ACTS_PRE).requireGradients())
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("take hook_sae_acts_post");
        assertThatThrownBy(() -> new InnerSite(attached("topk-layer-norm"), SpliceSite.INPUT).requireGradients())
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("take hook_sae_acts_pre");
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
        float[] error = SpliceSite.ERROR.values(splice, result, x);
        float[] recons = SpliceSite.RECONS.values(splice, result, x);
        for (int i = 0; i < x.length; i++) {
            assertThat(error[i]).isEqualTo(x[i] - recons[i]);
        }
        assertThat(SpliceSite.INPUT.values(splice, result, x)).isEqualTo(x);
        assertThat(SpliceSite.OUTPUT.values(splice, result, x)).isEqualTo(recons);
        assertThat(SpliceSite.ACTS_PRE.values(splice, result, x)).hasSize(tokens.length * 256);
        assertThat(SpliceSite.ACTS_POST.values(splice, result, x))
                .isEqualTo(result.after().dense());
        assertThat(SpliceSite.names()).hasSize(6).contains("hook_sae_input");
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
