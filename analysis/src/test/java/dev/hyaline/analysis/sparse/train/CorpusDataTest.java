package dev.hyaline.analysis.sparse.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.analysis.Fable;
import dev.hyaline.analysis.sparse.SaeMetadata;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.dump.ActivationStore;
import dev.hyaline.instrument.dump.Corpus;
import dev.hyaline.instrument.dump.CorpusDump;
import dev.hyaline.instrument.dump.CorpusListener;
import dev.hyaline.instrument.dump.Document;
import dev.hyaline.instrument.dump.DumpFolder;
import dev.hyaline.instrument.dump.Provenance;
import dev.hyaline.weights.Checkpoint;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class CorpusDataTest {
    private static final HookPoint IN = HookPoint.of(Site.RESID_POST, 1);
    private static final HookPoint OUT = HookPoint.of(Site.MLP_OUT, 2);
    private static final Set<Integer> EXCLUDED = Set.of(3, 4);
    private static final int BATCH = 24;

    private static Gpt2 model;
    private static Corpus corpus;

    @TempDir
    private Path temporary;

    @BeforeAll
    static void begin() {
        model = Fable.open();
        Random random = new Random(5);
        List<Document> documents = new ArrayList<>();
        for (int d = 0; d < 40; d++) {
            documents.add(new Document(
                    "line " + d, random.ints(1 + random.nextInt(40), 0, 40).toArray()));
        }
        corpus = Corpus.of(documents);
    }

    @AfterAll
    static void end() {
        model.close();
    }

    private ActivationStore store() {
        CorpusDump dump = CorpusDump.of(model.config(), List.of(IN, OUT));
        Path folder = temporary.resolve("dump");
        try (DumpFolder opened = DumpFolder.open(folder, DumpFolder.IfExists.REFUSE)) {
            Provenance provenance =
                    new Provenance("hyaline test", List.of("hyaline", "dump"), "fable", List.of(), null, token -> "");
            dump.write(model, corpus, dump.forecast(corpus, tokens -> {}), opened, provenance, CorpusListener.NONE);
        }
        return ActivationStore.open(folder);
    }

    private static List<float[]> batches(TrainingData data, int from, int to) {
        List<float[]> batches = new ArrayList<>();
        for (int b = from; b < to; b++) {
            float[] x = new float[BATCH * data.dIn()];
            float[] y = data.isTranscoder() ? new float[BATCH * data.dOut()] : x;
            data.read(b, BATCH, x, y);
            batches.add(x);
            batches.add(y);
        }
        return batches;
    }

    private static void assertSame(List<float[]> found, List<float[]> expected) {
        assertThat(found).hasSameSizeAs(expected);
        for (int i = 0; i < found.size(); i++) {
            assertThat(Arrays.equals(found.get(i), expected.get(i)))
                    .as("array %d", i)
                    .isTrue();
        }
    }

    /** The same seed gives the same batches from a dump and from a model, on any number of threads. */
    @ParameterizedTest
    @ValueSource(ints = {1, 7, 100, 333, 100_000})
    void aStoreAndALiveModelGiveTheSameBatches(int bufferRows) {
        try (ActivationStore store = store();
                CorpusData live = CorpusData.of(model, corpus, IN, OUT, EXCLUDED, 9, bufferRows);
                Checkpoint checkpoint = Checkpoint.builtIn("fable");
                Gpt2 onOne = Gpt2.of(checkpoint.weights(), 1);
                CorpusData slow = CorpusData.of(onOne, corpus, IN, OUT, EXCLUDED, 9, bufferRows)) {
            StoreData stored = StoreData.of(store, IN, OUT, EXCLUDED, 9).buffered(bufferRows);
            assertThat(stored.rows()).isEqualTo(live.rows());
            int batches = (int) (2 * live.rows() / BATCH);
            List<float[]> expected = batches(stored, 0, batches);
            assertSame(batches(live, 0, batches), expected);
            assertSame(batches(slow, 0, 6), expected.subList(0, 12));
            // As a run that is resumed begins.
            assertSame(batches(live, batches - 2, batches), expected.subList(2 * batches - 4, 2 * batches));
            assertSame(batches(live, 3, 5), expected.subList(6, 10));
            float[] other = batches(StoreData.of(store, IN, OUT, EXCLUDED, 10).buffered(bufferRows), 0, 1)
                    .getFirst();
            // A buffer of one row has nothing to mix.
            assertThat(Arrays.equals(other, expected.getFirst())).isEqualTo(bufferRows == 1);
        }
    }

    @Test
    void severalConsumersShareThePasses() {
        List<HookPoint> points = List.of(OUT, IN);
        List<CorpusData> each = CorpusData.ofEach(model, corpus, points, EXCLUDED, 2, 120);
        int batches = (int) (each.getFirst().rows() / BATCH);
        List<List<float[]>> found = List.of(new ArrayList<>(), new ArrayList<>());
        for (int b = 0; b < batches; b++) {
            for (int p = 0; p < 2; p++) {
                found.get(p).addAll(batches(each.get(p), b, b + 1));
            }
        }
        for (int p = 0; p < 2; p++) {
            try (CorpusData alone = CorpusData.of(model, corpus, points.get(p), points.get(p), EXCLUDED, 2, 120)) {
                assertSame(found.get(p), batches(alone, 0, batches));
                assertThat(each.get(p).passes()).isEqualTo(alone.passes()).isGreaterThan(3);
            }
        }
        each.forEach(CorpusData::close);
    }

    @Test
    void trainersOfSeveralSitesShareThePasses() {
        Training training = Training.of(
                20, Recipe.of(new TrainedActivation.TrainedTopK(4, false, false)), Schedule.constant(1e-3), 12, BATCH);
        List<HookPoint> points = List.of(IN, OUT);
        List<CorpusData> each = CorpusData.ofEach(model, corpus, points, EXCLUDED, 2, 120);
        List<SaeTrainer> trainers =
                each.stream().map(data -> SaeTrainer.begin(training, data, 1)).toList();
        SaeTrainer.runEach(trainers, each, (trainer, done, losses, rate, dead) -> {});
        for (int p = 0; p < 2; p++) {
            try (CorpusData data = CorpusData.of(model, corpus, points.get(p), points.get(p), EXCLUDED, 2, 120);
                    SaeTrainer alone = SaeTrainer.begin(training, data, 2)) {
                alone.run(data, (done, losses, rate, dead) -> {});
                assertThat(trainers.get(p)
                                .autoencoder(SaeMetadata.unknown())
                                .parameters()
                                .encoder())
                        .isEqualTo(alone.autoencoder(SaeMetadata.unknown())
                                .parameters()
                                .encoder());
            }
        }
        assertThatThrownBy(() -> SaeTrainer.runEach(trainers, each.subList(0, 1), (t, done, losses, rate, dead) -> {}))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("2 trainers and 1 data");
        trainers.forEach(SaeTrainer::close);
        each.forEach(CorpusData::close);
    }

    @Test
    void aCorpusThatShrinksIsNoticed() {
        List<Document> documents = new ArrayList<>(List.of(
                new Document("one", new int[] {5, 6, 7}), new Document("two", new int[] {8, 9, 10, 11, 12, 13})));
        try (CorpusData data = CorpusData.of(model, documents::stream, IN, IN, Set.of(), 1, 4)) {
            documents.removeLast();
            assertThatThrownBy(() -> batches(data, 0, 1))
                    .isInstanceOf(BadInputException.class)
                    .hasMessage("the corpus changed while it was read");
        }
        assertThatThrownBy(() -> CorpusData.of(model, corpus, IN, IN, Set.of(), 1, 0))
                .hasMessage("a buffer needs at least one row, found 0");
        assertThatThrownBy(() -> CorpusData.ofEach(model, corpus, List.of(IN, IN), Set.of(), 1, 9))
                .hasMessageContaining("one hook point or more is needed, each once");
    }

    /** Every row comes once an epoch, and never more rows than the buffer holds are in it. */
    @Property(tries = 200)
    void aBufferedOrderIsAPermutationThatABufferCanServe(
            @ForAll @IntRange(min = 1, max = 400) int rows,
            @ForAll @IntRange(min = 1, max = 90) int bufferRows,
            @ForAll long seed) {
        BufferedOrder order = new BufferedOrder(rows, bufferRows, seed);
        assertThat(order.blocksAtOnce() * order.block()).isLessThanOrEqualTo(Math.max(3, bufferRows));
        for (int epoch = 0; epoch < 2; epoch++) {
            Set<Long> given = new HashSet<>();
            long[] blocks = new long[order.blocksAtOnce()];
            Arrays.fill(blocks, -1);
            int loads = 0;
            for (long i = 0; i < rows; i++) {
                long row = order.row((long) epoch * rows + i);
                assertThat(row).isBetween(0L, rows - 1L);
                assertThat(given.add(row)).isTrue();
                long block = row / order.block();
                int slot = (int) (block % blocks.length);
                if (blocks[slot] != block) {
                    assertThat(blocks[slot]).isLessThan(block);
                    blocks[slot] = block;
                    loads++;
                }
            }
            assertThat(loads).isEqualTo((int) Math.ceilDiv(rows, order.block()));
        }
        long somewhere = Math.floorMod(seed, 2L * rows);
        assertThat(order.row(somewhere)).isEqualTo(new BufferedOrder(rows, bufferRows, seed).row(somewhere));
    }
}
