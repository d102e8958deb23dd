package dev.hyaline.instrument.dump;

import static dev.hyaline.instrument.dump.CorpusDumpTest.DUMP;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.TensorValues;
import dev.hyaline.instrument.ElementType;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.Models;
import dev.hyaline.instrument.dump.DumpFolder.IfExists;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What fires in a derived site, in shards. */
final class LatentDumpTest {
    private static final FiringSite SITE = new FiringSite(Models.CONFIG.dModel());

    @TempDir
    private Path temporary;

    private static Corpus corpus() {
        Random random = new Random(5);
        List<Document> documents = IntStream.range(0, 9)
                .mapToObj(d ->
                        new Document("document " + d, random.ints(40, 0, 61).toArray()))
                .toList();
        return documents::stream;
    }

    /** A value that fires, by its place in the corpus. */
    private record Fired(long row, int latent, float value) {}

    @Test
    void shardsHoldWhatIsNotZeroInTheRowsOfADump() throws IOException {
        CorpusDump packed = DUMP.shardBytes(1).packed(12);
        Path rows = temporary.resolve("rows");
        CorpusDumpTest.write(packed.withDerived(List.of(SITE)), corpus(), rows, IfExists.REFUSE);
        Path out = temporary.resolve("out");
        CorpusDump dump = packed.latentsOf(SITE);
        CorpusDump.CorpusSummary written = CorpusDumpTest.write(dump, corpus(), out, IfExists.REFUSE);
        assertThat(written.shards()).hasSizeGreaterThan(3);
        List<Fired> expected = new ArrayList<>();
        List<Integer> expectedTokens = new ArrayList<>();
        try (ActivationStore store = ActivationStore.open(rows)) {
            float[] values = new float[SITE.width()];
            for (long row = 0; row < store.rows(); row++) {
                store.read(SITE.name(), row, 1, values, 0);
                expectedTokens.add(store.token(row));
                for (int i = 0; i < values.length; i++) {
                    if (values[i] != 0) {
                        expected.add(new Fired(row, i, values[i]));
                    }
                }
            }
        }
        List<Fired> found = new ArrayList<>();
        List<Integer> tokens = new ArrayList<>();
        for (Path shard : written.shards()) {
            TensorValues file = TensorValues.open(shard, InputErrors.INSTANCE);
            long n = file.shape("activations").getFirst();
            assertThat(file.shape("locations")).containsExactly(n, 3L);
            assertThat(file.shape("tokens").getLast()).isEqualTo(12);
            int[] locations = file.integers("locations");
            float[] values = file.floats("activations", 0, n);
            for (int i = 0; i < n; i++) {
                long row = tokens.size() + locations[3 * i] * 12L + locations[3 * i + 1];
                found.add(new Fired(row, locations[3 * i + 2], values[i]));
            }
            IntStream.of(file.integers("tokens")).forEach(tokens::add);
        }
        assertThat(tokens).isEqualTo(expectedTokens);
        assertThat(found).isEqualTo(expected);
        assertThat(found).hasSizeBetween(tokens.size(), tokens.size() * SITE.width() / 2);
        // Offsets of more digits make some headers longer.
        long forecast = dump.forecast(corpus(), t -> {}).bytes() + found.size() * 10L;
        assertThat(written.bytes())
                .isBetween(forecast, forecast + 64L * written.shards().size());
        Path again = temporary.resolve("again");
        CorpusDumpTest.write(dump.batchTokens(7), corpus(), again, IfExists.REFUSE);
        CorpusDumpTest.files(out)
                .forEach((name, bytes) -> assertThat(again.resolve(name)).hasBinaryContent(bytes));
    }

    @Test
    void aShardThatWentMissingIsMadeAgain() throws IOException {
        Path out = temporary.resolve("out");
        CorpusDump dump = DUMP.shardBytes(1).packed(12).type(ElementType.F16).latentsOf(SITE);
        CorpusDumpTest.write(dump, corpus(), out, IfExists.REFUSE);
        Map<String, byte[]> sound = CorpusDumpTest.files(out);
        Files.delete(out.resolve("activations-00001.safetensors"));
        CorpusDumpTest.write(dump, corpus(), out, IfExists.RESUME);
        assertThat(CorpusDumpTest.files(out)).containsExactlyEntriesOf(sound);
        assertThatThrownBy(() -> CorpusDumpTest.write(dump.packed(11), corpus(), out, IfExists.RESUME))
                .hasMessageContaining("was begun otherwise");
    }

    @Test
    void whatCannotBeIsRefused() {
        assertThatThrownBy(() -> DUMP.latentsOf(SITE))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("of packed context windows");
        CorpusDump packed = DUMP.packed(12);
        CorpusDump dump = packed.latentsOf(SITE);
        assertThat(dump.points()).isEmpty();
        assertThatThrownBy(() -> dump.withDerived(List.of())).hasMessageContaining("of one site, found 0");
        for (CorpusDump some : List.of(
                packed.filter(TokenFilter.all().every(2)),
                packed.heads(IndexSelection.of(0)),
                packed.filter(TokenFilter.all().positions(IndexSelection.parse("0-3"))))) {
            assertThatThrownBy(() -> some.latentsOf(SITE)).hasMessageContaining("of every token, without a choice");
        }
        assertThatThrownBy(() -> dump.filter(TokenFilter.all().every(2))).hasMessageContaining("of every token");
    }

    @Test
    void aCacheTakesItsTokensInOrder() throws IOException {
        assertThatThrownBy(() -> LatentCache.of(0, 4)).hasMessageContaining("at least one sequence");
        LatentCache cache = LatentCache.of(2, 2);
        for (int token = 5; token < 9; token++) {
            cache.token(token);
        }
        assertThatThrownBy(() -> cache.token(9)).isInstanceOf(BadInputException.class);
        cache.add(1, 70_000, 2);
        assertThatThrownBy(() -> cache.add(0, 1, 1)).hasMessageContaining("cannot follow those of token 1");
        assertThatThrownBy(() -> cache.add(4, 1, 1)).isInstanceOf(BadInputException.class);
        cache.add(3, 1, 3);
        assertThat(cache.count()).isEqualTo(2);
        Path file = temporary.resolve("cache.safetensors");
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            assertThat(cache.write(channel, Map.of())).isZero();
        }
        TensorValues values = TensorValues.open(file, InputErrors.INSTANCE);
        assertThat(values.integers("locations")).containsExactly(0, 1, 70_000, 1, 1, 1);
        assertThat(values.floats("activations", 0, 2)).containsExactly(2, 3);
        assertThat(values.integers("tokens")).containsExactly(5, 6, 7, 8);
    }
}
