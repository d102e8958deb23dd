package dev.hyaline.instrument.dump;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.fixtures.HostileJson;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.Models;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.Slot;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.dump.DumpFolder.IfExists;
import dev.hyaline.instrument.edit.Direction;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Means;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.json.InterventionJson;
import dev.hyaline.instrument.run.EditedModel;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Dumps, vectors and intervention files with impossible contents are used or refused by name: never another exception,
 * never much memory, never more reads than there are values.
 */
@Timeout(120)
final class DumpFuzzTest {
    private static final int TIMES = 500;
    private static final long MAX_BYTES = 64 << 20;
    private static final Prompts RAGGED = Models.prompts(5, 7);
    private static final List<HookPoint> POINTS =
            List.of(HookPoint.of(Site.RESID_PRE, 1), HookPoint.of(Site.Z, 1), HookPoint.of(Site.PATTERN, 1));

    @TempDir
    private Path temporary;

    private final Gpt2 model = Models.small();
    private Path folder;

    @BeforeEach
    void nameFolder() {
        folder = temporary.resolve("stranger");
    }

    @AfterEach
    void closeModel() {
        model.close();
    }

    private void dump(boolean batch) {
        Prompts prompts = batch ? Prompts.of(Models.CONFIG, RAGGED.tokens(1), RAGGED.tokens(1)) : RAGGED;
        Capture capture = Capture.of(Models.CONFIG, "resid_pre", "z", "pattern");
        try (DumpFolder out = DumpFolder.open(folder, IfExists.REPLACE)) {
            Dump.of(Models.CONFIG, prompts, capture)
                    .write(model, out, CorpusDumpTest::provenance, (point, sequence, values, offset, length) -> {});
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void manifests(boolean batch) throws IOException {
        dump(batch);
        HostileJson json = new HostileJson(new Random(1));
        fuzz(folder.resolve(DumpFolder.MANIFEST), json::mutate, this::takeFromDump);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void headersOfSafetensors(boolean batch) throws IOException {
        dump(batch);
        HostileJson json = new HostileJson(new Random(2));
        fuzz(folder.resolve("activations.safetensors"), file -> withHeader(file, json), this::takeFromDump);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void positionsAndOffsets(boolean batch) throws IOException {
        dump(batch);
        Random random = new Random(3);
        fuzz(folder.resolve("activations.safetensors"), file -> withIntegers(file, random), this::takeFromDump);
    }

    @Test
    void manifestsOfShards() throws IOException {
        shards();
        HostileJson json = new HostileJson(new Random(4));
        fuzz(folder.resolve(DumpFolder.MANIFEST), json::mutate, this::takeFromDump);
    }

    @Test
    void rowsOfShards() throws IOException {
        shards();
        Random random = new Random(5);
        fuzz(folder.resolve(ShardPlan.fileName(0)), file -> withIntegers(file, random), this::takeFromDump);
    }

    @Test
    void vectors() throws IOException {
        dump(false);
        HostileJson json = new HostileJson(new Random(6));
        Path file = folder.resolve("activations.safetensors");
        fuzz(file, bytes -> withHeader(bytes, json), () -> {
            Direction.read(file, POINTS.getFirst().name(), 0);
            Direction.read(file, POINTS.getFirst().name(), 11);
        });
    }

    @Test
    void interventions() throws IOException {
        dump(false);
        Path file = folder.resolve("edits.json");
        Files.writeString(file, """
            {"format": "hyaline-interventions/1", "in_order": true, "interventions": [
             {"do": "zero", "site": "z", "layers": "1", "heads": "0", "positions": "-1", "sequences": "0"},
             {"do": "mean", "site": "resid_pre", "layers": 1, "reference": {"dump": "."}, "by_position": true},
             {"do": "mean", "site": "blocks.1.attn.hook_z", "reference": {"sequences": [
               {"length": 3, "positions": [0, 2], "values": {"blocks.1.attn.hook_z":
                [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
                 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]}}]}},
             {"do": "resample", "site": "resid_pre", "layers": "1", "reference": {"dump": "."}, "seed": 3},
             {"do": "patch", "site": "pattern", "layers": "1", "positions": "2", "source": {"dump": "."}, "sequence": 1},
             {"do": "add", "site": "resid_pre", "layers": "1", "coefficient": 2,
              "vector": {"file": "activations.safetensors", "tensor": "blocks.1.hook_resid_pre", "row": 2}},
             {"do": "project_out", "site": "resid_pre", "layers": "1", "directions": [
              {"file": "activations.safetensors", "tensor": "blocks.1.hook_resid_pre"}]},
             {"do": "noise", "site": "mlp_out", "layers": "1", "deviation": 0.5, "seed": 3}]}
            """);
        HostileJson json = new HostileJson(new Random(7));
        // What a well-formed file asks for may not suit the prompts; that is said without the file's name.
        fuzz(file, json::mutate, () -> InterventionJson.read(file, Map.of()));
        fuzz(file, json::mutate, () -> {
            Interventions read;
            try {
                read = InterventionJson.read(file, Map.of());
            } catch (HyalineException e) {
                throw FileException.corrupt(folder, "interventions", "none");
            }
            try {
                run(read);
            } catch (HyalineException e) {
                assertThat(e.getMessage()).isNotBlank().hasSizeLessThan(2_000);
                throw FileException.corrupt(folder, "what suits the prompts", e.getMessage());
            }
        });
    }

    @Test
    void aMeanOverAllPositionsThereCouldBeReadsWhatThereIs() throws IOException {
        Path file = temporary.resolve("edits.json");
        Files.writeString(file, """
            {"format": "hyaline-interventions/1", "interventions": [
             {"do": "mean", "site": "ln_final.hook_scale", "reference": {"sequences": [
               {"length": 2147483647, "positions": [0, 2147483646], "values": {"ln_final.hook_scale": [2, 4]}}]}}]}
            """);
        Intervention.Mean mean =
                (Intervention.Mean) InterventionJson.read(file, Map.of()).list().getFirst();
        CountedSource counted = new CountedSource(mean.means().reference(), 10);
        float[] read = new float[1];
        Means.overall(counted).read(new Slot(HookPoint.of(Site.LN_FINAL_SCALE), 0, 0, Slot.NO_HEAD), read);
        assertThat(read).containsExactly(3);
    }

    /** A FIFO that nobody writes to would be waited for without end. */
    @Test
    @DisabledOnOs(OS.WINDOWS)
    void aFifoIsRefused() throws Exception {
        dump(false);
        Path edits = folder.resolve("edits.json");
        for (Path file :
                List.of(folder.resolve("activations.safetensors"), folder.resolve(DumpFolder.MANIFEST), edits)) {
            Files.deleteIfExists(file);
            makeFifo(file);
            assertThatThrownBy(() -> {
                        if (file.equals(edits)) {
                            InterventionJson.read(edits, Map.of());
                        } else {
                            DumpReader.open(folder);
                        }
                    })
                    .isInstanceOf(HyalineException.class)
                    .hasMessageContaining(file + ": expected a file, found something else");
        }
        assertThatThrownBy(() -> Direction.read(folder.resolve("activations.safetensors"), "v", 0))
                .hasMessageContaining("expected a file, found something else");
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void aFifoAmongShardsIsRefused() throws Exception {
        shards();
        Path shard = folder.resolve(ShardPlan.fileName(0));
        Files.delete(shard);
        makeFifo(shard);
        assertThatThrownBy(() -> ActivationStore.open(folder))
                .isInstanceOf(FileException.class)
                .hasMessageContaining(shard + ": expected a file, found something else");
        Files.move(folder.resolve(DumpFolder.MANIFEST), folder.resolve("m"));
        makeFifo(folder.resolve(DumpFolder.JOURNAL));
        assertThatThrownBy(() ->
                        CorpusDumpTest.write(CorpusDumpTest.DUMP, CorpusDumpTest.corpus(6, 3), folder, IfExists.RESUME))
                .isInstanceOf(FileException.class)
                .hasMessageContaining("journal.jsonl: expected a file, found something else");
    }

    private static void makeFifo(Path file) throws IOException, InterruptedException {
        assertThat(new ProcessBuilder("mkfifo", file.toString()).start().waitFor())
                .isZero();
    }

    private void shards() {
        CorpusDumpTest.write(CorpusDumpTest.DUMP, CorpusDumpTest.corpus(6, 3), folder, IfExists.REPLACE);
    }

    /** All that a dump is opened for. */
    private void takeFromDump() {
        // A file of some kilobytes holds some hundreds of rows; each is asked for a few times.
        ActivationSource dump = new CountedSource(DumpReader.open(folder), 2_000);
        HookPoint point = HookPoint.of(Site.Z, 1);
        int last = dump.sequences() - 1;
        for (int s : new int[] {0, Math.min(1, last), last}) {
            int length = dump.length(s);
            dump.positions(point, s);
            dump.holds(point, s, length - 1);
            dump.block(point, s);
        }
        float[] row = new float[Site.Z.shape().width(Models.CONFIG) / Models.CONFIG.nHeads()];
        Means.overall(dump).read(new Slot(point, 0, 0, 1), row);
        Means.byPosition(dump).read(new Slot(point, 0, 2, 0), row);
        Target target = Target.of(point);
        run(Interventions.of(Intervention.patch(target.positions(2), dump)));
        run(Interventions.of(Intervention.resample(target.positions(2), dump, 5)));
        HookPoint map = POINTS.getLast();
        if (dump.holds(map, 0, 1)) {
            run(Interventions.of(Intervention.patch(Target.of(map).positions(1), dump)));
        }
    }

    private void run(Interventions interventions) {
        EditedModel.of(model, interventions).forward(RAGGED, LogitSelection.last());
    }

    private byte[] withHeader(byte[] file, HostileJson json) {
        int length = Math.toIntExact(little(file).getLong(0));
        byte[] header = json.mutate(Arrays.copyOfRange(file, Long.BYTES, Long.BYTES + length));
        int data = file.length - Long.BYTES - length;
        return ByteBuffer.allocate(Long.BYTES + header.length + data)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(header.length)
                .put(header)
                .put(file, Long.BYTES + length, data)
                .array();
    }

    /** The whole numbers come first in the data, for they are the widest. */
    private byte[] withIntegers(byte[] file, Random random) {
        byte[] changed = file.clone();
        int data = Long.BYTES + Math.toIntExact(little(file).getLong(0));
        for (int i = random.nextInt(3); i >= 0; i--) {
            long value = switch (random.nextInt(8)) {
                case 0 -> Integer.MAX_VALUE;
                case 1 -> Integer.MAX_VALUE - 1L;
                case 2 -> -1;
                case 3 -> Long.MAX_VALUE;
                case 4 -> Long.MIN_VALUE;
                case 5 -> random.nextLong();
                default -> random.nextInt(20);
            };
            little(changed).putLong(data + Long.BYTES * random.nextInt(36), value);
        }
        return changed;
    }

    private static ByteBuffer little(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private void fuzz(Path file, UnaryOperator<byte[]> mutate, Runnable use) throws IOException {
        byte[] original = Files.readAllBytes(file);
        use.run();
        int used = 0;
        int refused = 0;
        for (int i = 0; i < TIMES; i++) {
            overwrite(file, mutate.apply(original));
            long before = allocated();
            try {
                use.run();
                used++;
            } catch (HyalineException e) {
                refused++;
                assertThat(e.getMessage())
                        .as("change %d", i)
                        .contains(folder.toString())
                        .hasSizeLessThan(2_000);
            } catch (Throwable e) {
                throw new AssertionError("change " + i + " of " + file, e);
            }
            assertThat(allocated() - before)
                    .as("bytes allocated by change %d", i)
                    .isLessThan(MAX_BYTES);
        }
        overwrite(file, original);
        assertThat(used).as("used").isPositive();
        assertThat(refused).as("refused").isPositive();
    }

    private static long allocated() {
        return ((com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean()).getCurrentThreadAllocatedBytes();
    }

    /** A source that may be asked for its positions and values only so many times. */
    private static final class CountedSource implements ActivationSource {
        private final ActivationSource source;
        private final int most;
        private int asked;

        CountedSource(ActivationSource source, int most) {
            this.source = source;
            this.most = most;
        }

        private ActivationSource ask() {
            assertThat(++asked).as("questions to a source").isLessThanOrEqualTo(most);
            return source;
        }

        @Override
        public int sequences() {
            return source.sequences();
        }

        @Override
        public int length(int sequence) {
            return source.length(sequence);
        }

        @Override
        public boolean holds(HookPoint point, int sequence, int position) {
            return ask().holds(point, sequence, position);
        }

        @Override
        public void read(Slot slot, float[] out) {
            ask().read(slot, out);
        }

        @Override
        public int[] positions(HookPoint point, int sequence) {
            return ask().positions(point, sequence);
        }

        @Override
        public int nextSequence(int from) {
            return ask().nextSequence(from);
        }

        @Override
        public Optional<Path> dump() {
            return source.dump();
        }

        @Override
        public OptionalInt layers() {
            return source.layers();
        }

        @Override
        public Optional<Block> block(HookPoint point, int sequence) {
            return ask().block(point, sequence);
        }
    }

    /** Without emptying the file first, which file systems take for a save and write to the disk. */
    private static void overwrite(Path file, byte[] bytes) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(bytes), 0);
            channel.truncate(bytes.length);
        }
    }
}
