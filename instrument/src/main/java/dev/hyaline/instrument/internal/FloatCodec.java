package dev.hyaline.instrument.internal;

import dev.hyaline.instrument.ElementType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Floats as the types of a file, little-endian, and back. */
public final class FloatCodec {
    private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort B16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private FloatCodec() {}

    /**
     * Appends values to a little-endian buffer with room for them.
     *
     * @return finite values that became infinite because the type has none so large
     */
    public static long put(ByteBuffer to, ElementType type, float[] values, int offset, int count) {
        long overflowed = 0;
        switch (type) {
            case F32 -> {
                to.asFloatBuffer().put(values, offset, count);
                to.position(to.position() + count * Float.BYTES);
            }
            case F16 -> {
                for (int i = offset; i < offset + count; i++) {
                    short half = Float.floatToFloat16(values[i]);
                    overflowed += isOverflow(values[i], Float.float16ToFloat(half)) ? 1 : 0;
                    to.putShort(half);
                }
            }
            case BF16 -> {
                for (int i = offset; i < offset + count; i++) {
                    short brain = BFloat16.of(values[i]);
                    overflowed += isOverflow(values[i], BFloat16.toFloat(brain)) ? 1 : 0;
                    to.putShort(brain);
                }
            }
            case I64 -> throw new IllegalArgumentException("floats cannot be written as integers");
        }
        return overflowed;
    }

    private static boolean isOverflow(float value, float converted) {
        return Float.isInfinite(converted) && !Float.isInfinite(value);
    }

    /** Widens values that lie from byte {@code at} on. */
    public static void get(MemorySegment from, long at, ElementType type, float[] into, int offset, int count) {
        switch (type) {
            case F32 -> MemorySegment.copy(from, F32, at, into, offset, count);
            case F16 -> {
                for (int i = 0; i < count; i++) {
                    into[offset + i] = Float.float16ToFloat(from.get(B16, at + 2L * i));
                }
            }
            case BF16 -> {
                for (int i = 0; i < count; i++) {
                    into[offset + i] = BFloat16.toFloat(from.get(B16, at + 2L * i));
                }
            }
            case I64 -> throw new IllegalArgumentException("integers cannot be read as floats");
        }
    }
}
