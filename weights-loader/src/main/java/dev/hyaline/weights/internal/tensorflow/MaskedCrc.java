package dev.hyaline.weights.internal.tensorflow;

import java.lang.foreign.MemorySegment;
import java.util.zip.CRC32C;

/** The checksum of LevelDB and TensorFlow: CRC-32C, rotated and shifted so that it can be stored in what it covers. */
final class MaskedCrc {
    private static final int DELTA = 0xa282ead8;
    private static final long CHUNK = 1 << 24;

    private MaskedCrc() {}

    static int of(MemorySegment... parts) {
        CRC32C crc = new CRC32C();
        for (MemorySegment part : parts) {
            for (long at = 0; at < part.byteSize(); at += CHUNK) {
                crc.update(
                        part.asSlice(at, Math.min(CHUNK, part.byteSize() - at)).asByteBuffer());
            }
        }
        return Integer.rotateRight((int) crc.getValue(), 15) + DELTA;
    }
}
