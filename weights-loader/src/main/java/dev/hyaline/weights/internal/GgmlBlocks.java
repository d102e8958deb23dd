package dev.hyaline.weights.internal;

import dev.hyaline.weights.StorageDtype;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The blocks of ggml's quantised values: integers of a few bits that share a half-precision scale.
 *
 * @see <a href="https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h">the structs of ggml-common.h</a>
 */
final class GgmlBlocks {
    private static final ValueLayout.OfShort F16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt BITS32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final int HALF = 16;

    /** A shift that changes no float: adding +0 would turn -0 into 0. */
    private static final float NO_SHIFT = -0f;

    private GgmlBlocks() {}

    /**
     * Decodes one block.
     *
     * @param at its first byte
     * @param out receives {@code dtype.blockValues()} values
     */
    static void decode(StorageDtype dtype, MemorySegment from, long at, float[] out) {
        switch (dtype) {
            case Q8_0 -> bytes(from, at, out);
            case Q4_0 -> nibbles(from, at + 2, 0, scale(from, at), -8, NO_SHIFT, out);
            case Q4_1 -> nibbles(from, at + 4, 0, scale(from, at), 0, scale(from, at + 2), out);
            case Q5_0 -> nibbles(from, at + 6, from.get(BITS32, at + 2), scale(from, at), -16, NO_SHIFT, out);
            case Q5_1 -> nibbles(from, at + 8, from.get(BITS32, at + 4), scale(from, at), 0, scale(from, at + 2), out);
            case Q6_K -> sixBits(from, at, out);
            default -> throw new IllegalArgumentException(dtype + " has no blocks");
        }
    }

    private static float scale(MemorySegment from, long at) {
        return Float.float16ToFloat(from.get(F16, at));
    }

    private static void bytes(MemorySegment from, long at, float[] out) {
        float scale = scale(from, at);
        for (int i = 0; i < out.length; i++) {
            out[i] = scale * from.get(ValueLayout.JAVA_BYTE, at + 2 + i);
        }
    }

    /**
     * Decodes values whose low four bits are in byte i mod 16 for value i, the first half of the values in the lower
     * half of the byte.
     *
     * @param fifths the fifth bit of each value
     * @param least added to each integer
     * @param shift added to each product
     */
    private static void nibbles(
            MemorySegment from, long at, int fifths, float scale, int least, float shift, float[] out) {
        for (int i = 0; i < HALF; i++) {
            int pair = from.get(ValueLayout.JAVA_BYTE, at + i);
            int low = (pair & 0xF) | (((fifths >>> i) & 1) << 4);
            int high = ((pair >>> 4) & 0xF) | (((fifths >>> (i + HALF)) & 1) << 4);
            out[i] = scale * (low + least) + shift;
            out[i + HALF] = scale * (high + least) + shift;
        }
    }

    /**
     * Decodes two halves of 128 values; each has 64 bytes of low four bits, 32 bytes of high two bits and 8 scales. The
     * bytes of each kind are together: 128, 64 and 16 of them, then the scale of the scales.
     */
    private static void sixBits(MemorySegment from, long at, float[] out) {
        float scale = scale(from, at + 208);
        for (int i = 0; i < out.length; i++) {
            int half = i / 128;
            int quarter = i % 128 / 32;
            int lane = i % 32;
            int low = from.get(ValueLayout.JAVA_BYTE, at + 64L * half + 32L * (quarter % 2) + lane);
            int high = from.get(ValueLayout.JAVA_BYTE, at + 128 + 32L * half + lane);
            int value = ((low >>> (4 * (quarter / 2))) & 0xF) | (((high >>> (2 * quarter)) & 3) << 4);
            float local = scale * from.get(ValueLayout.JAVA_BYTE, at + 192 + i / HALF);
            out[i] = local * (value - 32);
        }
    }
}
