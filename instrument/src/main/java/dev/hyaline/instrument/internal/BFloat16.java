package dev.hyaline.instrument.internal;

/** Conversion to bfloat16, the upper 16 bits of a float. */
public final class BFloat16 {
    private BFloat16() {}

    /**
     * The nearest bfloat16, the even one of two equally near; values beyond the largest become infinite, NaN stays NaN.
     */
    public static short of(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) ((bits >>> 16) | 0x40);
        }
        return (short) ((bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16);
    }

    public static float toFloat(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }
}
