package dev.hyaline.files;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A safetensors file whose header has been checked against it.
 *
 * @param file its name in errors
 * @param data everything after the header, mapped if the file is on disk
 */
public record SafetensorsFile(String file, SafetensorsHeader header, MemorySegment data) {
    /**
     * Reads a file and closes it. Its header is read and checked first; only then is the data mapped. Nothing is
     * allocated from a size that has not been compared with the file's.
     *
     * @param arena that keeps the data mapped
     */
    public static SafetensorsFile open(FileInput file, Arena arena) {
        try (file) {
            SafetensorsHeader header = SafetensorsHeader.read(file);
            MemorySegment data = file.map(header.dataStart(), file.size() - header.dataStart(), arena);
            return new SafetensorsFile(file.label(), header, data);
        }
    }

    /** Returns whether a file may be a safetensors file: its header's length fits, and the header is an object. */
    public static boolean isPlausible(byte[] start, long size) {
        if (start.length <= Long.BYTES || start[Long.BYTES] != '{') {
            return false;
        }
        long length = ByteBuffer.wrap(start).order(ByteOrder.LITTLE_ENDIAN).getLong();
        return length > 0 && length <= Math.min(SafetensorsHeader.MAX_LENGTH, size - Long.BYTES);
    }

    /** The bytes of a tensor. */
    public MemorySegment bytes(StoredTensor tensor) {
        return data.asSlice(tensor.begin(), tensor.bytes());
    }
}
