package dev.hyaline.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.fixtures.RandomModels;
import dev.hyaline.engine.site.Boundary;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class GeneratorTest {
    private static final Gpt2Config CONFIG = RandomModels.ODD;
    private static final Gpt2 MODEL = Gpt2.of(RandomModels.weights(CONFIG, 1), 2);

    @Test
    void greedyTakesTheLikeliestTokenOfTheFullPass() {
        int[] prompt = RandomModels.tokens(CONFIG, 9, 1);
        int[] text = prompt;
        for (int i = 0; i < 20; i++) {
            float[] logits = MODEL.logits(text);
            int at = (text.length - 1) * CONFIG.dVocab();
            int best = 0;
            for (int token = 1; token < CONFIG.dVocab(); token++) {
                best = logits[at + token] > logits[at + best] ? token : best;
            }
            text = Arrays.copyOf(text, text.length + 1);
            text[text.length - 1] = best;
        }
        assertThat(Generator.of(MODEL).maxNewTokens(20).generate(prompt)).isEqualTo(Arrays.copyOfRange(text, 9, 29));
    }

    @Property(tries = 15)
    void aTextDoesNotDependOnWhatElseIsWritten(@ForAll long seed, @ForAll @IntRange(min = 1, max = 5) int count) {
        List<int[]> prompts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            prompts.add(RandomModels.tokens(CONFIG, 1 + (int) ((seed >>> i) & 31), seed + i));
        }
        Generator generator = Generator.of(MODEL)
                .sampling(Sampling.seeded(seed).temperature(0.8f).topK(30).topP(0.9f))
                .maxNewTokens(12);
        Map<Integer, List<Integer>> heard = new HashMap<>();
        List<int[]> together = generator.generate(
                prompts,
                (sequence, token) ->
                        heard.computeIfAbsent(sequence, s -> new ArrayList<>()).add(token));
        for (int i = 0; i < count; i++) {
            assertThat(together.get(i)).hasSize(12).isEqualTo(generator.generate(prompts.get(i)));
            assertThat(heard.get(i))
                    .containsExactlyElementsOf(
                            Arrays.stream(together.get(i)).boxed().toList());
        }
    }

    @Test
    void endsWithThePositionsOrAtTheStopToken() {
        int[] prompt = RandomModels.tokens(CONFIG, 65, 3);
        int[] toTheEnd = Generator.of(MODEL).maxNewTokens(100).generate(prompt);
        assertThat(toTheEnd).as("five positions, then a token that is not run").hasSize(6);
        int stop = toTheEnd[2];
        int[] stopped = Generator.of(MODEL).maxNewTokens(100).stopAt(stop).generate(prompt);
        assertThat(stopped.length).isLessThanOrEqualTo(3);
        assertThat(stopped[stopped.length - 1]).isEqualTo(stop);
        assertThat(Generator.of(MODEL).maxNewTokens(0).generate(prompt)).isEmpty();
        int first = toTheEnd[0];
        assertThat(Generator.of(MODEL).stopAt(List.of(stop, first)).generate(prompt))
                .containsExactly(first);
        assertThat(Generator.of(MODEL).stopAt(stop).stopAt(List.of()).generate(prompt))
                .as("the last call counts")
                .isEqualTo(toTheEnd);
    }

    @Test
    void cachedPassesShowTheSameValuesAsOneFullPass() {
        int[] prompt = RandomModels.tokens(CONFIG, 5, 4);
        List<float[]> steps = new ArrayList<>();
        Generator generator = Generator.of(MODEL).maxNewTokens(4);
        int[] drawn = generator
                .probe(new dev.hyaline.engine.site.Probe() {
                    @Override
                    public boolean wants(dev.hyaline.engine.site.HookPoint point) {
                        return point.name().equals("blocks.2.hook_resid_post");
                    }

                    @Override
                    public void at(
                            dev.hyaline.engine.site.HookPoint point, dev.hyaline.engine.site.Activation activation) {
                        steps.add(Arrays.copyOf(activation.values(), activation.size(0)));
                    }
                })
                .generate(prompt);
        int[] text = Arrays.copyOf(prompt, 8);
        System.arraycopy(drawn, 0, text, 5, 3);
        float[] whole =
                MODEL.forward(ForwardRequest.of(text).to(Boundary.residPre(3))).residual();
        int at = 0;
        for (float[] step : steps) {
            assertThat(step).isEqualTo(Arrays.copyOfRange(whole, at, at + step.length));
            at += step.length;
        }
        assertThat(at).isEqualTo(whole.length);
    }

    @Test
    void drawsInProportionToProbability() {
        float[] logits = {(float) Math.log(0.5), (float) Math.log(0.3), (float) Math.log(0.15), (float) Math.log(0.05)};
        assertShares(logits, Sampling.seeded(1), 0.5, 0.3, 0.15, 0.05);
        assertShares(logits, Sampling.seeded(1).topK(2), 0.625, 0.375, 0, 0);
        assertShares(logits, Sampling.seeded(1).topP(0.6f), 0.625, 0.375, 0, 0);
        assertShares(logits, Sampling.seeded(1).topP(0.45f), 1, 0, 0, 0);
        double hot = Math.sqrt(0.5) + Math.sqrt(0.3) + Math.sqrt(0.15) + Math.sqrt(0.05);
        assertShares(
                logits,
                Sampling.seeded(1).temperature(2),
                Math.sqrt(0.5) / hot,
                Math.sqrt(0.3) / hot,
                Math.sqrt(0.15) / hot,
                Math.sqrt(0.05) / hot);
    }

    @Test
    void equalLogitsGoByTheLowestId() {
        float[] logits = {0, 3, 3, -0f, 3};
        assertThat(new Sampler(Sampling.greedy(), new SplittableRandom(1)).draw(logits, 0, 5))
                .isEqualTo(1);
        Sampler top = new Sampler(Sampling.seeded(5).topK(1), new SplittableRandom(5));
        assertThat(top.draw(logits, 0, 5)).isEqualTo(1);
    }

    @Test
    void aPromptGivenAgainDrawsAnew() {
        int[] prompt = RandomModels.tokens(CONFIG, 5, 9);
        Generator generator = Generator.of(MODEL).sampling(Sampling.seeded(3)).maxNewTokens(12);
        List<int[]> texts = generator.generate(List.of(prompt, prompt, prompt), (sequence, token) -> {});
        assertThat(texts.get(0)).isEqualTo(generator.generate(prompt)).isNotEqualTo(texts.get(1));
        assertThat(texts.get(1)).isNotEqualTo(texts.get(2));
    }

    @Test
    void infiniteLogitsWinAndNumbersAreNeeded() {
        Sampler sampler = new Sampler(Sampling.seeded(1), new SplittableRandom(1));
        float inf = Float.POSITIVE_INFINITY;
        for (int i = 0; i < 50; i++) {
            assertThat(sampler.draw(new float[] {1, inf, -inf, 5}, 0, 4)).isEqualTo(1);
        }
        assertThatThrownBy(() -> sampler.draw(new float[] {1, Float.NaN}, 0, 2))
                .isInstanceOf(HyalineException.class)
                .hasMessage("the logit of token 1, to draw from, is not a number");
    }

    /** 20,000 draws; four deviations of a share of one half are 0.014. */
    private static void assertShares(float[] logits, Sampling sampling, double... shares) {
        Sampler sampler = new Sampler(sampling, new SplittableRandom(sampling.seed()));
        int[] counts = new int[logits.length];
        for (int i = 0; i < 20_000; i++) {
            counts[sampler.draw(logits, 0, logits.length)]++;
        }
        for (int token = 0; token < shares.length; token++) {
            assertThat(counts[token] / 20_000.0).isCloseTo(shares[token], org.assertj.core.data.Offset.offset(0.015));
        }
    }
}
