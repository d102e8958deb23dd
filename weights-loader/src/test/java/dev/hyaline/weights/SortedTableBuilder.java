package dev.hyaline.weights;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.zip.CRC32C;

/** Writes sorted tables, TensorFlow's index files, for tests; every checksum is right. */
public final class SortedTableBuilder {
    private static final long MAGIC = 0xdb4775248b80fb57L;

    private final ByteArrayOutputStream file = new ByteArrayOutputStream();

    public static void varint(ByteArrayOutputStream out, long value) {
        for (long left = value; ; left >>>= 7) {
            if (left < 0x80) {
                out.write((int) left);
                return;
            }
            out.write((int) ((left & 0x7F) | 0x80));
        }
    }

    /** Appends a pair to a block: how much of its key is that of the one before, the rest of it, and a value. */
    public static void pair(ByteArrayOutputStream block, int shared, String own, byte[] value) {
        varint(block, shared);
        varint(block, own.length());
        varint(block, value.length);
        block.writeBytes(own.getBytes(ISO_8859_1));
        block.writeBytes(value);
    }

    /** A block without restart points. */
    public static byte[] closed(ByteArrayOutputStream block) {
        block.writeBytes(new byte[Integer.BYTES]);
        return block.toByteArray();
    }

    /** The masked checksum that TensorFlow keeps of bytes. */
    public static int checksum(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return Integer.rotateRight((int) crc.getValue(), 15) + 0xa282ead8;
    }

    /** Appends a block; returns its handle. */
    public byte[] block(byte[] content, int compression) {
        ByteArrayOutputStream handle = new ByteArrayOutputStream();
        varint(handle, file.size());
        varint(handle, content.length);
        byte[] stored = Arrays.copyOf(content, content.length + 1);
        stored[content.length] = (byte) compression;
        file.writeBytes(stored);
        file.writeBytes(ByteBuffer.allocate(Integer.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(checksum(stored))
                .array());
        return handle.toByteArray();
    }

    /** Appends the index block and the footer; returns the file. */
    public byte[] closed(byte[] index) {
        byte[] handle = block(index, 0);
        ByteArrayOutputStream footer = new ByteArrayOutputStream();
        footer.writeBytes(new byte[2]);
        footer.writeBytes(handle);
        footer.writeBytes(new byte[40 - footer.size()]);
        file.writeBytes(footer.toByteArray());
        file.writeBytes(ByteBuffer.allocate(Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(MAGIC)
                .array());
        return file.toByteArray();
    }
}
