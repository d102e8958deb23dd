package dev.hyaline.weights.internal.tensorflow;

import static dev.hyaline.weights.SortedTableBuilder.closed;
import static dev.hyaline.weights.SortedTableBuilder.pair;
import static dev.hyaline.weights.SortedTableBuilder.varint;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.weights.Mutator;
import dev.hyaline.weights.SortedTableBuilder;
import dev.hyaline.weights.TinyCheckpoint;
import dev.hyaline.weights.internal.DiskFolder;
import dev.hyaline.weights.internal.MappedFile;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tables that would cost far more than their size, and one as TensorFlow writes them. */
class SortedTableTest {
    @TempDir
    Path directory;

    private final SortedTableBuilder builder = new SortedTableBuilder();

    private Map<String, byte[]> read(ByteArrayOutputStream index) {
        TinyCheckpoint.write(directory, "x.index", builder.closed(closed(index)));
        try (Arena arena = Arena.ofConfined()) {
            return SortedTable.read(
                    MappedFile.open(new DiskFolder(directory), "x.index", arena), name -> !name.endsWith("x"));
        }
    }

    private void refused(ByteArrayOutputStream index) {
        assertThatExceptionOfType(BadCheckpointException.class)
                .isThrownBy(() -> read(index))
                .withMessageContaining("blocks that are together at most 8 times the file");
    }

    @Test
    void readsWhatIsWanted() {
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        pair(data, 0, "", new byte[] {1});
        pair(data, 0, "model/a", new byte[] {2, 3});
        pair(data, 6, "ax", new byte[] {4});
        pair(data, 6, "b", new byte[] {5});
        ByteArrayOutputStream index = new ByteArrayOutputStream();
        pair(index, 0, "n", builder.block(closed(data), 0));
        assertThat(read(index)).containsOnlyKeys("", "model/a", "model/b").containsEntry("model/b", new byte[] {5});
    }

    @Test
    void keysThatShareTheirBeginningsCostLittle() {
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        pair(data, 0, "m".repeat(500), new byte[0]);
        for (int i = 0; i < 60_000; i++) {
            pair(data, 500, "" + (char) (i >> 8) + (char) (i & 0xFF) + "x", new byte[0]);
        }
        ByteArrayOutputStream index = new ByteArrayOutputStream();
        pair(index, 0, "n", builder.block(closed(data), 0));
        long before = Mutator.allocated();
        assertThat(read(index)).isEmpty();
        assertThat(Mutator.allocated() - before).isLessThan((8L << 20) + 10L * data.size());
    }

    @Test
    void refusesABlockThatIsAllRepetition() {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        varint(packed, 1 + 64 * 16_384);
        packed.writeBytes(new byte[] {0, 0});
        for (int i = 0; i < 16_384; i++) {
            packed.writeBytes(new byte[] {(byte) (63 << 2 | 2), 1, 0});
        }
        ByteArrayOutputStream index = new ByteArrayOutputStream();
        pair(index, 0, "n", builder.block(packed.toByteArray(), 1));
        refused(index);
    }

    @Test
    void refusesABlockThatIsNamedAgainAndAgain() {
        byte[] all = new byte[100_004];
        ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN).putInt(100_000, 25_000); // no pairs, restart points alone
        byte[] handle = builder.block(all, 0);
        ByteArrayOutputStream index = new ByteArrayOutputStream();
        for (int i = 0; i < 20_000; i++) {
            pair(index, 0, "" + (char) (i >> 8) + (char) (i & 0xFF), handle);
        }
        refused(index);
    }
}
