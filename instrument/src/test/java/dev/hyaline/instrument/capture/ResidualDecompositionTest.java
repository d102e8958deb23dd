package dev.hyaline.instrument.capture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.Models;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.weights.Checkpoint;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ResidualDecompositionTest {
    private static final String[] PARTS = {"embed,pos_embed,attn_out,mlp_out,z,mlp.post,resid_pre,resid_mid,resid_post"
    };

    @ParameterizedTest
    @ValueSource(strings = {"tiny-relu", "tiny-variant"})
    void stacksAreTransformerLenss(String name) {
        LensReference reference = new LensReference(name);
        try (Checkpoint checkpoint = reference.checkpoint();
                Gpt2 model = Gpt2.of(checkpoint.weights())) {
            Prompts prompts = reference.prompts(model.config());
            ActivationCache cache = ActivationCache.record(model, prompts, Capture.of(model.config(), "all"));
            int layers = model.config().nLayers();
            Boundary end = Boundary.residPre(layers);
            Boundary mid = Boundary.residMid(layers - 1);

            reference.assertEqual(cache.accumulatedResid(end, true), "raw.accumulated");
            reference.assertEqual(cache.accumulatedResid(mid, false), "raw.accumulated.mid");
            reference.assertEqual(cache.applyFinalLnToEach(cache.accumulatedResid(end, true)), "raw.accumulated.lens");
            reference.assertEqual(cache.decomposeResid(), "raw.decompose");
            reference.assertEqual(cache.applyLnToStack(cache.decomposeResid(mid), mid), "raw.decompose.mid.ln");
            reference.assertEqual(cache.stackHeadResults().withRemainder(), "raw.heads");
            reference.assertEqual(
                    cache.applyLnToStack(cache.getFullResidDecomposition(mid, false), mid), "raw.full.mid.mlps.ln");

            ActivationCache last = ActivationCache.record(
                    model, prompts, Capture.of(model.config(), "all").positions(IndexSelection.parse("last")));
            reference.assertEqual(last.stackNeuronResults().withRemainder(), "raw.neurons");
            reference.assertEqual(last.getFullResidDecomposition(), "raw.full");
        }
    }

    @Test
    void headResultsHaveTheBitsOfTheHookPoint() {
        try (Gpt2 model = Models.small()) {
            ActivationCache cache =
                    ActivationCache.record(model, Models.prompts(5, 9), Capture.of(Models.CONFIG, "result", "z"));
            ResidualStack heads = cache.stackHeadResults();
            int d = Models.CONFIG.dModel();
            int count = Models.CONFIG.nHeads();
            for (int row = 0; row < heads.rows().size(); row++) {
                int s = heads.rows().sequence(row);
                int position = heads.rows().position(row);
                assertThat(heads.rows().row(s, position)).isEqualTo(row);
                for (int layer = 0; layer < Models.CONFIG.nLayers(); layer++) {
                    float[] results = cache.values(HookPoint.of(Site.RESULT, layer), s);
                    for (int head = 0; head < count; head++) {
                        int at = (position * count + head) * d;
                        assertThat(heads.vector(heads.index("L" + layer + "H" + head), row))
                                .isEqualTo(Arrays.copyOfRange(results, at, at + d));
                    }
                }
            }
        }
    }

    @Test
    void componentsAddUpToTheResidualStreamAtEveryBoundary() {
        try (Gpt2 model = Models.small()) {
            ActivationCache cache =
                    ActivationCache.record(model, Models.prompts(4, 7), Capture.of(Models.CONFIG, PARTS));
            for (int layer = 0; layer <= Models.CONFIG.nLayers(); layer++) {
                for (boolean mid : new boolean[] {false, true}) {
                    if (mid && layer == Models.CONFIG.nLayers()) {
                        continue;
                    }
                    Boundary at = new Boundary(layer, mid);
                    for (ResidualStack stack : List.of(
                            cache.decomposeResid(at),
                            cache.getFullResidDecomposition(at, true),
                            cache.getFullResidDecomposition(at, false),
                            cache.stackHeadResults(at).withRemainder(),
                            cache.applyLnToStack(cache.decomposeResid(at), at))) {
                        SumCheck sums = stack.sumCheck();
                        assertThat(sums.values()).isEqualTo(11L * Models.CONFIG.dModel());
                        assertThat(sums.relativeError()).as("%s: %s", at, sums).isLessThan(2e-6);
                        LensReference.assertClose(stack.sum(), stack.whole().orElseThrow(), at.toString());
                    }
                }
            }
            ResidualStack headsAlone = cache.stackHeadResults();
            assertThat(headsAlone.sumCheck().largestError()).isGreaterThan(0.01);
        }
    }

    @Test
    void attributionsAddUpToTheLogits() {
        try (Gpt2 model = Models.small()) {
            Prompts prompts = Models.prompts(4, 7);
            Capture capture = Capture.of(Models.CONFIG, PARTS);
            ActivationCache cache = ActivationCache.record(model, prompts, capture);
            for (ResidualStack stack : List.of(
                    cache.decomposeResid(),
                    cache.getFullResidDecomposition(),
                    cache.stackHeadResults().withRemainder())) {
                LogitAttribution one = cache.logitAttrs(stack, 17);
                assertThat(one.sumCheck().values()).isEqualTo(2);
                assertThat(one.sumCheck().relativeError()).isLessThan(1e-5);
                LogitAttribution difference = cache.logitAttrs(stack, new int[] {3, 5}, new int[] {8});
                assertThat(difference.sumCheck().relativeError()).isLessThan(1e-5);
                assertThat(difference.sums()[cache.rows().row(1, -1)])
                        .isCloseTo((double) cache.nextTokenLogits(1)[5] - cache.nextTokenLogits(1)[8], within(1e-6));
            }
            ActivationCache everyLogit = ActivationCache.record(
                    model, prompts, Capture.of(Models.CONFIG, "embed,pos_embed,attn_out,mlp_out,resid_post,logits"));
            int[] aRow = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
            SumCheck all =
                    everyLogit.logitAttrs(everyLogit.decomposeResid(), aRow).sumCheck();
            assertThat(all.values()).isEqualTo(11);
            assertThat(all.relativeError()).isLessThan(1e-5);
            LogitAttribution withoutMlps =
                    cache.logitAttrs(cache.decomposeResid().select("embed", "0_attn_out"), 17);
            assertThat(withoutMlps.labels()).containsExactly("embed", "0_attn_out");
            assertThat(withoutMlps.sumCheck().relativeError()).isGreaterThan(0.01);
        }
    }

    @Test
    void stacksASiteOverTheLayers() {
        try (Gpt2 model = Models.small()) {
            ActivationCache cache = ActivationCache.record(model, Models.prompts(3, 5), Capture.of(Models.CONFIG, "q"));
            float[] stack = cache.stackActivation(Site.Q, 1);
            assertThat(stack).hasSize(3 * 5 * Models.CONFIG.dModel());
            assertThat(Arrays.copyOfRange(stack, stack.length / 3, stack.length / 3 * 2))
                    .isEqualTo(cache.values(HookPoint.of(Site.Q, 1), 1));
            assertThatThrownBy(() -> cache.stackActivation(Site.K, 0)).hasMessage("attn.hook_k was not recorded");
        }
    }

    @Test
    void whatIsMissingOrWrongIsNamed() {
        try (Gpt2 model = Models.small()) {
            ActivationCache cache = ActivationCache.record(
                    model,
                    Models.prompts(3, 5),
                    Capture.of(Models.CONFIG, "z", "embed").positions(IndexSelection.parse("1,last")));
            assertThatThrownBy(cache::decomposeResid).hasMessage("hook_pos_embed was not recorded");
            assertThatThrownBy(cache::accumulatedResid)
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("blocks.0.hook_resid_pre");
            assertThatThrownBy(() -> cache.stackHeadResults().sumCheck())
                    .hasMessageContaining("record resid_pre, resid_mid and resid_post");
            assertThatThrownBy(() -> cache.stackHeadResults(Boundary.residMid(3)))
                    .hasMessageContaining("3 layers");
            assertThatThrownBy(() -> cache.stackHeadResults(Boundary.residPre(-1)))
                    .hasMessageContaining("3 layers");
            assertThatThrownBy(() -> cache.logitAttrs(cache.stackHeadResults(), 1))
                    .hasMessageContaining("blocks.2.hook_resid_post");
            assertThatThrownBy(() -> cache.stackHeadResults().index("L3H0"))
                    .hasMessage("the stack has no component L3H0");
            assertThatThrownBy(() -> cache.stackHeadResults().project(new float[3]))
                    .isInstanceOf(BadShapeException.class);
            assertThatThrownBy(() -> cache.rows().row(0, 0)).hasMessage("position 0 of sequence 0 was not recorded");
            assertThat(cache.rows().row(1, -1)).isEqualTo(3);
        }
    }

    @Test
    void tokensOfAnAttributionAreChecked() {
        try (Gpt2 model = Models.small()) {
            ActivationCache cache = ActivationCache.record(
                    model, Models.prompts(3, 5), Capture.of(Models.CONFIG, "z", "ln_final.scale"));
            ResidualStack heads = cache.stackHeadResults();
            assertThat(cache.logitAttrs(heads, 60).sums()).hasSize(8);
            for (int[] tokens : new int[][] {{61}, {-1}, {}, {1, 2, 3}}) {
                assertThatThrownBy(() -> cache.logitAttrs(heads, tokens)).isInstanceOf(BadInputException.class);
            }
            assertThatThrownBy(() -> cache.logitAttrs(heads, new int[] {1}, new int[0]))
                    .isInstanceOf(BadInputException.class);
        }
    }
}
