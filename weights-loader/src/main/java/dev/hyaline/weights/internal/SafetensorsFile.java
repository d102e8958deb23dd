package dev.hyaline.weights.internal;

import dev.hyaline.engine.BadCheckpointException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * A safetensors file whose header has been checked against it.
 *
 * @param file what it is called in errors
 * @param data everything after the header, mapped if the file is on disk
 */
public record SafetensorsFile(String file, SafetensorsHeader header, MemorySegment data) {
    /** The reference implementation's limit. */
    private static final long MAX_HEADER_LENGTH = 100_000_000;

    /**
     * Opens a file. Its header is read and checked first; only then is the data mapped, and nothing is allocated from a
     * size that has not been compared with the file's.
     *
     * @param arena that keeps the data mapped
     */
    public static SafetensorsFile open(Folder folder, String name, Arena arena) {
        String file = folder.label(name);
        try (Folder.Input input = folder.open(name)) {
            if (input.size() < Long.BYTES) {
                throw BadCheckpointException.file(
                        file, "a safetensors file of at least 8 bytes", input.size() + " bytes");
            }
            long length = ByteBuffer.wrap(input.read(0, Long.BYTES))
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .getLong();
            long longest = Math.min(MAX_HEADER_LENGTH, input.size() - Long.BYTES);
            if (length < 0 || length > longest) {
                throw BadCheckpointException.file(
                        file,
                        "a safetensors header of at most " + longest + " bytes",
                        "a header length of " + Long.toUnsignedString(length));
            }
            byte[] json = input.read(Long.BYTES, (int) length);
            long dataStart = Long.BYTES + length;
            SafetensorsHeader header = SafetensorsHeader.parse(file, json, input.size() - dataStart);
            return new SafetensorsFile(file, header, input.map(dataStart, input.size() - dataStart, arena));
        }
    }

    /** Whether a file may be a safetensors file: its header's length fits it, and the header is an object. */
    static boolean isPlausible(byte[] start, long size) {
        if (start.length <= Long.BYTES || start[Long.BYTES] != '{') {
            return false;
        }
        long length = ByteBuffer.wrap(start).order(ByteOrder.LITTLE_ENDIAN).getLong();
        return length > 0 && length <= Math.min(MAX_HEADER_LENGTH, size - Long.BYTES);
    }

    /** All its tensors. */
    List<TensorView> views() {
        return header.tensors().values().stream()
                .map(tensor -> TensorView.dense(file, tensor.name(), tensor.dtype(), tensor.shape(), bytes(tensor)))
                .toList();
    }

    /** The bytes of one of its tensors. */
    MemorySegment bytes(StoredTensor tensor) {
        return data.asSlice(tensor.begin(), tensor.bytes());
    }
}
