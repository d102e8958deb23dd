package dev.hyaline.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.fixtures.CallingProbe;
import dev.hyaline.engine.fixtures.RandomModels;
import dev.hyaline.engine.fixtures.Recording;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a probe writes is what the rest of the pass reads, there and nowhere else. */
class EditingTest {
    private static final Gpt2Config CONFIG = RandomModels.ODD;
    private static final int D = CONFIG.dModel();
    private static final int HEADS = CONFIG.nHeads();
    private static final int D_HEAD = CONFIG.dHead();
    private static final int N = 21;
    private static final int[] TOKENS = RandomModels.tokens(CONFIG, N, 4);

    private static Gpt2 model;
    private static Recording plain;

    @FunctionalInterface
    private interface Edit {
        void apply(float[] values);
    }

    /** Applies edits, then records every point. */
    private static final class Editor implements Probe {
        private final Map<HookPoint, Edit> edits = new LinkedHashMap<>();
        private final Recording recording = Recording.everything();

        static Editor at(Site site, int layer, Edit edit) {
            return new Editor().and(site, layer, edit);
        }

        Editor and(Site site, int layer, Edit edit) {
            edits.put(HookPoint.of(site, layer), edit);
            return this;
        }

        @Override
        public boolean wants(HookPoint point) {
            return true;
        }

        @Override
        public void at(HookPoint point, Activation activation) {
            Edit edit = edits.get(point);
            if (edit != null) {
                edit.apply(activation.values());
            }
            recording.at(point, activation);
        }

        Editor run() {
            model.forward(ForwardRequest.of(TOKENS).probe(this));
            return this;
        }

        float[] of(Site site, int layer) {
            return recording.of(HookPoint.of(site, layer), 0);
        }

        float[] logits() {
            return of(Site.UNEMBED_OUT, HookPoint.NO_LAYER);
        }
    }

    @BeforeAll
    static void load() {
        model = Gpt2.of(RandomModels.weights(CONFIG, 2), 2);
        plain = Recording.everything();
        model.forward(ForwardRequest.of(TOKENS).probe(plain));
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static float[] plain(Site site, int layer) {
        return plain.of(HookPoint.of(site, layer), 0);
    }

    @ParameterizedTest
    @EnumSource
    void anEditReachesTheLogitsAndNothingBefore(Site site) {
        int layer = site.perLayer() ? 1 : HookPoint.NO_LAYER;
        // The last query's last value: visible to the last token only.
        Editor edited = Editor.at(site, layer, values -> {
                    int size = plain(site, layer).length;
                    for (int i = size - 1; i >= size - plain(site, layer).length / N; i--) {
                        values[i] = values[i] * 0.5f + 0.1f;
                    }
                })
                .run();
        boolean mapsOfAllQueries = site.shape() == Site.Shape.ATTENTION;
        for (HookPoint point : HookPoint.all(CONFIG)) {
            float[] before = plain.of(point, 0);
            float[] after = edited.recording.of(point, 0);
            if (point.compareTo(HookPoint.of(site, layer)) < 0) {
                assertThat(after).as(point.name()).isEqualTo(before);
            } else if (point.site().shape() != Site.Shape.ATTENTION && !mapsOfAllQueries) {
                int width = before.length / N;
                assertThat(Arrays.copyOf(after, width * (N - 1)))
                        .as(point.name() + " of earlier tokens")
                        .isEqualTo(Arrays.copyOf(before, width * (N - 1)));
            }
        }
        assertThat(edited.logits()).isNotEqualTo(plain(Site.UNEMBED_OUT, HookPoint.NO_LAYER));
    }

    @Test
    void headInputsOfQKAndVTogetherAreAttnIn() {
        Edit edit = noise(7);
        Editor together = Editor.at(Site.ATTN_IN, 1, edit).run();
        Editor apart = Editor.at(Site.Q_INPUT, 1, edit)
                .and(Site.K_INPUT, 1, edit)
                .and(Site.V_INPUT, 1, edit)
                .run();
        assertThat(together.logits()).isEqualTo(apart.logits());
        assertThat(together.of(Site.Q_INPUT, 1)).isEqualTo(together.of(Site.ATTN_IN, 1));
    }

    @Test
    void headInputsAreNormalisedAndProjectedAsTheResidualIs() {
        float[] other = gaussian(N * D, 9);
        Editor residual = Editor.at(Site.RESID_PRE, 1, values -> System.arraycopy(other, 0, values, 0, N * D))
                .run();
        Editor inputs = Editor.at(Site.ATTN_IN, 1, values -> {
                    for (int i = 0; i < N * HEADS; i++) {
                        System.arraycopy(other, i / HEADS * D, values, i * D, D);
                    }
                })
                .run();
        for (Site site : new Site[] {Site.Q, Site.K, Site.V, Site.Z, Site.ATTN_OUT}) {
            assertThat(inputs.of(site, 1)).as(site.localName()).isEqualTo(residual.of(site, 1));
        }
        assertThat(inputs.of(Site.RESID_PRE, 1)).isEqualTo(plain(Site.RESID_PRE, 1));
    }

    @Test
    void anEditOfOneHeadsInputMovesThatHeadOnly() {
        Editor edited = Editor.at(Site.K_INPUT, 1, values -> {
                    for (int row = 0; row < N; row++) {
                        Arrays.fill(values, (row * HEADS + 2) * D, (row * HEADS + 2) * D + 5, 3);
                    }
                })
                .run();
        assertThat(edited.of(Site.Q, 1)).isEqualTo(plain(Site.Q, 1));
        assertThat(edited.of(Site.V, 1)).isEqualTo(plain(Site.V, 1));
        float[] before = plain(Site.K, 1);
        float[] after = edited.of(Site.K, 1);
        for (int i = 0; i < before.length; i++) {
            boolean ofHead = i / D_HEAD % HEADS == 2;
            assertThat(after[i] != before[i]).isEqualTo(ofHead);
        }
    }

    @Test
    void mlpInIsReadByTheMlpAlone() {
        Edit edit = noise(3);
        Editor input = Editor.at(Site.MLP_IN, 1, edit).run();
        Editor residual = Editor.at(Site.RESID_MID, 1, edit).run();
        assertThat(input.of(Site.MLP_OUT, 1)).isEqualTo(residual.of(Site.MLP_OUT, 1));
        assertThat(input.of(Site.RESID_MID, 1)).isEqualTo(plain(Site.RESID_MID, 1));
    }

    @Test
    void scaleDividesWhatFollows() {
        Editor edited = Editor.at(Site.LN2_SCALE, 0, values -> {
                    for (int row = 0; row < N; row++) {
                        values[row] *= 2;
                    }
                })
                .run();
        float[] before = plain(Site.LN2_NORMALIZED, 0);
        float[] after = edited.of(Site.LN2_NORMALIZED, 0);
        for (int i = 0; i < before.length; i++) {
            assertThat(after[i]).isEqualTo(before[i] / 2);
        }
    }

    @Test
    void aPatternOnOneKeyCopiesItsValue() {
        for (int key : new int[] {0, 5, N - 1}) {
            Editor edited = Editor.at(Site.PATTERN, 1, values -> {
                        for (int i = 0; i < HEADS * N * N; i++) {
                            values[i] = i % N == key ? 1 : 0;
                        }
                    })
                    .run();
            float[] v = plain(Site.V, 1);
            float[] z = edited.of(Site.Z, 1);
            for (int row = 0; row < N; row++) {
                assertThat(Arrays.copyOfRange(z, row * D, row * D + D))
                        .as("query %d, even before key %d", row, key)
                        .isEqualTo(Arrays.copyOfRange(v, key * D, key * D + D));
            }
        }
    }

    @Test
    void scoresOfLaterKeysCountOnceTheyAreUnmasked() {
        int future = 18;
        Editor edited = Editor.at(Site.ATTN_SCORES, 1, values -> {
                    for (int i = 0; i < HEADS * N * N; i++) {
                        if (i % N == future) {
                            values[i] = 200;
                        }
                    }
                })
                .run();
        float[] pattern = edited.of(Site.PATTERN, 1);
        for (int i = 0; i < pattern.length; i++) {
            assertThat(pattern[i]).isCloseTo(i % N == future ? 1 : 0, within(1e-6f));
        }
        float[] v = plain(Site.V, 1);
        assertThat(Arrays.copyOf(edited.of(Site.Z, 1), D)).isEqualTo(Arrays.copyOfRange(v, future * D, future * D + D));
    }

    @Test
    void removingAHeadsResultIsRemovingItsZ() {
        Editor result = Editor.at(Site.RESULT, 1, values -> {
                    for (int row = 0; row < N; row++) {
                        Arrays.fill(values, (row * HEADS + 3) * D, (row * HEADS + 4) * D, 0);
                    }
                })
                .run();
        Editor z = Editor.at(Site.Z, 1, values -> {
                    for (int row = 0; row < N; row++) {
                        Arrays.fill(values, row * D + 3 * D_HEAD, row * D + 4 * D_HEAD, 0);
                    }
                })
                .run();
        float[] expected = z.of(Site.ATTN_OUT, 1);
        float[] found = result.of(Site.ATTN_OUT, 1);
        for (int i = 0; i < expected.length; i++) {
            assertThat(found[i]).isCloseTo(expected[i], within(2e-6f * (1 + Math.abs(expected[i]))));
        }
    }

    @Test
    void whatIsNotANumberStaysAtItsPositionAndAfter() {
        int position = 13;
        for (Site site : new Site[] {Site.RESID_PRE, Site.K, Site.V, Site.MLP_POST}) {
            int width = site == Site.MLP_POST ? CONFIG.dMlp() : D;
            for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
                Editor edited = Editor.at(
                                site, 0, values -> Arrays.fill(values, position * width, (position + 1) * width, bad))
                        .run();
                int before = position * CONFIG.dVocab();
                assertThat(Arrays.copyOf(edited.logits(), before))
                        .as("%s = %s", site, bad)
                        .isEqualTo(Arrays.copyOf(plain(Site.UNEMBED_OUT, HookPoint.NO_LAYER), before));
                assertThat(edited.logits()[before]).isNaN();
            }
        }
    }

    @Test
    void editedLogitsAreTheResult() {
        Probe probe = new CallingProbe(point -> point.site() == Site.UNEMBED_OUT, (point, activation) -> {
            activation.values()[17] = 42;
        });
        assertThat(model.forward(ForwardRequest.of(TOKENS).probe(probe)).logits()[17])
                .isEqualTo(42);
    }

    private static Edit noise(long seed) {
        return values -> {
            Random random = new Random(seed);
            for (int i = 0; i < values.length; i++) {
                values[i] += (float) random.nextGaussian();
            }
        };
    }

    private static float[] gaussian(int n, long seed) {
        float[] values = new float[n];
        noise(seed).apply(values);
        return values;
    }
}
