package dev.hyaline.files;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Conversion of floats to and from the types of a file, little-endian, at any alignment. */
public final class FloatCodec {
    private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfDouble F64 =
            ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort BITS16 =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private FloatCodec() {}

    /**
     * Appends values to a little-endian buffer with room for them, each rounded to nearest, ties to even.
     *
     * @param type F32, F16 or BF16
     * @return the number of finite values that became infinite because they are too large for the type
     */
    public static long put(ByteBuffer to, Dtype type, float[] values, int offset, int count) {
        long overflowed = 0;
        switch (type) {
            case F32 -> {
                to.asFloatBuffer().put(values, offset, count);
                to.position(to.position() + count * Float.BYTES);
            }
            case F16, BF16 -> {
                for (int i = offset; i < offset + count; i++) {
                    float stored = rounded(type, values[i]);
                    overflowed += Float.isInfinite(stored) && !Float.isInfinite(values[i]) ? 1 : 0;
                    to.putShort((short) bits(type, values[i]));
                }
            }
            default -> throw new IllegalArgumentException("floats are not written as " + type);
        }
        return overflowed;
    }

    /** The stored bits of a value: 32 for F32, and the lower 16 for F16 and BF16. */
    public static int bits(Dtype type, float value) {
        return switch (type) {
            case F32 -> Float.floatToRawIntBits(value);
            case F16 -> Float.floatToFloat16(value);
            case BF16 -> floatToBfloat16(value);
            default -> throw new IllegalArgumentException("floats are not written as " + type);
        };
    }

    /** A value rounded to F32, F16 or BF16 and widened again. */
    public static float rounded(Dtype type, float value) {
        return switch (type) {
            case F32 -> value;
            case F16 -> Float.float16ToFloat(Float.floatToFloat16(value));
            case BF16 -> bfloat16ToFloat(floatToBfloat16(value));
            default -> throw new IllegalArgumentException("floats are not written as " + type);
        };
    }

    /**
     * Widens values; F64 is rounded.
     *
     * @param at offset in bytes of the first value
     * @param type F64, F32, F16 or BF16
     */
    public static void get(MemorySegment from, long at, Dtype type, float[] into, int offset, int count) {
        switch (type) {
            case F64 -> {
                for (int i = 0; i < count; i++) {
                    into[offset + i] = (float) from.get(F64, at + (long) Double.BYTES * i);
                }
            }
            case F32 -> MemorySegment.copy(from, F32, at, into, offset, count);
            case F16 -> {
                for (int i = 0; i < count; i++) {
                    into[offset + i] = Float.float16ToFloat(from.get(BITS16, at + (long) Short.BYTES * i));
                }
            }
            case BF16 -> {
                for (int i = 0; i < count; i++) {
                    into[offset + i] = bfloat16ToFloat(from.get(BITS16, at + (long) Short.BYTES * i));
                }
            }
            default -> throw new IllegalArgumentException(type + " is not read as floats");
        }
    }

    private static float bfloat16ToFloat(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    /** Values beyond the largest become infinite, NaN stays NaN. The JDK has no such method, as it has for F16. */
    private static short floatToBfloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) ((bits >>> 16) | 0x40);
        }
        return (short) ((bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16);
    }
}
