package dev.hyaline.weights.internal.tensorflow;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.weights.internal.ByteCursor;
import dev.hyaline.weights.internal.MappedFile;
import dev.hyaline.weights.internal.WeightFormat;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * A sorted table of LevelDB, the form of the index of a TensorFlow checkpoint: blocks of pairs, an index block with
 * their offsets, and a footer with its offset. Every block's checksum is checked.
 *
 * @see <a href="https://github.com/google/leveldb/blob/main/doc/table_format.md">the format</a>
 */
final class SortedTable {
    private static final int FOOTER_BYTES = 48;
    private static final int TRAILER_BYTES = 5;
    private static final int MAX_KEY_LENGTH = 512;
    private static final long MAX_TABLE_SIZE = 1 << 24;

    /** More than Snappy's blocks grow, except in small tables of little variety; each block is read once. */
    private static final int MAX_GROWTH = 8;

    private static final int SMALL_TABLE = 1 << 16;

    /** The bytes that the smallest block counts for. */
    private static final int BLOCK_COST = 64;

    private static final int MAX_WANTED_LENGTH = 64;
    private static final int STORED = 0;
    private static final int SNAPPY = 1;

    private final MappedFile file;
    private final Map<String, byte[]> pairs = new LinkedHashMap<>();
    private final Predicate<String> wanted;
    private final byte[] key = new byte[MAX_KEY_LENGTH];
    private int keyLength;
    private long budget;
    private boolean first = true;

    private interface PairConsumer {
        /** Accepts a pair, whose key is in {@link #key} and whose value follows the cursor. */
        void accept(ByteCursor cursor, long valueBytes);
    }

    private SortedTable(MappedFile file, Predicate<String> wanted) {
        this.file = file;
        this.wanted = wanted;
        this.budget = SMALL_TABLE + MAX_GROWTH * file.size();
    }

    /**
     * Reads the pairs whose keys are wanted, in order.
     *
     * @param wanted asked about each key of at most {@link #MAX_WANTED_LENGTH} bytes
     */
    static Map<String, byte[]> read(MappedFile file, Predicate<String> wanted) {
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
        SortedTable table = new SortedTable(file, wanted);
        MemorySegment index = table.block(footer.varint(), footer.varint());
        List<long[]> handles = new ArrayList<>();
        table.forEachPair(index, (cursor, valueBytes) -> {
            long next = cursor.position() + valueBytes;
            handles.add(new long[] {cursor.varint(), cursor.varint()});
            cursor.at(next);
        });
        table.first = true;
        for (long[] handle : handles) {
            table.forEachPair(table.block(handle[0], handle[1]), table::put);
        }
        return table.pairs;
    }

    private void put(ByteCursor cursor, long valueBytes) {
        String name = keyLength <= MAX_WANTED_LENGTH && (keyLength == 0 || key[0] == 'm')
                ? new String(key, 0, keyLength, ISO_8859_1)
                : null;
        if (name != null && wanted.test(name)) {
            pairs.put(name, cursor.bytes(valueBytes));
        } else {
            cursor.skip(valueBytes);
        }
    }

    private MemorySegment block(long offset, long bytes) {
        ByteCursor cursor = new ByteCursor(file.label(), file.bytes()).at(offset);
        if (bytes < 0 || bytes > cursor.remaining() - TRAILER_BYTES) {
            throw file.bad("a block within the file", Long.toUnsignedString(bytes) + " bytes at " + offset);
        }
        spend(bytes + BLOCK_COST);
        MemorySegment content = cursor.slice(bytes);
        int compression = cursor.u8();
        int checksum = cursor.i32();
        if (MaskedCrc.of(file.bytes().asSlice(offset, bytes + 1)) != checksum) {
            throw file.bad("blocks that agree with their checksums", "one at " + offset + " that does not");
        }
        return switch (compression) {
            case STORED -> content;
            case SNAPPY -> {
                spend(Math.max(0, Snappy.length(file.label(), content)));
                yield MemorySegment.ofArray(Snappy.unpack(file.label(), content));
            }
            default -> throw file.bad("a block stored as it is or by Snappy", "compression " + compression);
        };
    }

    /**
     * Reads the pairs of a block, each key without the prefix it shares with the one before; the restart points follow.
     */
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
        int sharable = 0;
        while (cursor.remaining() > 0) {
            long shared = cursor.varint();
            long own = cursor.varint();
            long valueBytes = cursor.varint();
            if (shared < 0 || shared > sharable || own < 0 || own > MAX_KEY_LENGTH - shared) {
                throw bad("keys of at most " + MAX_KEY_LENGTH + " bytes", "a longer one");
            }
            readKey(cursor, (int) shared, (int) own);
            sharable = keyLength;
            if (valueBytes < 0 || valueBytes > cursor.remaining()) {
                throw bad("values within their block", Long.toUnsignedString(valueBytes) + " bytes");
            }
            consumer.accept(cursor, valueBytes);
        }
    }

    /** Reads a key over the last one, and checks that keys ascend. */
    private void readKey(ByteCursor cursor, int shared, int own) {
        boolean above = first;
        boolean below = false;
        for (int i = shared; i < shared + own; i++) {
            int c = cursor.u8();
            if (!above && !below) {
                above = i >= keyLength || c > (key[i] & 0xFF);
                below = !above && c < (key[i] & 0xFF);
            }
            key[i] = (byte) c;
        }
        if (!above) {
            throw bad("keys in ascending order", "one that is not");
        }
        first = false;
        keyLength = shared + own;
    }

    /** Refuses files that inflate themselves by naming a block again or by compressing repetition. */
    private void spend(long bytes) {
        budget -= bytes;
        if (budget < 0) {
            throw bad("blocks that are together at most " + MAX_GROWTH + " times the file", "more");
        }
    }

    private BadCheckpointException bad(String expected, String found) {
        return file.bad(expected, found);
    }
}
