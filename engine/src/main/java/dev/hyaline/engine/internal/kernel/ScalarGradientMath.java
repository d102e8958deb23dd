package dev.hyaline.engine.internal.kernel;

/**
 * Derivatives of the activation functions as fixed chains of IEEE operations; {@code VectorGradientMath} has the same
 * chains. Those of the logistic functions take {@code exp(-|u|)}, so that neither {@code s} nor {@code 1 - s} cancels.
 */
public final class ScalarGradientMath {
    /** {@code 1 / sqrt(2 pi)}. */
    public static final float NORMAL_DENSITY = 0.3989423f;
    /** Three times {@link ScalarMath#GELU_3}. */
    public static final float GELU_3_TIMES_3 = 3 * ScalarMath.GELU_3;

    private ScalarGradientMath() {}

    /**
     * With {@code u} as in {@link ScalarMath#geluTanh} and {@code s} its logistic function: {@code s + x s (1-s) u'}.
     */
    public static float geluTanh(float x) {
        float square = x * x;
        float u = x * Fma.fma(square, ScalarMath.GELU_3, ScalarMath.GELU_1);
        return logistic(x * Fma.fma(square, GELU_3_TIMES_3, ScalarMath.GELU_1), u);
    }

    /** {@code s(x) (1 + x (1 - s(x)))}. */
    public static float silu(float x) {
        return logistic(x, x);
    }

    /** {@code s + factor s (1 - s)}, with {@code s} the logistic function of {@code u}. */
    private static float logistic(float factor, float u) {
        float e = ScalarMath.exp(-Math.abs(u));
        float larger = 1f / (1f + e);
        float smaller = e * larger;
        // A factor may be infinite where the other is zero.
        float product = larger * smaller;
        float slope = product == 0f ? 0f : factor * product;
        return slope + (u < 0 ? smaller : larger);
    }

    /** {@code Phi(x) + x phi(x)}. */
    public static float gelu(float x) {
        float density = NORMAL_DENSITY * ScalarMath.exp(-0.5f * x * x);
        return Fma.fma(x, density, 0.5f * (1f + ScalarMath.erf(x * ScalarMath.SQRT_HALF)));
    }

    /** {@code 1 - tanh(x)^2}. */
    public static float tanh(float x) {
        float t = ScalarMath.tanh(x);
        return 1f - t * t;
    }
}
