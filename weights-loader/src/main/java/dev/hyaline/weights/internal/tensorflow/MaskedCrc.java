package dev.hyaline.weights.internal.tensorflow;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.zip.CRC32C;

/**
 * The checksum of LevelDB and TensorFlow: CRC-32C, rotated and shifted so that it can be stored within the data that it
 * covers.
 */
final class MaskedCrc {
    private static final int DELTA = 0xa282ead8;
    private static final int CHUNK = 1 << 16;

    private MaskedCrc() {}

    static int of(MemorySegment... parts) {
        CRC32C crc = new CRC32C();
        byte[] chunk = new byte[CHUNK];
        for (MemorySegment part : parts) {
            for (long at = 0; at < part.byteSize(); at += CHUNK) {
                int length = (int) Math.min(CHUNK, part.byteSize() - at);
                // Copying mapped memory that no longer exists throws an error; the checksum's native code would crash
                // the JVM.
                MemorySegment.copy(part, ValueLayout.JAVA_BYTE, at, chunk, 0, length);
                crc.update(chunk, 0, length);
            }
        }
        return Integer.rotateRight((int) crc.getValue(), 15) + DELTA;
    }
}
