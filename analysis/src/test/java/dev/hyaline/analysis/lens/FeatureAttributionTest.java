package dev.hyaline.analysis.lens;

import static dev.hyaline.analysis.sparse.SparseGolden.path;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.Fable;
import dev.hyaline.analysis.causal.PositionAxis;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.sparse.Latents;
import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.analysis.sparse.file.SaeFiles;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.analysis.sparse.splice.Splice;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.capture.ResidualStack;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class FeatureAttributionTest {
    private static Gpt2 model;
    private static PromptPairs pairs;

    @BeforeAll
    static void openModel() {
        model = Fable.open();
        int[] mary = Fable.tokenizer().encode(" Mary");
        int[] john = Fable.tokenizer().encode(" John");
        pairs = PromptPairs.of(
                model.config(),
                List.of(
                        pair("When Mary and John went to the store, John gave a drink to", mary, john),
                        pair("When Mary and John went to the park, Mary gave a book to", john, mary)));
    }

    @AfterAll
    static void closeModel() {
        model.close();
    }

    private static PromptPair pair(String text, int[] answer, int[] distractor) {
        int[] tokens = Fable.tokenizer().encodePrompt(text);
        return new PromptPair(text, tokens, tokens, answer, distractor, Map.of());
    }

    private static Attachment attached(String name) {
        return Attachment.of(SaeFiles.read(path("fable/" + name)).autoencoder(), model);
    }

    @ParameterizedTest
    @ValueSource(strings = {"topk", "standard", "topk-layer-norm", "hook-z", "transcoder", "skip_transcoder"})
    void featuresErrorAndBiasAddUpToWhatTheSiteAdds(String name) {
        DirectLogitAttribution.Result result =
                DirectLogitAttribution.of(model, pairs, PromptPair.END).byFeature(attached(name));
        List<String> labels = result.table().axes().getFirst().labels();
        assertThat(labels.subList(labels.size() - 2, labels.size()))
                .containsExactly(DirectLogitAttribution.ERROR, DirectLogitAttribution.BIAS);
        assertThat(labels).hasSizeGreaterThan(2);
        assertThat(result.sumCheck().largestValue()).isPositive();
        assertThat(result.sumCheck().largestError()).isLessThan(1e-4 * Math.max(1, largest(result.table())));
    }

    @Test
    void featuresAreThoseOfEachPositionThatIsReadAt() {
        DirectLogitAttribution atEnd = DirectLogitAttribution.of(model, pairs, PromptPair.END);
        Attachment attachment = attached("topk");
        ResultTable table =
                atEnd.at(PositionAxis.all(pairs)).byFeature(attachment).table();
        ResultTable last = atEnd.byFeature(attachment).table();
        List<String> labels = table.axes().get(1).labels();
        int end = table.axes().getFirst().size() - 1;
        assertThat(labels).containsAll(last.axes().getFirst().labels());
        for (int feature = 0; feature < labels.size(); feature++) {
            int there = last.axes().getFirst().labels().indexOf(labels.get(feature));
            assertThat(table.meanAt(end, feature))
                    .as(labels.get(feature))
                    .isEqualTo(there < 0 ? 0 : last.meanAt(there));
        }
    }

    private static double largest(ResultTable table) {
        return Arrays.stream(table.means()).map(Math::abs).max().orElseThrow();
    }

    /** Against the difference that the latent makes to what the decoder writes. */
    @ParameterizedTest
    @ValueSource(strings = {"topk", "topk-layer-norm", "legacy-centred"})
    void aFeatureAddsWhatTheDecoderWritesForIt(String name) {
        Attachment attachment = attached(name);
        SparseAutoencoder autoencoder = attachment.autoencoder();
        PromptPairs first = PromptPairs.of(model.config(), pairs.list().subList(0, 1));
        ResultTable table = DirectLogitAttribution.of(model, first, PromptPair.END)
                .byFeature(attachment)
                .table();
        List<String> labels = table.axes().getFirst().labels();

        PromptPair pair = first.get(0);
        ActivationCache cache = ActivationCache.record(
                model,
                Prompts.of(model.config(), pair.clean()),
                Capture.of(model.config(), "resid_pre", "resid_mid", "resid_post", "attn_out", "mlp_out"));
        int d = model.config().dModel();
        float[] all = cache.values(attachment.in(), 0);
        float[] x = Arrays.copyOfRange(all, pair.end() * d, (pair.end() + 1) * d);
        Latents latents = Splice.of(attachment).apply(x, x).before();
        float[] none = autoencoder.decode(only(latents, -1));
        assertThat(latents.count()).isPositive();
        for (int e = 0; e < latents.count(); e++) {
            float[] written = autoencoder.decode(only(latents, e));
            for (int i = 0; i < d; i++) {
                written[i] -= none[i];
            }
            ResidualStack stack = ResidualStack.of(
                    cache.rows(),
                    d,
                    List.of(new ResidualStack.Component(
                            "written", (row, out, offset) -> System.arraycopy(written, 0, out, offset, d))));
            double expected =
                    cache.logitAttrs(stack, pair.answers(), pair.distractors()).value(0, pair.end());
            assertThat(table.values(labels.indexOf(String.valueOf(latents.indices()[e])))[0])
                    .isEqualTo(expected, within(1e-4 * Math.max(1, Math.abs(expected))));
        }
    }

    /** One of the latents alone; none if it is -1. */
    private static Latents only(Latents latents, int e) {
        return e < 0
                ? new Latents(
                        latents.width(), new int[] {0, 0}, new int[0], new float[0], latents.scale(), latents.shift())
                : new Latents(
                        latents.width(),
                        new int[] {0, 1},
                        new int[] {latents.indices()[e]},
                        new float[] {latents.values()[e]},
                        latents.scale(),
                        latents.shift());
    }

    @Test
    void sitesThatAreNotWrittenToTheStreamAreRefused() {
        Attachment attachment = attached("topk");
        HookPoint normalized = HookPoint.of(Site.LN2_NORMALIZED, 1);
        Attachment elsewhere = Attachment.of(attachment.autoencoder(), model, normalized, normalized);
        assertThatThrownBy(() ->
                        DirectLogitAttribution.of(model, pairs, PromptPair.END).byFeature(elsewhere))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("residual stream")
                .hasMessageContaining("ln2");
    }
}
