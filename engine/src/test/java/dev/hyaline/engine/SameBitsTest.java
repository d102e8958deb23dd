package dev.hyaline.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.fixtures.RandomModels;
import dev.hyaline.engine.fixtures.Recording;
import dev.hyaline.engine.site.HookPoint;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The promise that a value's bits depend on the weights and the tokens before it, and on nothing else. */
class SameBitsTest {
    private static final Gpt2Config CONFIG = RandomModels.ODD;
    private static final Gpt2Weights WEIGHTS = RandomModels.weights(CONFIG, 1);

    @Property(tries = 40)
    void aSequenceIsTheSameAloneAndInAnyBatch(
            @ForAll @IntRange(min = 1, max = 5) int sequences,
            @ForAll @IntRange(min = 1, max = 7) int threads,
            @ForAll long seed) {
        Gpt2Config config = RandomModels.config(seed);
        Random random = new Random(seed);
        List<int[]> prompts = new ArrayList<>();
        for (int s = 0; s < sequences; s++) {
            prompts.add(RandomModels.tokens(config, 1 + random.nextInt(config.nCtx()), random.nextLong()));
        }
        try (Gpt2 one = Gpt2.of(RandomModels.weights(config, seed), 1);
                Gpt2 many = Gpt2.of(RandomModels.weights(config, seed), threads)) {
            Recording together = Recording.everything();
            many.forward(ForwardRequest.of(prompts.stream().map(Sequence::of).toList())
                    .probe(together));
            for (int s = 0; s < sequences; s++) {
                Recording alone = Recording.everything();
                one.forward(ForwardRequest.of(prompts.get(s)).probe(alone));
                for (HookPoint point : HookPoint.all(config)) {
                    assertThat(together.of(point, s)).as(point.name()).isEqualTo(alone.of(point, 0));
                }
            }
        }
    }

    @Property(tries = 30)
    void decodingInStepsEqualsOnePass(@ForAll long seed) {
        Gpt2Config config = RandomModels.config(seed);
        Random random = new Random(seed);
        int[] tokens = RandomModels.tokens(config, 1 + random.nextInt(config.nCtx()), seed);
        try (Gpt2 model = Gpt2.of(RandomModels.weights(config, seed), 2)) {
            float[] whole = model.logits(tokens);
            KvCache cache = model.newCache();
            while (cache.length() < tokens.length) {
                int from = cache.length();
                int to = Math.min(tokens.length, from + 1 + random.nextInt(5));
                float[] step = model.forward(
                                ForwardRequest.of(Sequence.append(cache, Arrays.copyOfRange(tokens, from, to))))
                        .logits();
                assertThat(step).isEqualTo(Arrays.copyOfRange(whole, from * config.dVocab(), to * config.dVocab()));
                assertThat(cache.length()).isEqualTo(to);
            }
        }
    }

    @Property(tries = 30)
    void aSuffixAfterASharedPastEqualsTheWhole(@ForAll long seed) {
        Gpt2Config config = RandomModels.config(seed);
        Random random = new Random(seed);
        int[] base = RandomModels.tokens(config, 2 + random.nextInt(config.nCtx() - 1), seed);
        try (Gpt2 model = Gpt2.of(RandomModels.weights(config, seed), 2)) {
            KvCache past = model.newCache();
            model.forward(ForwardRequest.of(Sequence.append(past, base)));
            List<Sequence> suffixes = new ArrayList<>();
            List<int[]> wholes = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                int start = random.nextInt(base.length);
                int[] suffix = RandomModels.tokens(config, base.length - start, random.nextLong());
                KvCache fork = past.fork(start);
                suffixes.add(i % 2 == 0 ? Sequence.after(past, start, suffix) : Sequence.append(fork, suffix));
                int[] whole = Arrays.copyOf(base, base.length);
                System.arraycopy(suffix, 0, whole, start, suffix.length);
                wholes.add(whole);
            }
            Recording watched = Recording.everything();
            model.forward(ForwardRequest.of(suffixes).probe(watched));
            HookPoint logits = HookPoint.all(config).getLast();
            for (int i = 0; i < suffixes.size(); i++) {
                float[] whole = model.logits(wholes.get(i));
                assertThat(watched.of(logits, i))
                        .isEqualTo(Arrays.copyOfRange(whole, suffixes.get(i).start() * config.dVocab(), whole.length));
            }
            assertThat(past.length()).isEqualTo(base.length);
        }
    }

    @Property(tries = 30)
    void whatIsWatchedChangesNothing(@ForAll long seed) {
        Gpt2Config config = RandomModels.config(seed);
        Random random = new Random(seed);
        int[] tokens = RandomModels.tokens(config, 1 + random.nextInt(config.nCtx()), seed);
        try (Gpt2 model = Gpt2.of(RandomModels.weights(config, seed), 2)) {
            float[] unwatched = model.logits(tokens);
            Recording all = Recording.everything();
            assertThat(model.forward(ForwardRequest.of(tokens).probe(all)).logits())
                    .isEqualTo(unwatched);
            assertThat(all.order()).isEqualTo(HookPoint.all(config));
            Recording some = new Recording(point -> random.nextInt(4) == 0);
            model.forward(ForwardRequest.of(tokens).probe(some));
            for (Map.Entry<HookPoint, List<float[]>> seen : some.values().entrySet()) {
                assertThat(seen.getValue().getFirst()).isEqualTo(all.of(seen.getKey(), 0));
            }
        }
    }

    @Property(tries = 20)
    void bfloat16KeptEqualsBfloat16Widened(@ForAll long seed) {
        Gpt2Config config = RandomModels.config(seed);
        Gpt2Weights keptWeights = Gpt2Weights.load(config, RandomModels.bfloat16Source(seed, true));
        Gpt2Weights widenedWeights = Gpt2Weights.load(config, RandomModels.bfloat16Source(seed, false));
        for (TensorSpec tensor : Gpt2Weights.tensors(config)) {
            assertThat(keptWeights.tensor(tensor.name())).isEqualTo(widenedWeights.tensor(tensor.name()));
        }
        int[] tokens = RandomModels.tokens(config, 1 + (int) Math.floorMod(seed, 40L), seed);
        try (Gpt2 kept = Gpt2.of(keptWeights, 2);
                Gpt2 widened = Gpt2.of(widenedWeights, 1)) {
            Recording of = Recording.everything();
            Recording expected = Recording.everything();
            kept.forward(ForwardRequest.of(tokens).probe(of));
            widened.forward(ForwardRequest.of(tokens).probe(expected));
            for (HookPoint point : HookPoint.all(config)) {
                assertThat(of.of(point, 0)).as(point.name()).isEqualTo(expected.of(point, 0));
            }
            float[] step = kept.forward(ForwardRequest.of(tokens[0])).logits();
            assertThat(step).isEqualTo(widened.logits(tokens[0]));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7})
    void threadsChangeNothing(int threads) {
        int[] tokens = RandomModels.tokens(CONFIG, 70, 5);
        try (Gpt2 model = Gpt2.of(WEIGHTS, threads);
                Gpt2 one = Gpt2.of(WEIGHTS, 1)) {
            assertThat(model.logits(tokens)).isEqualTo(one.logits(tokens));
        }
    }

    @Tag("vector")
    @Test
    void scalarAndVectorKernelsAgreeAtEverySite() {
        int[] tokens = RandomModels.tokens(CONFIG, 70, 6);
        Recording vector = Recording.everything();
        Recording scalar = Recording.everything();
        try (Gpt2 model = Gpt2.of(WEIGHTS)) {
            assertThat(model.kernels().name()).startsWith("vector");
            model.forward(ForwardRequest.of(tokens).probe(vector));
        }
        System.setProperty("hyaline.kernels", "scalar");
        try (Gpt2 model = Gpt2.of(WEIGHTS)) {
            assertThat(model.kernels().name()).isEqualTo("scalar");
            model.forward(ForwardRequest.of(tokens).probe(scalar));
        } finally {
            System.clearProperty("hyaline.kernels");
        }
        for (HookPoint point : HookPoint.all(CONFIG)) {
            assertThat(vector.of(point, 0)).as(point.name()).isEqualTo(scalar.of(point, 0));
        }
    }

    /** Runs with the vector kernels, and in a second process without the Vector API. */
    @Test
    void theBitsAreTheseOnEveryMachine() {
        boolean hasVectors =
                ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
        try (Gpt2 model = Gpt2.of(WEIGHTS)) {
            assertThat(model.kernels().name()).startsWith(hasVectors ? "vector" : "scalar");
            assertThat(Arrays.hashCode(model.logits(RandomModels.tokens(CONFIG, 70, 6))))
                    .isEqualTo(568561118);
        }
    }

    @Test
    void passesMayRunAtOnce() throws Exception {
        try (Gpt2 model = Gpt2.of(WEIGHTS, 2);
                ExecutorService callers = Executors.newFixedThreadPool(4)) {
            List<Callable<Boolean>> calls = new ArrayList<>();
            for (int i = 0; i < 60; i++) {
                int[] tokens = RandomModels.tokens(CONFIG, 1 + i, i);
                float[] expected = model.logits(tokens);
                calls.add(() -> Arrays.equals(expected, model.logits(tokens)));
            }
            Collections.shuffle(calls, new Random(1));
            for (var call : callers.invokeAll(calls)) {
                assertThat(call.get()).isTrue();
            }
        }
    }
}
