package dev.hyaline.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.fixtures.CallingProbe;
import dev.hyaline.engine.fixtures.RandomModels;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class BadInputTest {
    private static final Gpt2Config CONFIG = RandomModels.ODD;
    private static final Gpt2 MODEL = Gpt2.of(RandomModels.weights(CONFIG, 1), 1);
    private static final int[] SOME = {1, 2, 3};

    static Stream<Arguments> requests() {
        KvCache three = filled(3);
        KvCache appendedTwice = MODEL.newCache();
        KvCache moved = MODEL.newCache();
        Sequence stale = Sequence.append(moved, 5);
        MODEL.forward(ForwardRequest.of(Sequence.append(moved, 1)));
        ForwardRequest some = ForwardRequest.of(SOME);
        return Stream.of(
                bad(ForwardRequest.of(List.of()), "a batch must hold at least one sequence, found none"),
                bad(ForwardRequest.of(new int[0]), "sequence 0 must hold at least one token, found none"),
                bad(
                        ForwardRequest.of(Sequence.of(1), Sequence.of()),
                        "sequence 1 must hold at least one token, found none"),
                bad(ForwardRequest.of(1, 101), "tokens must be from 0 to 100, found 101 at index 1"),
                bad(ForwardRequest.of(-1), "tokens must be from 0 to 100, found -1 at index 0"),
                bad(ForwardRequest.of(new int[71]), "the model has 70 positions, found a sequence that ends after 71"),
                bad(
                        ForwardRequest.of(Sequence.append(filled(70), 1)),
                        "the model has 70 positions, found a sequence that ends after 71"),
                bad(
                        ForwardRequest.of(Sequence.append(appendedTwice, 1), Sequence.append(appendedTwice, 2)),
                        "two sequences of a batch cannot append to the same cache"),
                bad(ForwardRequest.of(stale), "sequence 0 was to append at position 0, but its cache now holds 1"),
                bad(
                        ForwardRequest.of(Sequence.append(three, 1)).to(Boundary.residPre(1)),
                        "a pass that appends to a cache must run from the embedding through the last attention"),
                bad(
                        ForwardRequest.of(Sequence.append(three, 1)).from(Boundary.residPre(0), new float[60]),
                        "a pass that appends to a cache must run from the embedding through the last attention"),
                bad(some.to(Boundary.residPre(4)), "the model has 3 layers, found boundary blocks.4.hook_resid_pre"),
                bad(some.to(Boundary.residMid(3)), "the model has 3 layers, found boundary blocks.3.hook_resid_mid"),
                bad(some.to(Boundary.residPre(-1)), "the model has 3 layers, found boundary blocks.-1.hook_resid_pre"),
                bad(
                        some.from(Boundary.residMid(1), new float[180]).to(Boundary.residPre(1)),
                        "a pass cannot begin at blocks.1.hook_resid_mid and stop at blocks.1.hook_resid_pre, which"
                                + " comes before"),
                bad(
                        some.from(Boundary.residPre(1), new float[179]),
                        "residual rows to begin from: expected [3, 60] (180 values), found 179 values"),
                bad(
                        some.from(HookPoint.of(Site.Z, 1), new float[180], new float[180])
                                .to(Boundary.residPre(1)),
                        "a pass that begins at blocks.1.attn.hook_z must run to a later boundary than"
                                + " blocks.1.hook_resid_pre"),
                bad(
                        some.from(HookPoint.of(Site.MLP_OUT, 1), new float[180], new float[180])
                                .to(Boundary.residPre(1)),
                        "a pass cannot begin at blocks.1.hook_resid_mid and stop at blocks.1.hook_resid_pre, which"
                                + " comes before"),
                bad(
                        some.from(HookPoint.of(Site.ATTN_OUT, 3), new float[180], new float[180]),
                        "the model has 3 layers, found point blocks.3.hook_attn_out"),
                bad(
                        some.from(HookPoint.of(Site.MLP_OUT, 1), new float[179], new float[180]),
                        "residual rows to begin from: expected [3, 60] (180 values), found 179 values"),
                bad(
                        some.from(HookPoint.of(Site.MLP_POST, 1), new float[180], new float[180]),
                        "values of blocks.1.mlp.hook_post to begin from: expected [3, 200] (600 values), found 180"
                                + " values"),
                bad(some.logits(LogitSelection.rows(0, 3)), "logit rows must be from 0 to 2, found [0, 3]"),
                bad(some.logits(LogitSelection.rows(-1)), "logit rows must be from 0 to 2, found [-1]"),
                bad(
                        some.logits(LogitSelection.all().columns(5, 101)),
                        "tokens must be from 0 to 100, found 101 at index 1"));
    }

    private static KvCache filled(int positions) {
        KvCache cache = MODEL.newCache();
        MODEL.forward(ForwardRequest.of(Sequence.append(cache, new int[positions])));
        return cache;
    }

    private static Arguments bad(ForwardRequest request, String message) {
        return Arguments.of(request, message);
    }

    @ParameterizedTest
    @MethodSource("requests")
    void aBadRequestIsRefusedInOneSentence(ForwardRequest request, String message) {
        assertThatThrownBy(() -> MODEL.forward(request))
                .isInstanceOf(HyalineException.class)
                .hasMessage(message);
        assertThat(MODEL.logits(SOME)).as("the model goes on").hasSize(3 * CONFIG.dVocab());
    }

    @ParameterizedTest
    @EnumSource(value = Site.class)
    void aPassBeginsInsideABlockOnlyAtEntries(Site site) {
        HookPoint point = site.perLayer() ? HookPoint.of(site, 1) : HookPoint.of(site);
        if (site.role() == Site.Role.ENTRY) {
            assertThat(new Start.Branch(point, new float[0], new float[0]).point())
                    .isEqualTo(point);
            return;
        }
        assertThatThrownBy(() -> ForwardRequest.of(SOME).from(point, new float[180], new float[180]))
                .isInstanceOf(BadInputException.class)
                .hasMessage("a pass cannot begin at " + point
                        + "; inside a block it can at attn.hook_z, hook_attn_out, mlp.hook_post and hook_mlp_out");
    }

    @Test
    void noLogitColumnsAreRefusedWhereTheyAreChosen() {
        assertThatThrownBy(() -> LogitSelection.all().columns(new int[0]))
                .isInstanceOf(BadInputException.class)
                .hasMessage("logit columns must name at least one token, found none");
    }

    @Test
    void aFailedPassLeavesTheCacheAsItWas() {
        KvCache cache = filled(5);
        assertThatThrownBy(() -> MODEL.forward(ForwardRequest.of(Sequence.append(cache, 1), Sequence.of(999))))
                .isInstanceOf(BadInputException.class);
        assertThat(cache.length()).isEqualTo(5);

        for (HookPoint failing : HookPoint.all(CONFIG)) {
            Probe probe = new CallingProbe(point -> point.equals(failing), (point, activation) -> {
                throw new IllegalStateException(point.name());
            });
            assertThatThrownBy(() -> MODEL.forward(
                            ForwardRequest.of(Sequence.append(cache, 7)).probe(probe)))
                    .hasMessage(failing.name());
            assertThat(cache.length()).isEqualTo(5);
        }
        float[] after =
                MODEL.forward(ForwardRequest.of(Sequence.append(cache, 7))).logits();
        float[] whole = MODEL.logits(0, 0, 0, 0, 0, 7);
        assertThat(after).isEqualTo(Arrays.copyOfRange(whole, 5 * CONFIG.dVocab(), 6 * CONFIG.dVocab()));
    }

    static Stream<Arguments> calls() {
        return Stream.of(
                call(() -> config(0, 5, 60), "n_layer must be at least 1, found 0"),
                call(() -> config(1, 7, 60), "n_embd must be a multiple of n_head, found 60 and 7"),
                call(
                        () -> config(1, 1, 50_000),
                        "n_embd x n_embd must stay below 2^31 values, columns padded to 32, found 50000 x 50000"),
                call(
                        () -> config(1, 1, Integer.MAX_VALUE),
                        "n_embd x n_embd must stay below 2^31 values, columns padded to 32, found 2147483647 x"
                                + " 2147483647"),
                call(
                        () -> new Gpt2Config(1, 1, 4, 4, 4, 4, Float.NaN, ActivationFunction.RELU, true, false, true),
                        "layer_norm_epsilon must be a finite number of at least 0, found NaN"),
                call(() -> Gpt2.of(MODEL.weights(), 0), "threads must be at least 1, found 0"),
                call(() -> filled(3).fork(4), "a fork must lie within the cache's 3 positions, found 4"),
                call(() -> filled(3).fork(-1), "a fork must lie within the cache's 3 positions, found -1"),
                call(() -> filled(3).reserve(71), "the model has 70 positions, found a request for 71"),
                call(
                        () -> Sequence.after(filled(3), 4, 1),
                        "a sequence must start within its past of 3 positions, found 4"),
                call(() -> LogitSelection.rows(3, 3), "logit rows must ascend, found 3 after 3"),
                call(
                        () -> Sampling.greedy().temperature(-1),
                        "temperature must be a finite number of at least 0, found -1.0"),
                call(() -> Sampling.greedy().topK(-1), "top-k must be at least 0 (0 keeps all), found -1"),
                call(() -> Sampling.greedy().topP(0), "top-p must be above 0 and at most 1, found 0.0"),
                call(() -> Sampling.greedy().topP(Float.NaN), "top-p must be above 0 and at most 1, found NaN"),
                call(() -> Generator.of(MODEL).maxNewTokens(-1), "new tokens must be at least 0, found -1"));
    }

    private static Gpt2Config config(int layers, int heads, int width) {
        return new Gpt2Config(layers, heads, width, 4, 4, 4, 1e-5f, ActivationFunction.RELU, true, false, true);
    }

    private static Arguments call(ThrowingCallable call, String message) {
        return Arguments.of(call, message);
    }

    @ParameterizedTest
    @MethodSource("calls")
    void aBadArgumentIsRefusedInOneSentence(ThrowingCallable call, String message) {
        assertThatThrownBy(call).isInstanceOf(BadInputException.class).hasMessage(message);
    }

    @Test
    void aCacheOfAnotherModelIsRefused() {
        Gpt2Config other = RandomModels.config(3);
        try (Gpt2 model = Gpt2.of(RandomModels.weights(other, 1))) {
            assertThatThrownBy(() -> MODEL.forward(ForwardRequest.of(Sequence.append(model.newCache(), 1))))
                    .hasMessage("sequence 0 brings a cache of a model with another configuration");
        }
    }

    @Test
    void aClosedModelSaysSo() {
        Gpt2 model = Gpt2.of(RandomModels.weights(CONFIG, 1));
        model.close();
        assertThatThrownBy(() -> model.logits(1))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the model is closed");
    }

    @Test
    void theThreadsPropertyIsChecked() {
        System.setProperty(Gpt2.THREADS_PROPERTY, "many");
        try {
            assertThatThrownBy(() -> Gpt2.of(MODEL.weights()))
                    .isInstanceOf(BadInputException.class)
                    .hasMessage("hyaline.threads must be a number of threads, found many");
            System.setProperty(Gpt2.THREADS_PROPERTY, "3");
            try (Gpt2 model = Gpt2.of(MODEL.weights())) {
                assertThat(model.threads()).isEqualTo(3);
            }
        } finally {
            System.clearProperty(Gpt2.THREADS_PROPERTY);
        }
    }

    @Test
    void hookPointsKnowWhereTheyBelong() {
        assertThat(HookPoint.of(Site.Z, 2).name()).isEqualTo("blocks.2.attn.hook_z");
        assertThat(HookPoint.of(Site.UNEMBED_IN).name()).isEqualTo("unembed.hook_in");
        assertThat(HookPoint.all(CONFIG)).hasSize(3 * 23 + 6).isSorted();
        assertThatThrownBy(() -> HookPoint.of(Site.Z)).hasMessage("unknown hook point attn.hook_z without a layer");
        assertThatThrownBy(() -> HookPoint.of(Site.EMBED, 1)).hasMessage("unknown hook point hook_embed at layer 1");
    }

    /** The cost of a task once overflowed an int here. */
    @Test
    void aVeryWideMlpRuns() {
        Gpt2Config wide = new Gpt2Config(1, 1, 1, 1 << 20, 128, 5, 1e-5f, ActivationFunction.RELU, true, false, true);
        TensorSource zeros = new TensorSource() {
            @Override
            public String name() {
                return "zeros";
            }

            @Override
            public void read(TensorSpec tensor, int firstRow, int rows, float[] out, int offset) {}
        };
        try (Gpt2 model = Gpt2.of(Gpt2Weights.load(wide, zeros))) {
            assertThat(model.logits(new int[128])).hasSize(128 * 5);
        }
    }
}
