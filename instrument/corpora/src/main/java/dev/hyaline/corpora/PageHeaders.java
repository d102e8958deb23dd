package dev.hyaline.corpora;

import dev.hardwood.metadata.ColumnChunk;
import dev.hardwood.metadata.FileMetaData;
import dev.hardwood.metadata.RowGroup;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;

/**
 * A check that the pages of a column lie where a Parquet file can have them. Hardwood waits for ever for the end of a
 * page whose header gives it more bytes than its column chunk has. Headers are structs of Thrift's compact protocol.
 */
final class PageHeaders {
    private static final int FIRST_READ = 1 << 10;
    private static final int COMPRESSED_SIZE = 3;
    private static final int MAX_DEPTH = 16;

    // Types of the compact protocol.
    private static final int STOP = 0;
    private static final int FALSE = 2;
    private static final int BYTE = 3;
    private static final int I32 = 5;
    private static final int I64 = 6;
    private static final int DOUBLE = 7;
    private static final int BINARY = 8;
    private static final int STRUCT = 12;

    private PageHeaders() {}

    /**
     * Checks all pages of a column.
     *
     * @throws IOException saying which row group is damaged
     */
    static void require(Path file, FileMetaData metadata, String column) throws IOException {
        try (FileChannel channel = FileChannel.open(file)) {
            int group = 0;
            for (RowGroup rows : metadata.rowGroups()) {
                for (ColumnChunk chunk : rows.columns()) {
                    if (chunk.metaData().pathInSchema().elements().getFirst().equals(column)
                            && !isSound(channel, chunk)) {
                        throw new IOException("the pages of column " + column + " in its row group " + group
                                + " are not where they can be");
                    }
                }
                group++;
            }
        }
    }

    private static boolean isSound(FileChannel channel, ColumnChunk chunk) throws IOException {
        long at = chunk.chunkStartOffset();
        long size = chunk.metaData().totalCompressedSize();
        if (at < 0 || size < 0 || at > channel.size() - size) {
            return false;
        }
        long end = at + size;
        while (at < end) {
            long page = pageBytes(channel, at, end);
            if (page < 0 || page > end - at) {
                return false;
            }
            at += page;
        }
        return true;
    }

    /** Bytes of a page with its header; negative if it has none. */
    private static long pageBytes(FileChannel channel, long at, long end) throws IOException {
        for (long length = FIRST_READ; ; length *= 2) {
            int read = (int) Math.min(Math.min(length, end - at), Integer.MAX_VALUE - 8);
            ByteBuffer bytes = ByteBuffer.allocate(read);
            while (bytes.hasRemaining() && channel.read(bytes, at + bytes.position()) > 0) {
                // Until all are there.
            }
            bytes.flip();
            try {
                long compressed = struct(bytes, 0);
                return compressed < 0 ? -1 : bytes.position() + compressed;
            } catch (BufferUnderflowException e) {
                if (length >= end - at) {
                    return -1;
                }
            }
        }
    }

    /** Reads over a struct; returns its field of the compressed size, or a negative number. */
    private static long struct(ByteBuffer bytes, int depth) {
        long compressed = -1;
        int id = 0;
        for (int head = bytes.get(); head != STOP; head = bytes.get()) {
            int delta = head >> 4 & 0xf;
            int type = head & 0xf;
            id = delta == 0 ? (int) zigzag(bytes) : id + delta;
            if (id == COMPRESSED_SIZE && type == I32) {
                compressed = zigzag(bytes);
            } else if (depth == MAX_DEPTH || !skip(bytes, type, depth)) {
                return -1;
            }
        }
        return compressed;
    }

    private static boolean skip(ByteBuffer bytes, int type, int depth) {
        if (type <= FALSE) {
            return true;
        }
        if (type <= I64) {
            if (type == BYTE) {
                bytes.get();
            } else {
                varint(bytes);
            }
            return true;
        }
        switch (type) {
            case DOUBLE -> forward(bytes, Double.BYTES);
            case BINARY -> forward(bytes, varint(bytes));
            case STRUCT -> struct(bytes, depth + 1);
            default -> {
                // No page header has a list, a set or a map.
                return false;
            }
        }
        return true;
    }

    private static void forward(ByteBuffer bytes, long count) {
        if (count < 0 || count > bytes.remaining()) {
            throw new BufferUnderflowException();
        }
        bytes.position(bytes.position() + (int) count);
    }

    private static long zigzag(ByteBuffer bytes) {
        long read = varint(bytes);
        return read >>> 1 ^ -(read & 1);
    }

    private static long varint(ByteBuffer bytes) {
        long value = 0;
        for (int shift = 0; shift < Long.SIZE; shift += 7) {
            byte next = bytes.get();
            value |= (long) (next & 0x7f) << shift;
            if (next >= 0) {
                return value;
            }
        }
        return -1;
    }
}
