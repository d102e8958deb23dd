package dev.hyaline.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.fixtures.CallingProbe;
import dev.hyaline.engine.fixtures.RandomModels;
import dev.hyaline.engine.fixtures.Recording;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The logits that are formed, and what a probe sees around them. */
class LogitsTest {
    private static final Gpt2Config CONFIG = RandomModels.ODD;
    private static final Gpt2Weights WEIGHTS = RandomModels.weights(CONFIG, 1);

    @Test
    void onlyChosenLogitsAreFormed() {
        int[] first = RandomModels.tokens(CONFIG, 9, 1);
        int[] second = RandomModels.tokens(CONFIG, 20, 2);
        try (Gpt2 model = Gpt2.of(WEIGHTS)) {
            ForwardRequest request = ForwardRequest.of(Sequence.of(first), Sequence.of(second));
            ForwardResult all = model.forward(request);
            assertThat(all.rows()).isEqualTo(IntStream.range(0, 29).toArray());
            assertThat(all.columns()).isEqualTo(CONFIG.dVocab());

            ForwardResult last = model.forward(request.logits(LogitSelection.last()));
            assertThat(last.rows()).containsExactly(8, 28);
            assertThat(last.row(0)).isEqualTo(all.row(8));
            assertThat(last.row(1)).isEqualTo(all.row(28));

            ForwardResult chosen =
                    model.forward(request.logits(LogitSelection.rows(3, 10, 11).columns(100, 0, 7)));
            assertThat(chosen.columns()).isEqualTo(3);
            for (int i = 0; i < 3; i++) {
                float[] row = all.row(chosen.rows()[i]);
                assertThat(chosen.row(i)).containsExactly(row[100], row[0], row[7]);
            }
            assertThat(model.forward(request.logits(LogitSelection.none())).logits())
                    .isEmpty();
        }
    }

    @Test
    void theFinalNormIsSeenForAllRowsWhateverLogitsAreFormed() {
        int[] tokens = RandomModels.tokens(CONFIG, 11, 8);
        try (Gpt2 model = Gpt2.of(WEIGHTS)) {
            Recording all = Recording.everything();
            float[] logits = model.forward(ForwardRequest.of(tokens).probe(all)).logits();
            for (LogitSelection selection : List.of(LogitSelection.last(), LogitSelection.none())) {
                Recording norm = new Recording(point -> point.name().matches("ln_final.*|unembed.hook_in"));
                ForwardResult result = model.forward(
                        ForwardRequest.of(tokens).logits(selection).probe(norm));
                assertThat(norm.values()).hasSize(3);
                norm.values()
                        .forEach((point, seen) -> assertThat(seen.getFirst()).isEqualTo(all.of(point, 0)));
                int from = logits.length - result.logits().length;
                assertThat(result.logits()).isEqualTo(Arrays.copyOfRange(logits, from, logits.length));
            }
        }
    }

    @Test
    void aProbeSeesWhereItsRowsStand() {
        try (Gpt2 model = Gpt2.of(WEIGHTS)) {
            KvCache cache = model.newCache();
            model.forward(ForwardRequest.of(Sequence.append(cache, RandomModels.tokens(CONFIG, 18, 1))));
            List<String> seen = new ArrayList<>();
            model.forward(ForwardRequest.of(Sequence.of(1, 2), Sequence.append(cache, 3, 4, 5))
                    .logits(LogitSelection.last())
                    .probe(new CallingProbe(
                            point -> point.name().matches("hook_embed|blocks.0.attn.hook_pattern|unembed.hook_out"),
                            (point, a) -> {
                                StringBuilder text = new StringBuilder(point.name() + " width " + a.width() + ":");
                                for (int s = 0; s < a.sequences(); s++) {
                                    text.append(" @")
                                            .append(a.offset(s))
                                            .append('+')
                                            .append(a.size(s));
                                    for (int row = a.firstRow(s); row < a.firstRow(s + 1); row++) {
                                        text.append(" p").append(a.position(row));
                                    }
                                    text.append(" keys ").append(a.keys(s));
                                }
                                seen.add(text.toString());
                            })));
            assertThat(seen)
                    .containsExactly(
                            "hook_embed width 60: @0+120 p0 p1 keys 2 @120+180 p18 p19 p20 keys 21",
                            "blocks.0.attn.hook_pattern width 1: @0+20 p0 p1 keys 2 @20+315 p18 p19 p20 keys 21",
                            "unembed.hook_out width 101: @0+101 p1 keys 2 @101+101 p20 keys 21");
        }
    }

    @Test
    void anUnembeddingBiasIsAddedToTheLogitsAlone() {
        float[] bias = new float[RandomModels.ODD.dVocab()];
        for (int token = 0; token < bias.length; token++) {
            bias[token] = token - 50;
        }
        TensorSource biased = new TensorSource() {
            @Override
            public String name() {
                return WEIGHTS.name();
            }

            @Override
            public void read(TensorSpec tensor, int firstRow, int rows, float[] out, int offset) {
                if (tensor.name().equals(Gpt2Weights.UNEMBEDDING_BIAS)) {
                    System.arraycopy(bias, 0, out, offset, bias.length);
                } else {
                    WEIGHTS.read(tensor, firstRow, rows, out, offset);
                }
            }

            @Override
            public boolean hasUnembeddingBias() {
                return true;
            }
        };
        Gpt2Weights weights = Gpt2Weights.load(RandomModels.ODD, biased);
        assertThat(WEIGHTS.hasUnembeddingBias()).isFalse();
        assertThat(weights.hasUnembeddingBias()).isTrue();
        assertThat(weights.tensor(Gpt2Weights.UNEMBEDDING_BIAS)).isEqualTo(bias);
        assertThat(WEIGHTS.tensor(Gpt2Weights.UNEMBEDDING_BIAS)).containsOnly(0);
        try (Gpt2 without = Gpt2.of(WEIGHTS);
                Gpt2 with = Gpt2.of(weights)) {
            float[] plain = without.logits(3, 1, 2);
            float[] shifted = with.logits(3, 1, 2);
            for (int i = 0; i < plain.length; i++) {
                assertThat(shifted[i]).isCloseTo(plain[i] + bias[i % bias.length], within(1e-4f));
            }
            float[] some = with.forward(ForwardRequest.of(3, 1, 2)
                            .logits(LogitSelection.last().columns(7, 99)))
                    .logits();
            assertThat(some).containsExactly(shifted[2 * bias.length + 7], shifted[2 * bias.length + 99]);
        }
    }
}
