package dev.hyaline.analysis.sparse.splice;

import static dev.hyaline.analysis.sparse.SparseGolden.path;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.Fable;
import dev.hyaline.analysis.sparse.Latents;
import dev.hyaline.analysis.sparse.SingleHead;
import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.analysis.sparse.feature.LatentStudy;
import dev.hyaline.analysis.sparse.file.SaeFile;
import dev.hyaline.analysis.sparse.file.SaeFiles;
import dev.hyaline.analysis.sparse.internal.PointProbe;
import dev.hyaline.analysis.sparse.measure.SaeEvaluation;
import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.run.BaseRun;
import dev.hyaline.instrument.run.EditedModel;
import dev.hyaline.instrument.run.SequenceEdit;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Autoencoders of one head, as SAELens's {@code hook_head_index} has them, cut out of the reference's of all heads. */
class SingleHeadTest {
    private static final int HEAD = 2;

    private static Gpt2 model;
    private static int[] tokens;
    private static int dHead;

    @TempDir
    private Path temporary;

    @BeforeAll
    static void openModel() {
        model = Fable.open();
        tokens = Fable.tokenizer().encodePrompt("When Mary and John went to the store, John gave a drink to");
        dHead = model.config().dHead();
    }

    @AfterAll
    static void closeModel() {
        model.close();
    }

    private static SparseAutoencoder head() {
        return SingleHead.of(SaeFiles.read(path("fable/hook-z")).autoencoder(), HEAD, dHead);
    }

    private static float[] rows(HookPoint point, Probe... changes) {
        float[][] rows = new float[1][];
        Probe reader = PointProbe.reading(point, activation -> rows[0] = PointProbe.copy(activation));
        model.forward(ForwardRequest.of(tokens)
                .logits(LogitSelection.none())
                .probe(
                        changes.length == 0
                                ? reader
                                : new Probe() {
                                    @Override
                                    public boolean wants(HookPoint wanted) {
                                        return wanted.equals(point);
                                    }

                                    @Override
                                    public void at(HookPoint reached, dev.hyaline.engine.site.Activation activation) {
                                        changes[0].at(reached, activation);
                                        reader.at(reached, activation);
                                    }
                                }));
        return rows[0];
    }

    @Test
    void foldersSayTheHeadAndAreReadBack() throws IOException {
        SparseAutoencoder sae = head();
        Path folder = temporary.resolve("head");
        SaeFiles.write(sae, folder, new float[0]);
        assertThat(Files.readString(folder.resolve("cfg.json")))
                .contains("\"hook_head_index\" : 2", "\"reshape_activations\" : \"none\"", "\"d_in\" : " + dHead);
        SaeFile again = SaeFiles.read(folder);
        assertThat(again.autoencoder().metadata()).isEqualTo(sae.metadata());
        Attachment attachment = Attachment.of(again.autoencoder(), model);
        assertThat(attachment.head())
                .contains(new Attachment.OneHead(HEAD, model.config().nHeads()));
        assertThat(attachment.place()).isEqualTo("blocks.2.attn.hook_z, head 2");
        float[] z = attachment.ofHead(rows(attachment.in()));
        assertThat(again.autoencoder().reconstruct(z)).isEqualTo(sae.reconstruct(z));
    }

    @ParameterizedTest
    @EnumSource(names = {"Z", "Q", "K", "V"})
    void onlyTheHeadIsReadAndWritten(Site site) {
        HookPoint point = HookPoint.of(site, 2);
        SparseAutoencoder sae = head();
        Attachment attachment = Attachment.of(sae, model, point, point);
        float[] plain = rows(point);
        int width = model.config().nHeads() * dHead;
        float[] own = SingleHead.columns(plain, tokens.length, width, HEAD * dHead, dHead);
        assertThat(attachment.ofHead(plain)).isEqualTo(own);
        float[] spliced = rows(point, SpliceProbe.of(List.of(Splice.of(attachment))));
        float[] expected = sae.reconstruct(own);
        for (int i = 0; i < spliced.length; i++) {
            int column = i % width - HEAD * dHead;
            boolean ofHead = column >= 0 && column < dHead;
            assertThat(spliced[i]).isEqualTo(ofHead ? expected[i / width * dHead + column] : plain[i]);
        }
        InnerSite acts = new InnerSite(attachment, SpliceSite.ACTS_POST);
        assertThat(acts.name()).isEqualTo(point + ".head2.hook_sae_acts_post");
        assertThat(acts.values(List.of(plain))).isEqualTo(sae.encode(own).dense());
        assertThat(acts.gradients(List.of(plain), plain)).hasSize(tokens.length * 256);
    }

    @Test
    void partialRerunsEqualWholePasses() {
        Attachment attachment = Attachment.of(head(), model);
        float[] z = attachment.ofHead(rows(attachment.in()));
        Latents latents = attachment.autoencoder().encode(z);
        int latent = latents.indices()[latents.offsets()[tokens.length - 1]];
        Splice splice = Splice.of(attachment).withError().edit(new LatentEdit.SteerLatent(latent, 3));
        float[] whole = model.forward(
                        ForwardRequest.of(tokens).logits(LogitSelection.last()).probe(SpliceProbe.of(List.of(splice))))
                .logits();
        assertThat(whole)
                .isNotEqualTo(model.forward(ForwardRequest.of(tokens).logits(LogitSelection.last()))
                        .logits());
        Interventions interventions = Interventions.of(splice.intervention());
        Prompts prompts = Prompts.of(model.config(), tokens);
        assertThat(EditedModel.of(model, interventions)
                        .forward(prompts, LogitSelection.last())
                        .logits())
                .isEqualTo(whole);
        assertThat(BaseRun.record(model, prompts)
                        .rerun(List.of(new SequenceEdit(0, interventions)))
                        .results()
                        .getFirst()
                        .logits())
                .isEqualTo(whole);
    }

    @Test
    void ablationIsOfTheHeadAlone() {
        Attachment attachment = Attachment.of(head(), model);
        Prompts prompts = Prompts.of(model.config(), tokens);
        SaeEvaluation found = SaeEvaluation.measure(model, attachment, prompts, Set.of(), count -> {});
        Target target = Target.of(attachment.out()).heads(HEAD);
        assertThat(found.values().get("ce_loss_with_ablation"))
                .isCloseTo(loss(Interventions.of(Intervention.zero(target))), within(1e-5));
        assertThat(found.values().get("ce_loss_with_sae"))
                .isCloseTo(loss(Interventions.of(Splice.of(attachment).intervention())), within(1e-5));
        assertThat(loss(Interventions.of(Intervention.zero(Target.of(attachment.out())))))
                .isNotCloseTo(found.values().get("ce_loss_with_ablation"), within(1e-3));
        float[] z = attachment.ofHead(rows(attachment.in()));
        assertThat(found.values().get("l0"))
                .isEqualTo(attachment.autoencoder().encode(z).l0().orElseThrow());
        LatentStudy study = LatentStudy.of(model, attachment, prompts, Set.of());
        assertThat(study.firing()).isNotEmpty();
        assertThat(study.page(study.firing()[0]).top()).isNotEmpty();
    }

    private static double loss(Interventions interventions) {
        float[] logits = EditedModel.of(model, interventions)
                .forward(Prompts.of(model.config(), tokens), LogitSelection.all())
                .logits();
        int v = model.config().dVocab();
        double sum = 0;
        for (int p = 0; p + 1 < tokens.length; p++) {
            double all = 0;
            for (int i = p * v; i < (p + 1) * v; i++) {
                all += Math.exp(logits[i]);
            }
            sum += Math.log(all) - logits[p * v + tokens[p + 1]];
        }
        return sum / (tokens.length - 1);
    }

    @Test
    void headsThatDoNotFitAreRefused() {
        SparseAutoencoder sae = head();
        HookPoint residual = HookPoint.of(Site.RESID_POST, 2);
        assertThatThrownBy(() -> Attachment.of(sae, model, residual, residual))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("has no heads");
        SparseAutoencoder all = SaeFiles.read(path("fable/hook-z")).autoencoder();
        assertThatThrownBy(() -> Attachment.of(
                        SparseAutoencoder.of(
                                all.config(), all.parameters(), all.metadata().ofHead(1)),
                        model))
                .hasMessageContaining("head 1 of blocks.2.attn.hook_z has " + dHead);
        SparseAutoencoder ninth = SingleHead.of(all, 0, dHead);
        assertThatThrownBy(() -> Attachment.of(
                        SparseAutoencoder.of(
                                ninth.config(),
                                ninth.parameters(),
                                all.metadata().ofHead(9)),
                        model))
                .hasMessageContaining("heads 0 to");
        Splice splice = Splice.of(Attachment.of(sae, model));
        Splice other = Splice.of(Attachment.of(SingleHead.of(all, 1, dHead), model));
        assertThat(SpliceProbe.of(List.of(splice, other)).wants(HookPoint.of(Site.Z, 2)))
                .isTrue();
        assertThatThrownBy(() -> SpliceProbe.of(List.of(splice, splice))).hasMessageContaining("two autoencoders");
        assertThatThrownBy(() -> SpliceProbe.of(List.of(splice, Splice.of(Attachment.of(all, model)))))
                .hasMessageContaining("two autoencoders");
    }
}
