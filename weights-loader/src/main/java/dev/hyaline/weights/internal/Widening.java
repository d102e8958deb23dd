package dev.hyaline.weights.internal;

import dev.hyaline.weights.StorageDtype;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Stored parameters to floats; every conversion is exact. Tensors may begin at any byte, so no access is aligned. */
final class Widening {
    private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort BITS16 =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private Widening() {}

    /**
     * Copies elements.
     *
     * @param from the bytes of a tensor
     * @param first element to copy
     */
    static void copy(StorageDtype dtype, MemorySegment from, long first, int count, float[] out, int offset) {
        long start = first * dtype.bytes();
        switch (dtype) {
            case F32 -> MemorySegment.copy(from, F32, start, out, offset, count);
            case F16 -> {
                for (int i = 0; i < count; i++) {
                    out[offset + i] = Float.float16ToFloat(from.get(BITS16, start + 2L * i));
                }
            }
            case BF16 -> {
                for (int i = 0; i < count; i++) {
                    out[offset + i] = Float.intBitsToFloat(from.get(BITS16, start + 2L * i) << 16);
                }
            }
        }
    }
}
