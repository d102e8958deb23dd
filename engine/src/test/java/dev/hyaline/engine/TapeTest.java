package dev.hyaline.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.engine.fixtures.CallingProbe;
import dev.hyaline.engine.fixtures.RandomModels;
import dev.hyaline.engine.fixtures.Recording;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.DoubleStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** Backward passes: their promises about bits, their identities, and finite differences. */
class TapeTest {
    @Property(tries = 30)
    void aSequenceHasTheSameGradientsAloneAndInAnyBatch(
            @ForAll @IntRange(min = 1, max = 4) int sequences,
            @ForAll @IntRange(min = 1, max = 5) int threads,
            @ForAll long seed) {
        Gpt2Config config = RandomModels.config(seed);
        Random random = new Random(seed);
        List<int[]> prompts = new ArrayList<>();
        for (int s = 0; s < sequences; s++) {
            prompts.add(RandomModels.tokens(config, 1 + random.nextInt(config.nCtx()), random.nextLong()));
        }
        try (Gpt2 one = Gpt2.of(RandomModels.weights(config, seed), 1);
                Gpt2 many = Gpt2.of(RandomModels.weights(config, seed), threads)) {
            Tape batch = many.record(
                    ForwardRequest.of(prompts.stream().map(Sequence::of).toList()), random.nextInt(100_000));
            Recording together = Recording.everything();
            batch.backward(gradient(prompts, config), together);
            for (int s = 0; s < sequences; s++) {
                Recording alone = Recording.everything();
                one.record(ForwardRequest.of(prompts.get(s)), 0)
                        .backward(gradient(List.of(prompts.get(s)), config), alone);
                for (HookPoint point : HookPoint.all(config)) {
                    assertThat(together.of(point, s)).as(point.name()).isEqualTo(alone.of(point, 0));
                }
            }
        }
    }

    @Property(tries = 30)
    void lookingAtAPointChangesNoOther(@ForAll long seed) {
        Gpt2Config config = RandomModels.config(seed);
        int[] tokens = RandomModels.tokens(config, 1 + new Random(seed).nextInt(config.nCtx()), seed);
        try (Gpt2 model = Gpt2.of(RandomModels.weights(config, seed), 2)) {
            Tape tape = model.record(ForwardRequest.of(tokens));
            assertThat(tape.result().logits()).isEqualTo(model.logits(tokens));
            float[] gradient = gradient(List.of(tokens), config);
            Recording all = Recording.everything();
            tape.backward(gradient, all);
            for (HookPoint point : HookPoint.all(config)) {
                Recording one = new Recording(point::equals);
                tape.backward(gradient, one);
                assertThat(one.of(point, 0)).as(point.name()).isEqualTo(all.of(point, 0));
            }
            List<HookPoint> reversed = new ArrayList<>(all.order());
            Collections.reverse(reversed);
            assertThat(reversed).isEqualTo(HookPoint.all(config));
        }
    }

    @Property(tries = 40)
    void aReaderOfSomePositionsIsShownTheSame(@ForAll long seed) {
        Gpt2Config config = RandomModels.config(seed);
        Random random = new Random(seed);
        List<int[]> prompts = List.of(
                RandomModels.tokens(config, 1 + random.nextInt(config.nCtx()), seed),
                RandomModels.tokens(config, 1 + random.nextInt(config.nCtx()), seed + 1));
        int[] from = prompts.stream()
                .mapToInt(tokens -> random.nextInt(tokens.length + 1))
                .toArray();
        int step = 1 + random.nextInt(3);
        boolean alone = random.nextBoolean();
        List<Site> whole = List.of(Site.ATTN_IN, Site.ATTN_SCORES, Site.PATTERN, Site.RESULT, Site.UNEMBED_OUT);
        List<HookPoint> points = HookPoint.all(config).stream()
                .filter(point -> !whole.contains(point.site()))
                .toList();
        HookPoint one = points.get(random.nextInt(points.size()));
        try (Gpt2 model = Gpt2.of(RandomModels.weights(config, seed), 2)) {
            Tape tape = model.record(
                    ForwardRequest.of(prompts.stream().map(Sequence::of).toList()));
            Recording all = Recording.everything();
            tape.backward(gradient(prompts, config), all);
            Recording some = Recording.everything();
            tape.backward(gradient(prompts, config), new Probe() {
                @Override
                public boolean wants(HookPoint point) {
                    return alone ? point.equals(one) : points.contains(point);
                }

                @Override
                public boolean reads(HookPoint point, int sequence, int position) {
                    return position >= from[sequence] && position % step == 0;
                }

                @Override
                public boolean changes(HookPoint point) {
                    return false;
                }

                @Override
                public void at(HookPoint point, Activation gradient) {
                    some.at(point, gradient);
                }
            });
            for (HookPoint point : alone ? List.of(one) : points) {
                for (int s = 0; s < prompts.size(); s++) {
                    float[] found = some.of(point, s);
                    float[] expected = all.of(point, s);
                    assertThat(found).hasSameSizeAs(expected);
                    int width = found.length / prompts.get(s).length;
                    for (int position = 0; position < prompts.get(s).length; position++) {
                        if (position >= from[s] && position % step == 0) {
                            assertThat(Arrays.copyOfRange(found, position * width, (position + 1) * width))
                                    .as(point + " at " + position)
                                    .isEqualTo(Arrays.copyOfRange(expected, position * width, (position + 1) * width));
                        }
                    }
                }
            }
        }
    }

    @Property(tries = 25)
    void gradientsAddUp(@ForAll long seed) {
        Gpt2Config config = RandomModels.config(seed);
        int[] tokens = RandomModels.tokens(config, 1 + new Random(seed).nextInt(config.nCtx()), seed);
        int d = config.dModel();
        try (Gpt2 model = Gpt2.of(RandomModels.weights(config, seed), 2)) {
            Recording values = Recording.everything();
            Tape tape = model.record(ForwardRequest.of(tokens).probe(values));
            Recording gradients = Recording.everything();
            tape.backward(gradient(List.of(tokens), config), gradients);
            for (int layer = 0; layer < config.nLayers(); layer++) {
                float[] pre = at(gradients, Site.RESID_PRE, layer);
                float[] mid = at(gradients, Site.RESID_MID, layer);
                float[] post = at(gradients, Site.RESID_POST, layer);
                double[] attention = summed(mid);
                for (Site site : List.of(Site.Q_INPUT, Site.K_INPUT, Site.V_INPUT)) {
                    addHeads(attention, at(gradients, site, layer), config.nHeads(), d);
                }
                assertClose(pre, attention);
                double[] heads = summed(mid);
                addHeads(heads, at(gradients, Site.ATTN_IN, layer), config.nHeads(), d);
                assertClose(pre, heads);
                double[] mlp = summed(post);
                addHeads(mlp, at(gradients, Site.MLP_IN, layer), 1, d);
                assertClose(mid, mlp);
                assertThat(at(gradients, Site.ATTN_OUT, layer)).isEqualTo(mid);
                assertThat(at(gradients, Site.MLP_OUT, layer)).isEqualTo(post);
                assertMaskedScoresHaveNone(at(gradients, Site.ATTN_SCORES, layer), tokens.length);
                double throughZ = dot(at(gradients, Site.Z, layer), at(values, Site.Z, layer));
                double throughOut = 0;
                float[] out = at(values, Site.ATTN_OUT, layer);
                float[] bias = model.weights().tensor("h." + layer + ".attn.c_proj.bias");
                for (int i = 0; i < out.length; i++) {
                    throughOut += (double) mid[i] * (out[i] - (double) bias[i % d]);
                }
                assertThat(throughZ).isCloseTo(throughOut, within(1e-3 * (1 + magnitude(mid, out))));
            }
            float[] first = at(gradients, Site.RESID_PRE, 0);
            assertThat(gradients.of(HookPoint.of(Site.EMBED), 0)).isEqualTo(first);
            assertThat(gradients.of(HookPoint.of(Site.POS_EMBED), 0)).isEqualTo(first);
        }
    }

    @Property(tries = 20)
    void gradientsAreSlopes(@ForAll long seed) {
        Gpt2Config config = RandomModels.config(seed);
        Random random = new Random(seed);
        int[] tokens = RandomModels.tokens(config, 1 + random.nextInt(config.nCtx()), seed);
        float[] gradient = gradient(List.of(tokens), config);
        List<HookPoint> points = HookPoint.all(config).stream()
                // A step across a kink has no slope.
                .filter(point -> point.site() != Site.ATTN_SCORES)
                .toList();
        try (Gpt2 model = Gpt2.of(RandomModels.weights(config, seed), 2)) {
            Recording gradients = Recording.everything();
            model.record(ForwardRequest.of(tokens)).backward(gradient, gradients);
            HookPoint point = points.get(random.nextInt(points.size()));
            float[] slopes = gradients.of(point, 0);
            float[] direction = new float[slopes.length];
            for (int i = 0; i < direction.length; i++) {
                direction[i] = (float) random.nextGaussian();
            }
            double expected = dot(slopes, direction);
            double tolerance = 0.02 * Math.sqrt(dot(slopes, slopes)) + 0.02 * Math.abs(expected) + 0.3;
            // Where attention is sharp a long step misses the slope, and beside a kink of RELU one side does.
            List<Double> differences = DoubleStream.of(1e-3, 3e-4, 1e-4, 3e-5)
                    .flatMap(step -> differences(model, tokens, gradient, point, direction, step))
                    .boxed()
                    .toList();
            assertThat(differences)
                    .as(point + " of " + config)
                    .anySatisfy(difference -> assertThat(difference).isCloseTo(expected, within(tolerance)));
        }
    }

    /** From the right, from the left and from both sides. */
    private static DoubleStream differences(
            Gpt2 model, int[] tokens, float[] gradient, HookPoint point, float[] direction, double step) {
        double here = scalar(model, tokens, gradient, point, direction, 0);
        double right = (scalar(model, tokens, gradient, point, direction, step) - here) / step;
        double left = (here - scalar(model, tokens, gradient, point, direction, -step)) / step;
        return DoubleStream.of((left + right) / 2, right, left);
    }

    @Test
    void positionsThatTheScalarDoesNotReadHaveNone() {
        Gpt2Config config = RandomModels.ODD;
        int[] tokens = RandomModels.tokens(config, 40, 1);
        try (Gpt2 model = Gpt2.of(RandomModels.weights(config, 1), 2)) {
            Tape tape = model.record(
                    ForwardRequest.of(tokens).logits(LogitSelection.rows(20).columns(3, 5)));
            Recording gradients = new Recording(point -> !point.site().isMap());
            tape.backward(new float[] {1, -1}, gradients);
            gradients.values().forEach((point, values) -> {
                int width = point.site() == Site.UNEMBED_OUT
                        ? 2
                        : point.site().shape().width(config);
                for (int i = 0; i < values.getFirst().length && point.site() != Site.UNEMBED_OUT; i++) {
                    int position = i / width;
                    boolean read = point.site().stage().perLayer() ? position <= 20 : position == 20;
                    boolean embedding = point.site() == Site.EMBED || point.site() == Site.POS_EMBED;
                    if (!read && !(embedding && position <= 20)) {
                        assertThat(values.getFirst()[i])
                                .as(point + " at " + position)
                                .isZero();
                    }
                }
                assertThat(values.getFirst()).as(point.name()).doesNotContain(Float.NaN);
            });
            assertThat(at(gradients, Site.RESID_PRE, 0)[0]).isNotZero();
        }
    }

    @Test
    void theLogitsThatWereFormedChangeNoBit() {
        Gpt2Config config = new Gpt2Config(1, 2, 24, 30, 16, 700, 1e-5f, ActivationFunction.RELU, true, false, true);
        int[] tokens = RandomModels.tokens(config, 9, 1);
        int[] read = {690, 3, 128, 127, 512, 4, 300};
        try (Gpt2 model = Gpt2.of(RandomModels.weights(config, 1), 2)) {
            float[] few = {1, -2, 3, 0.3f, 0.7f, -1.1f, 0.01f};
            float[] all = new float[9 * config.dVocab()];
            float[] dense = new float[9 * config.dVocab()];
            for (int i = 0; i < read.length; i++) {
                all[8 * config.dVocab() + read[i]] = few[i];
                dense[8 * config.dVocab() + read[i]] = few[i];
            }
            // Enough of another row that the whole matrix is multiplied.
            Arrays.fill(dense, 0, 6 * config.dVocab(), 0.5f);
            Recording ofFew = new Recording(HookPoint.of(Site.UNEMBED_IN)::equals);
            model.record(ForwardRequest.of(tokens).logits(LogitSelection.last().columns(read)))
                    .backward(few, ofFew);
            Tape tape = model.record(ForwardRequest.of(tokens));
            for (float[] gradient : List.of(all, dense)) {
                Recording ofAll = new Recording(HookPoint.of(Site.UNEMBED_IN)::equals);
                tape.backward(gradient, ofAll);
                int d = config.dModel();
                assertThat(Arrays.copyOfRange(ofAll.of(HookPoint.of(Site.UNEMBED_IN), 0), 8 * d, 9 * d))
                        .isEqualTo(Arrays.copyOfRange(ofFew.of(HookPoint.of(Site.UNEMBED_IN), 0), 8 * d, 9 * d));
            }
        }
    }

    @Test
    void zerosWrittenAtAPointStopTheGradient() {
        Gpt2Config config = RandomModels.ODD;
        int[] tokens = RandomModels.tokens(config, 12, 1);
        try (Gpt2 model = Gpt2.of(RandomModels.weights(config, 1), 2)) {
            Tape tape = model.record(ForwardRequest.of(tokens));
            float[] gradient = gradient(List.of(tokens), config);
            Recording stopped = new Recording(point -> point.layer() <= 1);
            List<HookPoint> stops = List.of(HookPoint.of(Site.ATTN_OUT, 1), HookPoint.of(Site.MLP_OUT, 1));
            tape.backward(gradient, new CallingProbe(point -> true, (point, activation) -> {
                if (stops.contains(point)) {
                    Arrays.fill(activation.values(), 0, activation.offset(1), 0);
                }
                if (stopped.wants(point)) {
                    stopped.at(point, activation);
                }
            }));
            // Nothing but the skip connection is left.
            assertThat(at(stopped, Site.RESID_PRE, 1)).isEqualTo(at(stopped, Site.RESID_POST, 1));
            assertThat(at(stopped, Site.RESID_PRE, 1)[0]).isNotZero();
        }
    }

    @Test
    void aPassBetweenBoundariesGoesBackBetweenThem() {
        Gpt2Config config = RandomModels.ODD;
        int[] tokens = RandomModels.tokens(config, 12, 1);
        try (Gpt2 model = Gpt2.of(RandomModels.weights(config, 1), 2)) {
            Recording whole = Recording.everything();
            Recording residual = Recording.everything();
            Tape all = model.record(ForwardRequest.of(tokens).probe(residual));
            all.backward(gradient(List.of(tokens), config), whole);
            Recording part = Recording.everything();
            model.record(ForwardRequest.of(tokens)
                            .from(Boundary.residMid(0), at(residual, Site.RESID_MID, 0))
                            .to(Boundary.residMid(2)))
                    .backward(at(whole, Site.RESID_MID, 2), part);
            assertThat(part.values().keySet()).contains(HookPoint.of(Site.RESID_MID, 0), HookPoint.of(Site.Z, 2));
            part.values()
                    .forEach((point, values) ->
                            assertThat(values.getFirst()).as(point.name()).isEqualTo(whole.of(point, 0)));
            assertThat(part.values()).doesNotContainKeys(HookPoint.of(Site.RESID_PRE, 0), HookPoint.of(Site.EMBED));
        }
    }

    @Test
    void whatHasNoGradientIsRefused() {
        Gpt2Config config = RandomModels.SMALL;
        try (Gpt2 model = Gpt2.of(RandomModels.weights(config, 1), 1)) {
            Tape tape = model.record(ForwardRequest.of(1, 2, 3).logits(LogitSelection.last()));
            assertThatThrownBy(() -> tape.backward(new float[3], Probe.NONE))
                    .isInstanceOf(BadShapeException.class)
                    .hasMessageContaining("61 values")
                    .hasMessageContaining("3 values");
            KvCache cache = model.newCache();
            assertThatThrownBy(() -> model.record(ForwardRequest.of(Sequence.append(cache, 1, 2))))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("cache");
            assertThatThrownBy(() -> model.record(ForwardRequest.of(1, 2)
                            .from(
                                    HookPoint.of(Site.Z, 0),
                                    new float[2 * config.dModel()],
                                    new float[2 * config.dModel()])))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("attn.hook_z");
            Tape edited = model.record(ForwardRequest.of(1, 2, 3)
                    .probe(new CallingProbe(
                            HookPoint.of(Site.MLP_OUT, 1)::equals, (point, values) -> values.values()[0] += 1)));
            assertThatThrownBy(() -> edited.backward(new float[3 * config.dVocab()], Probe.NONE))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("blocks.1.hook_mlp_out");
        }
    }

    /** Logits weighed by the gradient, with a step taken at a point of the pass. */
    private static double scalar(
            Gpt2 model, int[] tokens, float[] gradient, HookPoint point, float[] direction, double step) {
        float[] logits = model.forward(ForwardRequest.of(tokens)
                        .probe(new CallingProbe(point::equals, (at, activation) -> {
                            for (int i = 0; i < direction.length; i++) {
                                activation.values()[i] += (float) (step * direction[i]);
                            }
                        })))
                .logits();
        return dot(logits, gradient);
    }

    /** A random gradient of the logits, the same for a prompt whatever its batch. */
    private static float[] gradient(List<int[]> prompts, Gpt2Config config) {
        float[] all =
                new float[prompts.stream().mapToInt(tokens -> tokens.length).sum() * config.dVocab()];
        int at = 0;
        for (int[] tokens : prompts) {
            Random random = new Random(Arrays.hashCode(tokens));
            for (int i = 0; i < tokens.length * config.dVocab(); i++) {
                all[at++] = (float) random.nextGaussian();
            }
        }
        return all;
    }

    private static float[] at(Recording recording, Site site, int layer) {
        return recording.of(HookPoint.of(site, layer), 0);
    }

    private static double[] summed(float[] values) {
        double[] sum = new double[values.length];
        addHeads(sum, values, 1, 1);
        return sum;
    }

    private static void addHeads(double[] sum, float[] values, int heads, int d) {
        for (int i = 0; i < values.length; i++) {
            sum[i / (heads * d) * d + i % d] += values[i];
        }
    }

    private static void assertClose(float[] found, double[] expected) {
        double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
        for (int i = 0; i < found.length; i++) {
            assertThat((double) found[i]).isCloseTo(expected[i], within(2e-5 * (largest + 1)));
        }
    }

    private static void assertMaskedScoresHaveNone(float[] scores, int n) {
        for (int i = 0; i < scores.length; i++) {
            if (i % n > i / n % n) {
                assertThat(scores[i]).isZero();
            }
        }
    }

    private static double dot(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += (double) a[i] * b[i];
        }
        return sum;
    }

    private static double magnitude(float[] a, float[] b) {
        return Math.sqrt(dot(a, a) * dot(b, b));
    }
}
