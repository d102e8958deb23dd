package dev.hyaline.files;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.Comparator;
import java.util.List;

/**
 * Where the bytes of each tensor lie in a file: known before any value is, so that values can be written as they come.
 */
public sealed interface FileLayout permits SafetensorsLayout, NpzLayout {
    /** Wider values first, then by name: every tensor is aligned if the first is. */
    Comparator<TensorEntry> FILE_ORDER = Comparator.<TensorEntry>comparingInt(
                    tensor -> -tensor.dtype().bytes())
            .thenComparing(TensorEntry::name);

    /** In the order of the file. */
    List<TensorEntry> tensors();

    /** Offset in the file of a tensor's first value. */
    long dataOffset(int tensor);

    /** Size of the whole file. */
    long fileBytes();

    /** Whether {@link #writeFrame} needs checksums. */
    boolean checksummed();

    /** What stands before a tensor's values and counts for its checksum. */
    byte[] prologue(int tensor);

    /**
     * Writes all that is not a tensor's value.
     *
     * @param crc32 of each tensor's prologue and values; unused unless {@link #checksummed}
     */
    void writeFrame(FileChannel channel, int[] crc32) throws IOException;

    /** Writes all of a buffer at a position of the file. */
    static void writeFully(FileChannel channel, ByteBuffer bytes, long position) throws IOException {
        long at = position;
        while (bytes.hasRemaining()) {
            at += channel.write(bytes, at);
        }
    }
}
