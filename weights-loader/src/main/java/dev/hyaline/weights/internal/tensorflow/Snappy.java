package dev.hyaline.weights.internal.tensorflow;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.weights.internal.ByteCursor;
import java.lang.foreign.MemorySegment;

/**
 * Decompression of a block of Snappy.
 *
 * @see <a href="https://github.com/google/snappy/blob/main/format_description.txt">the format</a>
 */
final class Snappy {
    /** More than any block grows: two bytes can stand for eleven, three for 64. */
    private static final int MAX_GROWTH = 32;

    private final String label;
    private final ByteCursor cursor;
    private final byte[] out;
    private int written;

    private Snappy(String label, MemorySegment packed) {
        this.label = label;
        this.cursor = new ByteCursor(label, packed);
        long length = cursor.varint();
        if (length < 0 || length > MAX_GROWTH * packed.byteSize() || length > Integer.MAX_VALUE) {
            throw bad(
                    "at most " + MAX_GROWTH + " times " + packed.byteSize() + " bytes", Long.toUnsignedString(length));
        }
        this.out = new byte[(int) length];
    }

    /** The size that a block claims to have after decompression. */
    static long length(String label, MemorySegment packed) {
        return new ByteCursor(label, packed).varint();
    }

    /** @param label of the file, for errors */
    static byte[] unpack(String label, MemorySegment packed) {
        Snappy snappy = new Snappy(label, packed);
        while (snappy.cursor.remaining() > 0) {
            snappy.element();
        }
        if (snappy.written != snappy.out.length) {
            throw snappy.bad(snappy.out.length + " bytes", snappy.written + " bytes");
        }
        return snappy.out;
    }

    private void element() {
        int tag = cursor.u8();
        int high = tag >>> 2;
        switch (tag & 3) {
            case 0 -> literal(high < 60 ? high + 1L : 1 + little(high - 59));
            case 1 -> copy(4 + (high & 7), ((high >>> 3) << 8) | cursor.u8());
            case 2 -> copy(high + 1, cursor.u16());
            default -> copy(high + 1, cursor.u32());
        }
    }

    private long little(int bytes) {
        long value = 0;
        for (int i = 0; i < bytes; i++) {
            value |= (long) cursor.u8() << (Byte.SIZE * i);
        }
        return value;
    }

    private void literal(long length) {
        requireRoom(length);
        byte[] bytes = cursor.bytes(length);
        System.arraycopy(bytes, 0, out, written, bytes.length);
        written += bytes.length;
    }

    /** Copies byte by byte, because source and target may overlap. */
    private void copy(int length, long back) {
        requireRoom(length);
        if (back < 1 || back > written) {
            throw bad("a copy from 1 to " + written + " bytes back", back + " bytes back");
        }
        for (int i = 0; i < length; i++) {
            out[written] = out[written - (int) back];
            written++;
        }
    }

    private void requireRoom(long length) {
        if (length > out.length - written) {
            throw bad("at most " + out.length + " bytes", "more");
        }
    }

    private BadCheckpointException bad(String expected, String found) {
        return BadCheckpointException.file(label + ", a Snappy block", expected, found);
    }
}
