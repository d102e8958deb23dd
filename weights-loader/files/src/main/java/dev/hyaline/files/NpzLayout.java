package dev.hyaline.files;

import dev.hyaline.engine.error.BadInputException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * NumPy's npz: a zip of uncompressed {@code .npy} files, one per tensor. Sizes, offsets and counts that 32 or 16 bits
 * cannot hold are in zip64 records (APPNOTE 4.3 and 4.5.3); every entry has the zip epoch as its date, so equal tensors
 * give equal bytes.
 */
public final class NpzLayout implements FileLayout {
    private static final int LOCAL_HEADER = 30;
    private static final int CENTRAL_HEADER = 46;
    private static final int END = 22;
    private static final int ZIP64_END = 56;
    private static final int ZIP64_LOCATOR = 20;
    private static final int ZIP64_TAG = 1;
    private static final short PLAIN_ZIP = 20;
    private static final short ZIP64 = 45;
    /** 1 January 1980, the first day a zip can name. */
    private static final short FIRST_DATE = 0x21;

    private static final int MARK_32 = -1;
    private static final short MARK_16 = -1;

    /** A file in the zip, with the size of its {@code .npy} and the offset of its local header. */
    private record Entry(String name, String npyHeader, long size, long offset) {}

    private final List<TensorEntry> tensors;
    private final List<Entry> entries;
    private final long limit32;
    private final int limit16;
    private final long directoryOffset;
    private final long directoryBytes;

    private NpzLayout(List<TensorEntry> tensors, long limit32, int limit16) {
        this.tensors = tensors.stream().sorted(FILE_ORDER).toList();
        this.entries = new ArrayList<>(tensors.size());
        this.limit32 = limit32;
        this.limit16 = limit16;
        long offset = 0;
        long directory = 0;
        for (TensorEntry tensor : this.tensors) {
            String npyHeader = npyHeader(tensor);
            Entry entry = new Entry(tensor.name() + ".npy", npyHeader, npyHeader.length() + tensor.bytes(), offset);
            entries.add(entry);
            offset += localBytes(entry) + entry.size;
            directory += CENTRAL_HEADER + entry.name.length() + centralExtraBytes(entry);
        }
        this.directoryOffset = offset;
        this.directoryBytes = directory;
    }

    public static NpzLayout of(List<TensorEntry> tensors) {
        return new NpzLayout(tensors, 0xFFFFFFFFL, 0xFFFF);
    }

    /** A layout with zip64 records from lower limits on, so that a test needs no gigabytes. */
    static NpzLayout withLimits(List<TensorEntry> tensors, long limit32, int limit16) {
        return new NpzLayout(tensors, limit32, limit16);
    }

    @Override
    public List<TensorEntry> tensors() {
        return tensors;
    }

    @Override
    public long dataOffset(int tensor) {
        Entry entry = entries.get(tensor);
        return entry.offset + localBytes(entry) + entry.npyHeader.length();
    }

    @Override
    public long fileBytes() {
        return directoryOffset + directoryBytes + (zip64End() ? ZIP64_END + ZIP64_LOCATOR : 0) + END;
    }

    @Override
    public boolean checksummed() {
        return true;
    }

    @Override
    public byte[] prologue(int tensor) {
        return bytes(entries.get(tensor).npyHeader);
    }

    @Override
    public void writeFrame(FileChannel channel, int[] crc32) throws IOException {
        ByteBuffer directory = littleEndian(Math.toIntExact(fileBytes() - directoryOffset));
        for (int t = 0; t < entries.size(); t++) {
            Entry entry = entries.get(t);
            FileLayout.writeFully(channel, localHeader(entry, crc32[t]), entry.offset);
            putCentralHeader(directory, entry, crc32[t]);
        }
        putEnd(directory);
        FileLayout.writeFully(channel, directory.flip(), directoryOffset);
    }

    /**
     * The header of NEP 1, version 1.0: magic, length, and a Python dictionary padded so that the values begin at a
     * multiple of 64.
     */
    private static String npyHeader(TensorEntry tensor) {
        String shape = tensor.shape().stream().map(size -> size + ",").collect(Collectors.joining(" ", "(", ")"));
        String dictionary =
                "{'descr': '" + descr(tensor.dtype()) + "', 'fortran_order': False, 'shape': " + shape + ", }";
        int magic = 10;
        int padded = (magic + dictionary.length() + 1 + 63) / 64 * 64;
        int length = padded - magic;
        String padding = " ".repeat(length - dictionary.length() - 1);
        return "\u0093NUMPY\u0001\u0000" + (char) (length & 0xFF) + (char) (length >> 8) + dictionary + padding + "\n";
    }

    /** Encodes text as one byte per character. */
    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    private static String descr(Dtype type) {
        return switch (type) {
            case F32 -> "<f4";
            case F16 -> "<f2";
            case I64 -> "<i8";
            case BF16 -> throw new BadInputException("NumPy has no bfloat16; write bf16 as safetensors");
            default -> throw new IllegalArgumentException("no dump has " + type);
        };
    }

    private boolean zip64Size(Entry entry) {
        return entry.size >= limit32;
    }

    private boolean zip64Offset(Entry entry) {
        return entry.offset >= limit32;
    }

    private boolean zip64End() {
        return entries.size() >= limit16 || directoryOffset >= limit32 || directoryBytes >= limit32;
    }

    private int localBytes(Entry entry) {
        return LOCAL_HEADER + entry.name.length() + (zip64Size(entry) ? 4 + 2 * Long.BYTES : 0);
    }

    private int centralExtraBytes(Entry entry) {
        int values = (zip64Size(entry) ? 2 : 0) + (zip64Offset(entry) ? 1 : 0);
        return values == 0 ? 0 : 4 + values * Long.BYTES;
    }

    private ByteBuffer localHeader(Entry entry, int crc32) {
        boolean zip64 = zip64Size(entry);
        ByteBuffer header = littleEndian(localBytes(entry) + entry.npyHeader.length());
        header.putInt(0x04034b50);
        putCommon(header, entry, zip64 ? ZIP64 : PLAIN_ZIP, crc32);
        header.putShort((short) (zip64 ? 4 + 2 * Long.BYTES : 0));
        header.put(bytes(entry.name));
        if (zip64) {
            header.putShort((short) ZIP64_TAG).putShort((short) (2 * Long.BYTES));
            header.putLong(entry.size).putLong(entry.size);
        }
        return header.put(bytes(entry.npyHeader)).flip();
    }

    private void putCentralHeader(ByteBuffer directory, Entry entry, int crc32) {
        int extra = centralExtraBytes(entry);
        short version = extra > 0 ? ZIP64 : PLAIN_ZIP;
        directory.putInt(0x02014b50).putShort(version);
        putCommon(directory, entry, version, crc32);
        directory.putShort((short) extra);
        // No comment, first disk, no attributes.
        directory.putShort((short) 0).putShort((short) 0).putShort((short) 0).putInt(0);
        directory.putInt(zip64Offset(entry) ? MARK_32 : (int) entry.offset);
        directory.put(bytes(entry.name));
        if (extra > 0) {
            directory.putShort((short) ZIP64_TAG).putShort((short) (extra - 4));
            if (zip64Size(entry)) {
                directory.putLong(entry.size).putLong(entry.size);
            }
            if (zip64Offset(entry)) {
                directory.putLong(entry.offset);
            }
        }
    }

    /** Writes the fields that local and central headers share, from the version up to the name's length. */
    private void putCommon(ByteBuffer header, Entry entry, short version, int crc32) {
        int size = zip64Size(entry) ? MARK_32 : (int) entry.size;
        // No flags, no compression, midnight.
        header.putShort(version).putShort((short) 0).putShort((short) 0).putShort((short) 0);
        header.putShort(FIRST_DATE).putInt(crc32).putInt(size).putInt(size);
        header.putShort((short) entry.name.length());
    }

    private void putEnd(ByteBuffer directory) {
        if (zip64End()) {
            directory.putInt(0x06064b50).putLong(ZIP64_END - 12).putShort(ZIP64).putShort(ZIP64);
            directory.putInt(0).putInt(0).putLong(entries.size()).putLong(entries.size());
            directory.putLong(directoryBytes).putLong(directoryOffset);
            directory
                    .putInt(0x07064b50)
                    .putInt(0)
                    .putLong(directoryOffset + directoryBytes)
                    .putInt(1);
        }
        short count = entries.size() >= limit16 ? MARK_16 : (short) entries.size();
        directory
                .putInt(0x06054b50)
                .putShort((short) 0)
                .putShort((short) 0)
                .putShort(count)
                .putShort(count);
        directory.putInt(directoryBytes >= limit32 ? MARK_32 : (int) directoryBytes);
        directory.putInt(directoryOffset >= limit32 ? MARK_32 : (int) directoryOffset);
        directory.putShort((short) 0);
    }

    private static ByteBuffer littleEndian(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
