package dev.hyaline.weights.internal;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.files.Utf8;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** A reader of consecutive little-endian values in a file or a part of it, which never reads past its end. */
public final class ByteCursor {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final String label;
    private final MemorySegment bytes;
    private long position;

    /** @param label the name of the file in errors */
    public ByteCursor(String label, MemorySegment bytes) {
        this.label = label;
        this.bytes = bytes;
    }

    /** The offset of the next value. */
    public long position() {
        return position;
    }

    /** Moves to an offset, which must not be past the end. */
    public ByteCursor at(long place) {
        if (place < 0 || place > bytes.byteSize()) {
            throw BadCheckpointException.file(
                    label, "an offset from 0 to " + bytes.byteSize(), Long.toUnsignedString(place));
        }
        position = place;
        return this;
    }

    /** The number of bytes up to the end. */
    public long remaining() {
        return bytes.byteSize() - position;
    }

    public int u8() {
        return bytes.get(ValueLayout.JAVA_BYTE, advance(1)) & 0xFF;
    }

    public int u16() {
        return bytes.get(SHORT, advance(Short.BYTES)) & 0xFFFF;
    }

    public int i32() {
        return bytes.get(INT, advance(Integer.BYTES));
    }

    public long u32() {
        return Integer.toUnsignedLong(i32());
    }

    public long i64() {
        return bytes.get(LONG, advance(Long.BYTES));
    }

    /** Reads a size or an offset of eight bytes; more than 2^63 - 1 is refused. */
    public long size() {
        long value = i64();
        if (value < 0) {
            throw BadCheckpointException.file(label, "sizes below 2^63", Long.toUnsignedString(value));
        }
        return value;
    }

    /** Reads a protocol-buffer varint of at most 64 bits. */
    public long varint() {
        long value = 0;
        for (int shift = 0; shift < Long.SIZE; shift += 7) {
            int b = u8();
            value |= (long) (b & 0x7F) << shift;
            if (b < 0x80) {
                return value;
            }
        }
        throw BadCheckpointException.file(label, "a varint of at most 10 bytes at " + position, "a longer one");
    }

    /** Returns the next part of the file and skips it. */
    public MemorySegment slice(long length) {
        return bytes.asSlice(advance(length), length);
    }

    /** Copies bytes; allocates nothing unless the file has that many. */
    public byte[] bytes(long length) {
        return slice(length).toArray(ValueLayout.JAVA_BYTE);
    }

    /** Reads text of a number of bytes, which must be UTF-8. */
    public String text(long length) {
        return Utf8.strict(CheckpointErrors.INSTANCE, label, bytes(length));
    }

    public void skip(long length) {
        advance(length);
    }

    private long advance(long length) {
        if (length < 0 || length > remaining()) {
            throw BadCheckpointException.file(
                    label,
                    Long.toUnsignedString(length) + " more bytes at " + position,
                    remaining() + ", where the file or this part of it ends");
        }
        long start = position;
        position += length;
        return start;
    }
}
