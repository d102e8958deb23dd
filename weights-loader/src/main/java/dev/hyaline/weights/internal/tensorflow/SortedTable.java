package dev.hyaline.weights.internal.tensorflow;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.hyaline.engine.BadCheckpointException;
import dev.hyaline.weights.internal.ByteCursor;
import dev.hyaline.weights.internal.MappedFile;
import dev.hyaline.weights.internal.WeightFormat;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A sorted table of LevelDB, which TensorFlow keeps a checkpoint's index in: blocks of pairs, an index block that says
 * where they are, and a footer that says where it is. Every block's checksum is checked.
 *
 * @see <a href="https://github.com/google/leveldb/blob/main/doc/table_format.md">the format</a>
 */
final class SortedTable {
    private static final int FOOTER_BYTES = 48;
    private static final int TRAILER_BYTES = 5;
    private static final int MAX_KEY_LENGTH = 512;
    private static final long MAX_TABLE_SIZE = 1 << 24;
    private static final int STORED = 0;
    private static final int SNAPPY = 1;

    private final MappedFile file;
    private final Map<String, byte[]> pairs = new LinkedHashMap<>();
    private String lastKey;

    private interface PairConsumer {
        void accept(String key, byte[] value);
    }

    private SortedTable(MappedFile file) {
        this.file = file;
    }

    /** All pairs, in the order of their keys. */
    static Map<String, byte[]> read(MappedFile file) {
        if (file.size() < FOOTER_BYTES || file.size() > MAX_TABLE_SIZE) {
            throw file.bad("a table of " + FOOTER_BYTES + " to " + MAX_TABLE_SIZE + " bytes", file.size() + " bytes");
        }
        ByteCursor footer = new ByteCursor(file.label(), file.bytes()).at(file.size() - Long.BYTES);
        if (footer.i64() != WeightFormat.TABLE_MAGIC) {
            throw file.bad("a sorted table", "a file without its mark at the end");
        }
        footer.at(file.size() - FOOTER_BYTES);
        footer.varint(); // The meta index, which TensorFlow leaves empty.
        footer.varint();
        SortedTable table = new SortedTable(file);
        MemorySegment index = table.block(footer.varint(), footer.varint());
        table.forEachPair(index, (key, handle) -> {
            ByteCursor cursor = new ByteCursor(file.label(), MemorySegment.ofArray(handle));
            table.forEachPair(table.block(cursor.varint(), cursor.varint()), table::put);
        });
        return table.pairs;
    }

    private void put(String key, byte[] value) {
        // In order, so that no block can be read twice.
        if (lastKey != null && key.compareTo(lastKey) <= 0) {
            throw file.bad("keys in ascending order", "one that is not");
        }
        lastKey = key;
        pairs.put(key, value);
    }

    private MemorySegment block(long offset, long bytes) {
        ByteCursor cursor = new ByteCursor(file.label(), file.bytes()).at(offset);
        if (bytes < 0 || bytes > cursor.remaining() - TRAILER_BYTES) {
            throw file.bad("a block within the file", Long.toUnsignedString(bytes) + " bytes at " + offset);
        }
        MemorySegment content = cursor.slice(bytes);
        int compression = cursor.u8();
        int checksum = cursor.i32();
        if (MaskedCrc.of(file.bytes().asSlice(offset, bytes + 1)) != checksum) {
            throw file.bad("blocks that agree with their checksums", "one at " + offset + " that does not");
        }
        return switch (compression) {
            case STORED -> content;
            case SNAPPY -> MemorySegment.ofArray(Snappy.unpack(file.label(), content));
            default -> throw file.bad("a block stored as it is or by Snappy", "compression " + compression);
        };
    }

    /** Pairs, each key without what it begins with in common with the one before, and then the restart points. */
    private void forEachPair(MemorySegment block, PairConsumer consumer) {
        if (block.byteSize() < Integer.BYTES) {
            throw bad("a block of at least 4 bytes", block.byteSize() + " bytes");
        }
        long restarts = new ByteCursor(file.label(), block)
                .at(block.byteSize() - Integer.BYTES)
                .u32();
        long end = block.byteSize() - Integer.BYTES * (restarts + 1);
        if (end < 0) {
            throw bad("restart points within the block", restarts + " of them");
        }
        ByteCursor cursor = new ByteCursor(file.label(), block.asSlice(0, end));
        String key = "";
        while (cursor.remaining() > 0) {
            long shared = cursor.varint();
            long own = cursor.varint();
            long valueBytes = cursor.varint();
            if (shared < 0 || shared > key.length() || own < 0 || own > MAX_KEY_LENGTH - shared) {
                throw bad("keys of at most " + MAX_KEY_LENGTH + " bytes", "a longer one");
            }
            String rest = new String(cursor.bytes(own), ISO_8859_1);
            key = key.substring(0, (int) shared) + rest;
            consumer.accept(key, cursor.bytes(valueBytes));
        }
    }

    private BadCheckpointException bad(String expected, String found) {
        return file.bad(expected, found);
    }
}
