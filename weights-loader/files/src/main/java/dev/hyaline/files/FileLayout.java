package dev.hyaline.files;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.Comparator;
import java.util.List;

/**
 * The offset of each tensor's bytes in a file, fixed before any value is known so that values can be written as they
 * come.
 */
public sealed interface FileLayout permits SafetensorsLayout, NpzLayout {
    /**
     * The order of tensors in a file: wider types first, then by name, so that every tensor is aligned if the first is.
     */
    Comparator<TensorEntry> FILE_ORDER = Comparator.<TensorEntry>comparingInt(
                    tensor -> -tensor.dtype().bytes())
            .thenComparing(TensorEntry::name);

    /** The tensors in the order of the file. */
    List<TensorEntry> tensors();

    /** The offset in the file of a tensor's first value. */
    long dataOffset(int tensor);

    /** The size of the whole file. */
    long fileBytes();

    /** Returns whether {@link #writeFrame} needs checksums. */
    boolean checksummed();

    /** The bytes before a tensor's values that its checksum covers. */
    byte[] prologue(int tensor);

    /**
     * Writes everything but the tensors' values.
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
