package dev.hyaline.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The promise that a value's bits depend on the weights and the tokens before it, and on nothing else. */
class Gpt2Test {
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
    void stoppingAtABoundaryAndGoingOnEqualsOnePass(@ForAll long seed) {
        Gpt2Config config = RandomModels.config(seed);
        Random random = new Random(seed);
        int[] tokens = RandomModels.tokens(config, 1 + random.nextInt(config.nCtx()), seed);
        try (Gpt2 model = Gpt2.of(RandomModels.weights(config, seed), 2)) {
            float[] whole = model.logits(tokens);
            Boundary cut = random.nextBoolean()
                    ? Boundary.residPre(random.nextInt(config.nLayers() + 1))
                    : Boundary.residMid(random.nextInt(config.nLayers()));
            Recording first = Recording.everything();
            Recording second = Recording.everything();
            float[] residual = model.forward(ForwardRequest.of(tokens).to(cut).probe(first))
                    .residual();
            float[] logits = model.forward(
                            ForwardRequest.of(tokens).from(cut, residual).probe(second))
                    .logits();
            assertThat(logits).isEqualTo(whole);
            List<HookPoint> points = new ArrayList<>(first.order());
            points.addAll(second.order());
            assertThat(points).isEqualTo(HookPoint.all(config));
        }
    }

    @Property(tries = 30)
    void anAmendedCacheIsThatOfTheChangedPass(@ForAll long seed) {
        Gpt2Config config = RandomModels.config(seed);
        Random random = new Random(seed);
        int[] tokens = RandomModels.tokens(config, 2 + random.nextInt(config.nCtx() - 2), seed);
        int layer = random.nextInt(config.nLayers());
        int start = random.nextInt(tokens.length - 1);
        int[] suffix = Arrays.copyOfRange(tokens, start, tokens.length - 1);
        try (Gpt2 model = Gpt2.of(RandomModels.weights(config, seed), 2)) {
            Probe edit = new Probe() {
                @Override
                public boolean wants(HookPoint point) {
                    return point.equals(HookPoint.of(Site.RESID_PRE, layer));
                }

                @Override
                public void at(HookPoint point, Activation residual) {
                    for (int row = 0; row < residual.rows(); row++) {
                        if (residual.position(row) >= start) {
                            residual.values()[row * residual.width()] += 1;
                        }
                    }
                }
            };
            KvCache past = model.newCache();
            Recording base = Recording.everything();
            model.forward(ForwardRequest.of(Sequence.append(past, Arrays.copyOf(tokens, tokens.length - 1)))
                    .probe(base));
            float[] before = base.of(HookPoint.of(Site.RESID_PRE, layer), 0);
            KvCache amended = past.amendable(start, past.length());
            ForwardRequest request = ForwardRequest.of(Sequence.amend(amended, start, suffix))
                    .from(Boundary.residPre(layer), Arrays.copyOfRange(before, start * config.dModel(), before.length))
                    .logits(LogitSelection.none())
                    .probe(edit);
            model.forward(request);
            int[] last = {tokens[tokens.length - 1]};
            assertThat(model.forward(ForwardRequest.of(Sequence.append(amended, last))
                                    .probe(edit))
                            .logits())
                    .isEqualTo(model.forward(ForwardRequest.of(tokens)
                                    .logits(LogitSelection.last())
                                    .probe(edit))
                            .logits());
            float[] plain = model.logits(tokens);
            assertThat(model.forward(ForwardRequest.of(Sequence.append(past, last)))
                            .logits())
                    .as("the cache it was made from stays as it is")
                    .isEqualTo(Arrays.copyOfRange(plain, plain.length - config.dVocab(), plain.length));
            assertThatThrownBy(() -> model.forward(request))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("but its cache now holds");
            assertThatThrownBy(() -> Sequence.amend(past, start, suffix))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("can be amended from " + past.length() + " on");
        }
    }

    @Property(tries = 30)
    void goingOnInsideABranchEqualsOnePass(@ForAll long seed) {
        Gpt2Config config = RandomModels.config(seed);
        Random random = new Random(seed);
        int[] tokens = RandomModels.tokens(config, 1 + random.nextInt(config.nCtx()), seed);
        int layer = random.nextInt(config.nLayers());
        try (Gpt2 model = Gpt2.of(RandomModels.weights(config, seed), 2)) {
            Recording all = Recording.everything();
            float[] whole = model.forward(ForwardRequest.of(tokens).probe(all)).logits();
            for (Site site : List.of(Site.Z, Site.ATTN_OUT, Site.MLP_POST, Site.MLP_OUT)) {
                boolean mlp = site.compareTo(Site.RESID_MID) > 0;
                Boundary cut = mlp ? Boundary.residMid(layer) : Boundary.residPre(layer);
                float[] residual = all.of(HookPoint.of(mlp ? Site.RESID_MID : Site.RESID_PRE, layer), 0);
                HookPoint start = HookPoint.of(site, layer);
                Recording rest = new Recording(point -> random.nextBoolean());
                float[] logits = model.forward(ForwardRequest.of(tokens)
                                .from(cut, residual, site, all.of(start, 0))
                                .probe(rest))
                        .logits();
                assertThat(logits).as(site.localName()).isEqualTo(whole);
                rest.values().forEach((point, values) -> {
                    assertThat(point).isGreaterThanOrEqualTo(start);
                    assertThat(values.getFirst()).as(point.name()).isEqualTo(all.of(point, 0));
                });
            }
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

    /** Runs in a process without the Vector API. The sum was computed with it. */
    @Tag("fallback")
    @Test
    void theFallbackGivesTheSameBits() {
        try (Gpt2 model = Gpt2.of(WEIGHTS)) {
            assertThat(model.kernels().name()).isEqualTo("scalar");
            assertThat(Arrays.hashCode(model.logits(RandomModels.tokens(CONFIG, 70, 6))))
                    .isEqualTo(HASH);
        }
    }

    @Test
    void theBitsAreTheseOnEveryMachine() {
        try (Gpt2 model = Gpt2.of(WEIGHTS)) {
            assertThat(Arrays.hashCode(model.logits(RandomModels.tokens(CONFIG, 70, 6))))
                    .isEqualTo(HASH);
        }
    }

    private static final int HASH = 568561118;

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
                    .probe(new Probe() {
                        @Override
                        public boolean wants(HookPoint point) {
                            return point.name().matches("hook_embed|blocks.0.attn.hook_pattern|unembed.hook_out");
                        }

                        @Override
                        public void at(HookPoint point, dev.hyaline.engine.site.Activation a) {
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
                        }
                    }));
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

    @Test
    void tensorsComeBackAsTheyWereRead() {
        for (long seed = 0; seed < 20; seed++) {
            Gpt2Config config = RandomModels.config(seed);
            Gpt2Weights weights = RandomModels.weights(config, seed);
            for (TensorSpec tensor : Gpt2Weights.tensors(config)) {
                float[] expected = new float[(int) tensor.elements()];
                RandomModels.source(seed).read(tensor, 0, tensor.rows(), expected, 0);
                assertThat(weights.tensor(tensor.name())).as(tensor.name()).isEqualTo(expected);
            }
            long parameters = Gpt2Weights.tensors(config).stream()
                    .mapToLong(TensorSpec::elements)
                    .sum();
            assertThat(config.parameters()).isEqualTo(parameters);
        }
        assertThatThrownBy(() -> WEIGHTS.tensor("h.3.ln_1.weight")).isInstanceOf(BadInputException.class);
        assertThatThrownBy(() -> WEIGHTS.tensor("h.0.ln_3.weight")).isInstanceOf(BadInputException.class);
    }

    @Test
    void aValueThatIsNotFiniteIsNamed() {
        TensorSource random = RandomModels.source(1);
        TensorSource broken = new TensorSource() {
            @Override
            public String name() {
                return "some.file";
            }

            @Override
            public void read(TensorSpec tensor, int firstRow, int rows, float[] out, int offset) {
                random.read(tensor, firstRow, rows, out, offset);
                if (tensor.name().equals("h.1.mlp.c_fc.weight") && firstRow <= 59 && firstRow + rows > 59) {
                    out[offset + (59 - firstRow) * tensor.columns() + 199] = Float.NaN;
                }
            }
        };
        assertThatThrownBy(() -> Gpt2Weights.load(CONFIG, broken))
                .isInstanceOf(BadCheckpointException.class)
                .hasMessage("some.file: tensor h.1.mlp.c_fc.weight: expected finite values, found NaN at row 59, column"
                        + " 199");
    }

    @Test
    void theBytesOfPackedWeightsAreKnownBeforehand() {
        Gpt2Config small = Gpt2Config.gpt2Small();
        long floats = Gpt2Weights.bytes(small, RandomModels.source(1));
        long halves = Gpt2Weights.bytes(small, RandomModels.bfloat16Source(1, true));
        // Only the embedding's columns are padded, from 50,257 to 50,272.
        assertThat(floats).isEqualTo(4 * (small.parameters() + 15L * 768));
        long matrices = 12L * (4 * 768 * 768 + 2 * 768 * 3072) + 50_272L * 768;
        assertThat(halves).isEqualTo(floats - 2 * matrices);
    }
}
