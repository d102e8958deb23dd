package dev.hyaline.engine.tornado;

import static dev.hyaline.engine.tornado.Closeness.requireClose;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.Decoder;
import dev.hyaline.engine.Device;
import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Generator;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.KvCache;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BackendUnavailableException;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import dev.hyaline.weights.Checkpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Models on the first device there is against the same on the processors, whose values are tested against PyTorch's.
 */
@Tag("device")
final class DeviceTest {
    private static final Path GOLDEN = Path.of("../../weights-loader/src/test/resources/golden");
    private static final Checkpoint FABLE = Checkpoint.builtIn("fable");
    private static final Gpt2 PROCESSORS = Gpt2.of(FABLE.weights(), 1);
    private static final Gpt2 DEVICE =
            Gpt2.of(FABLE.weights(), Device.available().getFirst());
    /** A ragged batch, over pages' ends. */
    private static final List<Sequence> BATCH = batch(FABLE.config());

    @AfterAll
    static void close() {
        DEVICE.close();
        PROCESSORS.close();
        FABLE.close();
    }

    /** Copies what it sees of the positions it reads, and perhaps changes it. */
    private record Watcher(
            Set<HookPoint> wanted,
            Set<Integer> positions,
            BiConsumer<HookPoint, Activation> edit,
            Map<HookPoint, float[]> seen)
            implements Probe {
        static Watcher of(Set<HookPoint> wanted, BiConsumer<HookPoint, Activation> edit) {
            return new Watcher(wanted, Set.of(), edit, new TreeMap<>());
        }

        static Watcher of(Set<HookPoint> wanted) {
            return of(wanted, (point, activation) -> {});
        }

        @Override
        public boolean wants(HookPoint point) {
            return wanted.contains(point);
        }

        @Override
        public boolean reads(HookPoint point, int sequence, int position) {
            return positions.isEmpty() || positions.contains(position);
        }

        @Override
        public void at(HookPoint point, Activation activation) {
            seen.put(point, Arrays.copyOf(activation.values(), activation.offset(activation.sequences())));
            edit.accept(point, activation);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"tiny-a", "tiny-odd", "tiny-wide", "tiny-variant", "tiny-relu"})
    void goldenModelsHaveTheSameValuesAtEverySite(String name) {
        try (Checkpoint checkpoint = Checkpoint.open(GOLDEN.resolve(name));
                Gpt2 processors = Gpt2.of(checkpoint.weights(), 1);
                Gpt2 device = Gpt2.of(checkpoint.weights(), Device.available().getFirst())) {
            requireSame(device, processors, Set.copyOf(HookPoint.all(checkpoint.config())));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"tiny-a", "tiny-odd", "tiny-wide", "tiny-variant", "tiny-relu", "fable"})
    void valuesAreThoseOfPyTorch(String name) throws IOException {
        Golden golden = Golden.read(GOLDEN.resolve(name).resolve("golden.safetensors"));
        List<Sequence> batch = Arrays.stream(golden.tokens()).map(Sequence::of).toList();
        try (Checkpoint checkpoint =
                        name.equals("fable") ? Checkpoint.builtIn(name) : Checkpoint.open(GOLDEN.resolve(name));
                Gpt2 device = Gpt2.of(checkpoint.weights(), Device.available().getFirst())) {
            Watcher watcher = Watcher.of(Set.copyOf(HookPoint.all(checkpoint.config())));
            requireClose(
                    "logits",
                    device.forward(ForwardRequest.of(batch).probe(watcher)).logits(),
                    golden.floats("logits"));
            int compared = 0;
            for (Map.Entry<HookPoint, float[]> seen : watcher.seen.entrySet()) {
                String tensor = "act." + seen.getKey().name();
                if (golden.names().contains(tensor)) {
                    requireClose(tensor, seen.getValue(), golden.floats(tensor));
                    compared++;
                }
            }
            assertThat(compared).isGreaterThan(16 * device.config().nLayers());
        }
    }

    @Test
    void fableHasTheSameValuesAtEverySite() {
        requireSame(DEVICE, PROCESSORS, Set.copyOf(HookPoint.all(DEVICE.config())));
    }

    /** Each way in which the steps of a layer part. */
    @ParameterizedTest
    @EnumSource(Site.class)
    void eachSiteAloneHasTheSameValues(Site site) {
        requireSame(DEVICE, PROCESSORS, Set.of(point(site)));
    }

    @Test
    void unwatchedPassesHaveTheSameLogits() {
        requireSame(DEVICE, PROCESSORS, Set.of());
    }

    @ParameterizedTest
    @EnumSource(Site.class)
    void editsHaveTheSameEffect(Site site) {
        BiConsumer<HookPoint, Activation> edit = (point, activation) -> {
            for (int i = activation.offset(1); i < activation.offset(2); i++) {
                activation.values()[i] *= 1.5f;
            }
        };
        Watcher onDevice = Watcher.of(Set.of(point(site)), edit);
        Watcher onProcessors = Watcher.of(Set.of(point(site)), edit);
        float[] edited =
                PROCESSORS.forward(ForwardRequest.of(BATCH).probe(onProcessors)).logits();
        requireClose(
                site.name(),
                DEVICE.forward(ForwardRequest.of(BATCH).probe(onDevice)).logits(),
                edited);
        assertThat(edited)
                .isNotEqualTo(PROCESSORS.forward(ForwardRequest.of(BATCH)).logits());
    }

    @ParameterizedTest
    @EnumSource(
            value = Site.class,
            names = {"RESID_PRE", "PATTERN", "RESULT", "Q_INPUT"})
    void onlyTheRowsThatAreReadAreCopied(Site site) {
        HookPoint point = point(site);
        Watcher all = Watcher.of(Set.of(point));
        Watcher some = new Watcher(Set.of(point), Set.of(2, 16), (at, activation) -> {}, new TreeMap<>());
        float[] logits = DEVICE.forward(ForwardRequest.of(BATCH).probe(all)).logits();
        assertThat(DEVICE.forward(ForwardRequest.of(BATCH).probe(some)).logits())
                .isEqualTo(logits);
        float[] whole = all.seen.get(point);
        float[] part = some.seen.get(point);
        int copied = 0;
        for (int i = 0; i < whole.length; i++) {
            if (part[i] != 0) {
                assertThat(part[i]).isEqualTo(whole[i]);
                copied++;
            }
        }
        // Two positions of 18 and of 33 tokens, one of 3.
        assertThat(copied).isPositive().isLessThanOrEqualTo(whole.length / 5);
    }

    @Test
    void passesBeginAndStopInTheMiddle() {
        for (Boundary boundary : List.of(Boundary.residPre(1), Boundary.residMid(2), Boundary.residPre(4))) {
            ForwardRequest to = ForwardRequest.of(BATCH).to(boundary);
            float[] residual = PROCESSORS.forward(to).residual();
            requireClose("to " + boundary, DEVICE.forward(to).residual(), residual);
            ForwardRequest from = ForwardRequest.of(BATCH).from(boundary, residual);
            requireClose(
                    "from " + boundary,
                    DEVICE.forward(from).logits(),
                    PROCESSORS.forward(from).logits());
        }
        for (Site site : EnumSet.of(Site.Z, Site.ATTN_OUT, Site.MLP_POST, Site.MLP_OUT)) {
            HookPoint point = HookPoint.of(site, 1);
            Boundary boundary = point.boundaryBefore(PROCESSORS.config()).orElseThrow();
            Watcher watcher = Watcher.of(Set.of(point));
            float[] residual =
                    PROCESSORS.forward(ForwardRequest.of(BATCH).to(boundary)).residual();
            PROCESSORS.forward(ForwardRequest.of(BATCH).probe(watcher));
            ForwardRequest from = ForwardRequest.of(BATCH).from(point, residual, watcher.seen.get(point));
            requireClose(
                    "from " + site,
                    DEVICE.forward(from).logits(),
                    PROCESSORS.forward(from).logits());
        }
    }

    @Test
    void logitsAreOfTheChosenRowsAndColumns() {
        for (LogitSelection selection : List.of(
                LogitSelection.last(),
                LogitSelection.rows(1, 19, 40).columns(5, 2, 90),
                LogitSelection.rows(0).columns(1),
                LogitSelection.all())) {
            ForwardRequest request = ForwardRequest.of(BATCH).logits(selection);
            requireClose(
                    "logits",
                    DEVICE.forward(request).logits(),
                    PROCESSORS.forward(request).logits());
        }
        assertThat(DEVICE.forward(ForwardRequest.of(BATCH).logits(LogitSelection.none()))
                        .logits())
                .isEmpty();
    }

    @Test
    void generatesTheSameTokens() {
        List<int[]> prompts = List.of(tokens(20, 11), tokens(3, 13));
        List<int[]> expected = Generator.of(PROCESSORS).maxNewTokens(40).generate(prompts, (s, token) -> {});
        List<int[]> found = Generator.of(DEVICE).maxNewTokens(40).generate(prompts, (s, token) -> {});
        assertThat(found).containsExactlyElementsOf(expected);
    }

    @Test
    void cachesAreContinuedForkedAndReadAnywhere() {
        KvCache onDevice = DEVICE.newCache();
        KvCache onProcessors = PROCESSORS.newCache();
        int[] prompt = tokens(21, 17);
        DEVICE.forward(ForwardRequest.of(Sequence.append(onDevice, prompt)));
        PROCESSORS.forward(ForwardRequest.of(Sequence.append(onProcessors, prompt)));
        for (int start : new int[] {5, 16, 21}) {
            int[] more = tokens(4, start);
            requireClose(
                    "after " + start,
                    DEVICE.forward(ForwardRequest.of(Sequence.after(onDevice, start, more)))
                            .logits(),
                    PROCESSORS
                            .forward(ForwardRequest.of(Sequence.after(onProcessors, start, more)))
                            .logits());
            KvCache fork = onDevice.fork(start);
            KvCache other = onProcessors.fork(start);
            DEVICE.forward(ForwardRequest.of(Sequence.append(fork, more)));
            PROCESSORS.forward(ForwardRequest.of(Sequence.append(other, more)));
            requireClose(
                    "fork at " + start,
                    Decoder.of(DEVICE, List.of(fork)).step(9),
                    Decoder.of(PROCESSORS, List.of(other)).step(9));
        }
        for (int start : new int[] {5, 16}) {
            int[] again = tokens(21 - start, 19);
            requireClose(
                    "amended from " + start,
                    DEVICE.forward(ForwardRequest.of(Sequence.amend(onDevice.amendable(start, 21), start, again)))
                            .logits(),
                    PROCESSORS
                            .forward(ForwardRequest.of(Sequence.amend(onProcessors.amendable(start, 21), start, again)))
                            .logits());
        }
        requireClose(
                "the forked cache",
                Decoder.of(DEVICE, List.of(onDevice)).step(9),
                Decoder.of(PROCESSORS, List.of(onProcessors)).step(9));
    }

    @Test
    void refusesWhatItHasNoRoomForAndCachesFromElsewhere() {
        int[] tokens = tokens(DEVICE.config().nCtx(), 3);
        List<Sequence> tooMany = IntStream.range(0, 1 + DeviceSizes.MIN_ROWS / tokens.length)
                .mapToObj(i -> Sequence.of(tokens))
                .toList();
        assertThatThrownBy(() -> DEVICE.forward(ForwardRequest.of(tooMany)))
                .isInstanceOf(BackendUnavailableException.class)
                .hasMessageContaining(DeviceSizes.ROWS_PROPERTY);
        assertThatThrownBy(() -> DEVICE.forward(ForwardRequest.of(Sequence.append(PROCESSORS.newCache(), 1))))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("elsewhere");
        assertThatThrownBy(() -> PROCESSORS.forward(ForwardRequest.of(Sequence.append(DEVICE.newCache(), 1))))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("elsewhere");
        Probe nested = Watcher.of(
                Set.of(HookPoint.of(Site.EMBED)), (point, activation) -> DEVICE.forward(ForwardRequest.of(1)));
        assertThatThrownBy(() -> DEVICE.forward(ForwardRequest.of(1, 2).probe(nested)))
                .isInstanceOf(IllegalStateException.class);
        requireSame(DEVICE, PROCESSORS, Set.of());
    }

    private static HookPoint point(Site site) {
        return site.perLayer() ? HookPoint.of(site, 1) : HookPoint.of(site);
    }

    private static List<Sequence> batch(Gpt2Config config) {
        return List.of(sequence(config, 18, 3), sequence(config, 3, 5), sequence(config, 33, 7));
    }

    private static Sequence sequence(Gpt2Config config, int length, int stride) {
        return Sequence.of(Arrays.stream(tokens(Math.min(length, config.nCtx()), stride))
                .map(token -> token % config.dVocab())
                .toArray());
    }

    private static int[] tokens(int length, int stride) {
        return IntStream.rangeClosed(1, length).map(i -> i * stride % 97).toArray();
    }

    private static void requireSame(Gpt2 device, Gpt2 processors, Set<HookPoint> wanted) {
        List<Sequence> batch = batch(device.config());
        Watcher onDevice = Watcher.of(wanted);
        Watcher onProcessors = Watcher.of(wanted);
        float[] expected =
                processors.forward(ForwardRequest.of(batch).probe(onProcessors)).logits();
        requireClose(
                "logits",
                device.forward(ForwardRequest.of(batch).probe(onDevice)).logits(),
                expected);
        assertThat(onDevice.seen.keySet()).isEqualTo(onProcessors.seen.keySet());
        onProcessors.seen.forEach((point, values) -> requireClose(point.name(), onDevice.seen.get(point), values));
    }
}
