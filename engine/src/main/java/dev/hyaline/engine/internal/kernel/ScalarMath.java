package dev.hyaline.engine.internal.kernel;

/**
 * Elementary functions as fixed chains of IEEE operations, within 2 ulp. {@code VectorMath} has the same chains; the
 * coefficients are minimax fits, which {@code MinimaxFits}, among the tests, makes again.
 */
public final class ScalarMath {
    public static final float LOG2_E = 1.442695f;
    /** ln 2 in two parts, the first with few bits, so that {@code n * LN2_HIGH} is exact. */
    public static final float LN2_HIGH = 0.6933594f;

    public static final float LN2_LOW = -0.00021219444f;
    /** Adding it rounds to an integer, left in the low bits of the sum. */
    public static final float ROUND = 12582912f;

    /** Below, exp is zero; above {@link #EXP_MAX} it is infinite. */
    public static final float EXP_MIN = -104f;

    public static final float EXP_MAX = 89f;

    public static final float EXP_2 = 0.5f;
    public static final float EXP_3 = 0.16666667f;
    public static final float EXP_4 = 0.041666463f;
    public static final float EXP_5 = 0.008333285f;
    public static final float EXP_6 = 0.0013933823f;
    public static final float EXP_7 = 0.00019907841f;

    /** {@code erf(x) / x - 1} in powers of {@code x^2}, up to {@link #ERF_SPLIT}. */
    public static final float ERF_S0 = 0.12837917f;

    public static final float ERF_S1 = -0.37612626f;
    public static final float ERF_S2 = 0.112835854f;
    public static final float ERF_S3 = -0.026853813f;
    public static final float ERF_S4 = 0.0051883277f;
    public static final float ERF_S5 = -0.00080101937f;
    public static final float ERF_S6 = 7.8538615E-5f;

    public static final float ERF_SPLIT = 1f;
    /** From here on erf rounds to 1. */
    public static final float ERF_END = 4f;

    /** {@code ln(erfc(x))} in powers of {@code x}, from {@link #ERF_SPLIT} to {@link #ERF_END}. */
    public static final float ERF_L0 = 0.00018846817f;

    public static final float ERF_L1 = -1.1295803f;
    public static final float ERF_L2 = -0.6332164f;
    public static final float ERF_L3 = -0.1084221f;
    public static final float ERF_L4 = 0.02521034f;
    public static final float ERF_L5 = -0.004205285f;
    public static final float ERF_L6 = 0.0004414727f;
    public static final float ERF_L7 = -2.1697617E-5f;

    public static final float SQRT_HALF = 0.70710677f;
    /** {@code 2 sqrt(2 / pi)} and the same times 0.044715. */
    public static final float GELU_1 = 1.5957692f;

    public static final float GELU_3 = 0.071354814f;

    private ScalarMath() {}

    public static float exp(float x) {
        float clamped = Math.min(Math.max(x, EXP_MIN), EXP_MAX);
        float rounded = Fma.fma(clamped, LOG2_E, ROUND);
        float n = rounded - ROUND;
        float r = Fma.fma(n, -LN2_LOW, Fma.fma(n, -LN2_HIGH, clamped));
        float p = Fma.fma(r, EXP_7, EXP_6);
        p = Fma.fma(p, r, EXP_5);
        p = Fma.fma(p, r, EXP_4);
        p = Fma.fma(p, r, EXP_3);
        p = Fma.fma(p, r, EXP_2);
        p = Fma.fma(p * r, r, r) + 1f;
        // 2^n as a product of two, since n alone may leave the range of exponents.
        int exponent = Float.floatToRawIntBits(rounded) - Float.floatToRawIntBits(ROUND);
        int half = exponent >> 1;
        return p * powerOfTwo(half) * powerOfTwo(exponent - half);
    }

    public static float erf(float x) {
        float t = Math.min(Math.abs(x), ERF_END);
        float s = t * t;
        float small = Fma.fma(s, ERF_S6, ERF_S5);
        small = Fma.fma(small, s, ERF_S4);
        small = Fma.fma(small, s, ERF_S3);
        small = Fma.fma(small, s, ERF_S2);
        small = Fma.fma(small, s, ERF_S1);
        small = Fma.fma(small, s, ERF_S0);
        small = Fma.fma(small, x, x);
        float large = Fma.fma(t, ERF_L7, ERF_L6);
        large = Fma.fma(large, t, ERF_L5);
        large = Fma.fma(large, t, ERF_L4);
        large = Fma.fma(large, t, ERF_L3);
        large = Fma.fma(large, t, ERF_L2);
        large = Fma.fma(large, t, ERF_L1);
        large = Fma.fma(large, t, ERF_L0);
        large = 1f - exp(large);
        return t > ERF_SPLIT ? Math.copySign(large, x) : small;
    }

    /**
     * {@code 0.5 x (1 + tanh(u / 2))} as {@code x / (1 + exp(-u))}: the same function, without the cancellation of 1 +
     * tanh.
     */
    public static float geluTanh(float x) {
        float u = x * Fma.fma(x * x, GELU_3, GELU_1);
        return x / (1f + exp(-u));
    }

    public static float gelu(float x) {
        return x * 0.5f * (1f + erf(x * SQRT_HALF));
    }

    public static float silu(float x) {
        return x / (1f + exp(-x));
    }

    /** {@link StrictMath}'s, since {@link Math}'s may differ between compiled and interpreted code. */
    public static float tanh(float x) {
        return (float) StrictMath.tanh(x);
    }

    private static float powerOfTwo(int n) {
        return Float.intBitsToFloat((n + 127) << 23);
    }
}
