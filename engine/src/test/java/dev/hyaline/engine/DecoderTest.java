package dev.hyaline.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.engine.fixtures.RandomModels;
import dev.hyaline.engine.site.Boundary;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class DecoderTest {
    private static final Gpt2Config CONFIG = RandomModels.ODD;
    private static final Gpt2 MODEL = Gpt2.of(RandomModels.weights(CONFIG, 1), 2);

    @Property(tries = 20)
    void stepsGiveTheBitsOfFullPasses(@ForAll @IntRange(min = 1, max = 4) int sequences, @ForAll long seed) {
        Random random = new Random(seed);
        int steps = 1 + random.nextInt(CONFIG.nCtx() / 2);
        int[][] texts = new int[sequences][];
        KvCache[] caches = new KvCache[sequences];
        int[] read = new int[sequences];
        for (int s = 0; s < sequences; s++) {
            read[s] = 1 + random.nextInt(CONFIG.nCtx() - steps);
            texts[s] = random.ints(read[s] + steps, 0, CONFIG.dVocab()).toArray();
            caches[s] = MODEL.newCache();
            MODEL.forward(ForwardRequest.of(Sequence.append(caches[s], Arrays.copyOf(texts[s], read[s]))));
        }
        Decoder decoder = Decoder.of(MODEL, List.of(caches));
        int n = CONFIG.dVocab();
        float[][] full = Arrays.stream(texts).map(MODEL::logits).toArray(float[][]::new);
        for (int step = 0; step < steps; step++) {
            int[] tokens = new int[sequences];
            for (int s = 0; s < sequences; s++) {
                tokens[s] = texts[s][read[s] + step];
            }
            float[] logits = decoder.step(tokens);
            for (int s = 0; s < sequences; s++) {
                int row = read[s] + step;
                assertThat(Arrays.copyOfRange(logits, s * n, (s + 1) * n))
                        .isEqualTo(Arrays.copyOfRange(full[s], row * n, (row + 1) * n));
            }
        }
    }

    @Test
    void badStepsLeaveTheCachesAsTheyWere() {
        KvCache cache = MODEL.newCache();
        Decoder decoder = Decoder.of(MODEL, List.of(cache));
        assertThatThrownBy(() -> decoder.step(1, 2))
                .isInstanceOf(BadInputException.class)
                .hasMessage("a step needs one token for each of 1 sequences, found 2");
        assertThatThrownBy(() -> decoder.step(CONFIG.dVocab()))
                .isInstanceOf(BadInputException.class)
                .hasMessageStartingWith("tokens must be from 0 to");
        assertThat(cache.length()).isZero();
        for (int i = 0; i < CONFIG.nCtx(); i++) {
            decoder.step(1);
        }
        assertThatThrownBy(() -> decoder.step(1))
                .isInstanceOf(BadInputException.class)
                .hasMessage("the model has " + CONFIG.nCtx() + " positions, and sequence 0 has filled them");
        assertThat(cache.length()).isEqualTo(CONFIG.nCtx());
    }

    @Test
    void aPassWritesWhereItIsTold() {
        int[] tokens = RandomModels.tokens(CONFIG, 5, 1);
        float[] expected = MODEL.logits(tokens);
        float[] room = new float[expected.length + 7];
        room[expected.length] = 3;
        ForwardResult result = MODEL.forward(ForwardRequest.of(tokens), room);
        assertThat(result.logits()).isSameAs(room).startsWith(expected);
        assertThat(room[expected.length]).isEqualTo(3);

        ForwardRequest stopping = ForwardRequest.of(tokens).to(Boundary.residMid(1));
        float[] rows = new float[5 * CONFIG.dModel()];
        assertThat(MODEL.forward(stopping, rows).residual()).isSameAs(rows);
        assertThat(rows).isEqualTo(MODEL.forward(stopping).residual());

        assertThatThrownBy(() -> MODEL.forward(stopping, new float[rows.length - 1]))
                .isInstanceOf(BadShapeException.class)
                .hasMessage("room for the result: expected at least 300 values, found 299 values");
    }

    @Test
    void cachesMustBeTheModelsAndDistinct() {
        KvCache cache = MODEL.newCache();
        assertThatThrownBy(() -> Decoder.of(MODEL, List.of()))
                .isInstanceOf(BadInputException.class)
                .hasMessage("a decoder needs at least one cache, found none");
        assertThatThrownBy(() -> Decoder.of(MODEL, List.of(cache, cache)))
                .isInstanceOf(BadInputException.class)
                .hasMessage("two sequences of a decoder cannot append to the same cache");
        Gpt2Config other = RandomModels.config(7);
        try (Gpt2 stranger = Gpt2.of(RandomModels.weights(other, 7), 1)) {
            assertThatThrownBy(() -> Decoder.of(MODEL, List.of(cache, stranger.newCache())))
                    .isInstanceOf(BadInputException.class)
                    .hasMessage("sequence 1 brings a cache of a model with another configuration");
        }
    }
}
