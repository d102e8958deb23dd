package dev.hyaline.weights.internal.tensorflow;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.weights.TinyCheckpoint;
import dev.hyaline.weights.internal.DiskFolder;
import dev.hyaline.weights.internal.MappedFile;
import dev.hyaline.weights.internal.WeightFormat;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
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

    private final ByteArrayOutputStream file = new ByteArrayOutputStream();

    private static void varint(ByteArrayOutputStream out, long value) {
        for (long left = value; ; left >>>= 7) {
            if (left < 0x80) {
                out.write((int) left);
                return;
            }
            out.write((int) ((left & 0x7F) | 0x80));
        }
    }

    private static void pair(ByteArrayOutputStream block, int shared, String own, byte[] value) {
        varint(block, shared);
        varint(block, own.length());
        varint(block, value.length);
        block.writeBytes(own.getBytes(ISO_8859_1));
        block.writeBytes(value);
    }

    private static byte[] closed(ByteArrayOutputStream block) {
        block.writeBytes(new byte[Integer.BYTES]);
        return block.toByteArray();
    }

    /** Appends a block; returns its handle. */
    private byte[] block(byte[] content, int compression) {
        ByteArrayOutputStream handle = new ByteArrayOutputStream();
        varint(handle, file.size());
        varint(handle, content.length);
        ByteArrayOutputStream stored = new ByteArrayOutputStream();
        stored.writeBytes(content);
        stored.write(compression);
        file.writeBytes(stored.toByteArray());
        file.writeBytes(ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(MaskedCrc.of(MemorySegment.ofArray(stored.toByteArray())))
                .array());
        return handle.toByteArray();
    }

    private Map<String, byte[]> read(ByteArrayOutputStream index) {
        byte[] handle = block(closed(index), 0);
        ByteArrayOutputStream footer = new ByteArrayOutputStream();
        footer.writeBytes(new byte[2]);
        footer.writeBytes(handle);
        footer.writeBytes(new byte[40 - footer.size()]);
        file.writeBytes(footer.toByteArray());
        file.writeBytes(ByteBuffer.allocate(Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(WeightFormat.TABLE_MAGIC)
                .array());
        TinyCheckpoint.write(directory, "x.index", file.toByteArray());
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
        pair(index, 0, "n", block(closed(data), 0));
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
        pair(index, 0, "n", block(closed(data), 0));
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        assertThat(read(index)).isEmpty();
        assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan((8L << 20) + 10L * file.size());
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
        pair(index, 0, "n", block(packed.toByteArray(), 1));
        refused(index);
    }

    @Test
    void refusesABlockThatIsNamedAgainAndAgain() {
        byte[] all = new byte[100_004];
        ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN).putInt(100_000, 25_000); // no pairs, restart points alone
        byte[] handle = block(all, 0);
        ByteArrayOutputStream index = new ByteArrayOutputStream();
        for (int i = 0; i < 20_000; i++) {
            pair(index, 0, "" + (char) (i >> 8) + (char) (i & 0xFF), handle);
        }
        refused(index);
    }
}
