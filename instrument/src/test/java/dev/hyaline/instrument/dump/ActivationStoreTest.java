package dev.hyaline.instrument.dump;

import static dev.hyaline.instrument.dump.CorpusDumpTest.DUMP;
import static dev.hyaline.instrument.dump.CorpusDumpTest.POINTS;
import static dev.hyaline.instrument.dump.CorpusDumpTest.corpus;
import static dev.hyaline.instrument.dump.CorpusDumpTest.write;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.files.Dtype;
import dev.hyaline.files.FloatCodec;
import dev.hyaline.instrument.ElementType;
import dev.hyaline.instrument.Models;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.dump.DumpFolder.IfExists;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

final class ActivationStoreTest {
    private static final Corpus CORPUS = corpus(16, 31);
    private static final CorpusDump EVERY_THIRD =
            DUMP.filter(TokenFilter.all().every(3)).shardBytes(48 * 628);

    /** A dump to be damaged, and one to be copied. */
    @TempDir
    private Path folder;

    @TempDir
    private static Path whole;

    @BeforeAll
    static void dump() {
        write(EVERY_THIRD, CORPUS, whole, IfExists.REPLACE);
    }

    @BeforeEach
    void copy() throws IOException {
        try (Stream<Path> files = Files.list(whole)) {
            for (Path file : files.toList()) {
                Files.copy(file, folder.resolve(file.getFileName()));
            }
        }
    }

    @Test
    void theJavadocsExampleReadsEveryRow() {
        long seed = 3;
        HookPoint point = POINTS.getFirst();
        long read = 0;
        try (ActivationStore store = ActivationStore.open(folder)) {
            // @start region="shuffled"
            RowOrder order = store.shuffled(seed);
            long[] rows = new long[64];
            float[] batch = new float[rows.length * store.width(point)];
            for (int n; (n = order.next(rows)) > 0; ) {
                store.read(point, rows, n, batch); // [n, width]
                read += n;
            }
            // @end
            assertThat(read).isEqualTo(store.rows());
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "F16", "BF16"})
    void givesWhatTheModelComputes(ElementType type) {
        write(EVERY_THIRD.type(type), CORPUS, folder, IfExists.REPLACE);
        List<Document> documents = CORPUS.documents().toList();
        try (ActivationStore store = ActivationStore.open(folder);
                Gpt2 model = Models.small()) {
            store.verify();
            assertThat(store.points()).isEqualTo(POINTS);
            assertThat(store.type()).isEqualTo(type);
            assertThat(store.documents()).isEqualTo(documents.size());
            long rows = 0;
            int candidates = 0;
            for (int d = 0; d < documents.size(); d++) {
                assertThat(store.firstRow(d)).isEqualTo(rows);
                int[] tokens = documents.get(d).tokens();
                var pass = Models.everything(model, tokens);
                for (int p = 0; p < tokens.length; p++) {
                    if (candidates++ % 3 != 0) {
                        assertThat(store.row(d, p)).isEmpty();
                        continue;
                    }
                    long row = rows++;
                    assertThat(store.row(d, p)).hasValue(row);
                    assertThat(store.document(row)).isEqualTo(d);
                    assertThat(store.position(row)).isEqualTo(p);
                    assertThat(store.token(row)).isEqualTo(tokens[p]);
                    for (HookPoint point : POINTS) {
                        int width = store.width(point);
                        float[] expected = Arrays.copyOfRange(pass.get(point), p * width, (p + 1) * width);
                        float[] found = new float[width];
                        store.read(point, row, 1, found, 0);
                        assertThat(Arrays.equals(found, rounded(expected, type)))
                                .as("%s, document %s, position %s", point, d, p)
                                .isTrue();
                    }
                }
            }
            assertThat(store.rows()).isEqualTo(rows);
            assertThat(store.firstRow(documents.size())).isEqualTo(rows);
            assertThat(store.row(documents.size(), 0)).isEmpty();
        }
    }

    private static float[] rounded(float[] values, ElementType type) {
        for (int i = 0; i < values.length; i++) {
            values[i] = switch (type) {
                case F16 -> Float.float16ToFloat(Float.floatToFloat16(values[i]));
                case BF16 -> FloatCodec.rounded(Dtype.BF16, values[i]);
                default -> values[i];
            };
        }
        return values;
    }

    @Test
    void rangesAndChosenRowsCrossShards() {
        try (ActivationStore store = ActivationStore.open(folder)) {
            HookPoint z = HookPoint.of(Site.Z, 1);
            int rows = (int) store.rows();
            int width = store.width(z);
            assertThat(store.rowShape(z)).containsExactly(4L, 5L);
            assertThat(rows).isGreaterThan(2 * 48);
            float[] all = new float[rows * width];
            store.read(z, 0, rows, all, 0);
            Random random = new Random(1);
            for (int i = 0; i < 50; i++) {
                int first = random.nextInt(rows + 1);
                int count = random.nextInt(rows - first + 1);
                float[] part = new float[3 + count * width];
                store.read(z, first, count, part, 3);
                assertThat(Arrays.copyOfRange(part, 3, part.length))
                        .isEqualTo(Arrays.copyOfRange(all, first * width, (first + count) * width));
            }
            long[] chosen = random.longs(100, 0, rows).toArray();
            float[] batch = new float[100 * width];
            store.read(z, chosen, 100, batch);
            for (int i = 0; i < chosen.length; i++) {
                int at = (int) chosen[i] * width;
                assertThat(Arrays.copyOfRange(batch, i * width, (i + 1) * width))
                        .isEqualTo(Arrays.copyOfRange(all, at, at + width));
            }
        }
    }

    @Test
    void trainsOnEveryRowOnceInShuffledOrder() {
        try (ActivationStore store = ActivationStore.open(folder)) {
            HookPoint point = POINTS.getFirst();
            RowOrder order = store.shuffled(3);
            long[] rows = new long[16];
            float[] batch = new float[rows.length * store.width(point)];
            double sum = 0;
            int batches = 0;
            for (int n; (n = order.next(rows)) > 0; batches++) {
                store.read(point, rows, n, batch);
                for (int i = 0; i < n * store.width(point); i++) {
                    sum += batch[i];
                }
            }
            assertThat(batches).isEqualTo(Math.ceilDiv((int) store.rows(), 16));
            float[] all = new float[(int) store.rows() * store.width(point)];
            store.read(point, 0, (int) store.rows(), all, 0);
            double expected = 0;
            for (float value : all) {
                expected += value;
            }
            assertThat(sum).isCloseTo(expected, within(1e-9 * all.length));
            long[] inOrder = new long[3];
            store.inOrder().next(inOrder);
            assertThat(inOrder).containsExactly(0, 1, 2);
        }
    }

    @Test
    void refusesWhatIsNotThere() {
        try (ActivationStore store = ActivationStore.open(folder)) {
            HookPoint point = POINTS.getFirst();
            float[] into = new float[store.width(point)];
            long rows = store.rows();
            List<Runnable> bad = List.of(
                    () -> store.read(HookPoint.of(Site.Q, 0), 0, 1, into, 0),
                    () -> store.width(HookPoint.of(Site.EMBED)),
                    () -> store.read(point, -1, 1, into, 0),
                    () -> store.read(point, rows, 1, into, 0),
                    () -> store.read(point, 0, -1, into, 0),
                    () -> store.read(point, Long.MAX_VALUE, 1, into, 0),
                    () -> store.read(point, 0, 2, into, 0),
                    () -> store.read(point, 0, 1, into, 1),
                    () -> store.read(point, 0, 1, into, -1),
                    () -> store.read(point, new long[] {rows}, 1, into),
                    () -> store.read(point, new long[] {-1}, 1, into),
                    () -> store.token(rows),
                    () -> store.position(-1),
                    () -> store.document(Long.MIN_VALUE));
            assertThat(bad).allSatisfy(call -> assertThatThrownBy(call::run).isInstanceOf(BadInputException.class));
        }
    }

    @Test
    void aShardCutShortUnderAnOpenStoreIsNamed() throws IOException {
        Path second = folder.resolve("activations-00001.safetensors");
        try (ActivationStore store = ActivationStore.open(folder)) {
            long last = store.rows() - 1;
            HookPoint point = store.points().getFirst();
            // Compiled code hears late that memory is gone.
            float[] row = new float[store.width(point)];
            for (int i = 0; i < 30_000; i++) {
                store.read(point, new long[] {last}, 1, row);
                assertThat(store.token(last)).isNotNegative();
            }
            for (int shard = 0; Files.exists(folder.resolve("activations-0000" + shard + ".safetensors")); shard++) {
                Files.write(folder.resolve("activations-0000" + shard + ".safetensors"), new byte[0]);
            }
            assertThatThrownBy(() -> store.read(point, last, 1, new float[store.width(point)], 0))
                    .isInstanceOf(FileException.class)
                    .hasMessageEndingWith("expected a file that stays whole while it is open, found one cut short");
            assertThatThrownBy(() -> store.read(point, new long[] {last}, 1, row))
                    .isInstanceOf(FileException.class)
                    .hasMessageEndingWith("found one cut short");
            assertThatThrownBy(() -> store.token(last)).isInstanceOf(FileException.class);
            assertThatThrownBy(() -> store.firstRow(2)).isInstanceOf(FileException.class);
        }
        assertThat(second).isEmptyFile();
    }

    @Test
    void damagedShardsAreNamed() throws IOException {
        Path second = folder.resolve("activations-00001.safetensors");
        byte[] bytes = Files.readAllBytes(second);

        byte[] flipped = bytes.clone();
        flipped[bytes.length - 1] ^= 1;
        Files.write(second, flipped);
        try (ActivationStore store = ActivationStore.open(folder)) {
            assertThatThrownBy(store::verify)
                    .isInstanceOf(FileException.class)
                    .hasMessageStartingWith(second + ": expected SHA-256 ");
        }
        for (int at : new int[] {0, 7, 8, 100}) {
            byte[] header = bytes.clone();
            header[at] ^= 1;
            Files.write(second, header);
            assertThatThrownBy(() -> ActivationStore.open(folder))
                    .isInstanceOf(FileException.class)
                    .hasMessageStartingWith(second + ": expected the header");
        }
        for (int length : new int[] {0, 5, 300, bytes.length - 1, bytes.length + 1}) {
            Files.write(second, Arrays.copyOf(bytes, length));
            assertThatThrownBy(() -> ActivationStore.open(folder))
                    .isInstanceOf(FileException.class)
                    .hasMessageStartingWith(second + ": expected " + bytes.length + " bytes, found " + length);
        }
        Files.delete(second);
        assertThatThrownBy(() -> ActivationStore.open(folder))
                .isInstanceOf(FileException.class)
                .hasMessage("cannot read " + second + ": no such file or folder");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "hyaline-shards/1 | hyaline-shards/2 | format to be",
                "\"rows_per_shard\" : 48 | \"rows_per_shard\" : 470 | shards of its",
                "\"rows_per_shard\" : 48 | \"rows_per_shard\" : 0 | at least 1",
                "\"rows_per_shard\" : 48 | \"rows_per_shard\" : 1e3 | a whole number",
                "\"rows_per_shard\" : 48 | \"rows_per_shard\" : 99999999999999999999 | a whole number",
                "\"rows_per_shard\" : 48 | \"rows_per_shard\" : \"48\" | a whole number",
                "\"rows_per_shard\" : 48 | \"rows_per_shar\" : 48 | a key activations.rows_per_shard, found none",
                "activations-00001 | ../activations-00001 | to be activations-00001.safetensors with 48 rows",
                "\"rows\" : 48 | \"rows\" : 4 | with 48 rows",
                "\"f32\" | \"f64\" | f32, f16, bf16 or i64",
                "\"f32\" | \"i64\" | floats of one type",
                "\"row_shape\" : [ 20 ] | \"row_shape\" : [ 0 ] | a whole number of at least 1",
                "\"row_shape\" : [ 20 ] | \"row_shape\" : [ 16777216, 2 ] | at most",
                "\"row_shape\" : [ 20 ] | \"row_shape\" : [ 21 ] | expected",
                "\"row_shape\" : [ 20 ] | \"row_shape\" : 20 | an array",
                "\"name\" : \"blocks.0.attn.hook_z\" | \"name\" : \"blocks.0.attn.hook_y\" | named after a hook point",
                "\"name\" : \"blocks.0.attn.hook_z\" | \"name\" : \"blocks.1.attn.hook_z\" | a hook point of its own",
                "\"name\" : \"tokens\" | \"name\" : \"tokenz\" | named tokens",
                "\"documents\" : 16 | \"documents\" : \"16\" | a whole number",
                "\"shards\" : [ | \"shards\" : [ 1, | shards of its",
                "\"shards\" : | \"shard\" : | a key shards",
                "format | format\" : 1, \"format | valid JSON",
            })
    void aDamagedManifestIsNamed(String from, String to, String message) throws IOException {
        Path manifest = folder.resolve("manifest.json");
        String text = Files.readString(manifest);
        assertThat(text).contains(from);
        Files.writeString(manifest, text.replace(from, to));
        assertThatThrownBy(() -> ActivationStore.open(folder))
                .isInstanceOf(HyalineException.class)
                .hasMessageContaining(message);
    }

    @Test
    void whatIsNoDumpInShardsIsRefused() throws IOException {
        Files.delete(folder.resolve("manifest.json"));
        assertThatThrownBy(() -> ActivationStore.open(folder)).hasMessageContaining("no such file");
        Files.writeString(folder.resolve("journal.jsonl"), "{}\n");
        assertThatThrownBy(() -> ActivationStore.open(folder)).hasMessageContaining("not finished");
        Files.delete(folder.resolve("journal.jsonl"));
        Dump one = Dump.of(Models.CONFIG, Models.prompts(3), Capture.of(Models.CONFIG, "z"));
        try (Gpt2 model = Models.small();
                DumpFolder opened = DumpFolder.open(folder, IfExists.REPLACE)) {
            one.write(model, opened, CorpusDumpTest::provenance, (point, sequence, values, offset, length) -> {});
        }
        assertThatThrownBy(() -> ActivationStore.open(folder)).hasMessageContaining("a dump in shards");
    }
}
