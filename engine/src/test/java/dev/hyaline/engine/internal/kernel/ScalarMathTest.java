package dev.hyaline.engine.internal.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;

class ScalarMathTest {
    private interface FloatFunction {
        float of(float x);
    }

    @Test
    void expIsWithinTwoUlp() {
        assertThat(largestError(ScalarMath::exp, StrictMath::exp, -104.5f, 88.72f))
                .isLessThan(2);
    }

    @Test
    void erfIsWithinTwoUlp() {
        assertThat(largestError(ScalarMath::erf, ScalarMathTest::erf, -5, 5)).isLessThan(2);
        assertThat(largestError(ScalarMath::erf, ScalarMathTest::erf, -1e-3f, 1e-3f))
                .isLessThan(2);
    }

    @Test
    void theCoefficientsAreMinimaxFits() {
        assertThat(MinimaxFits.exp())
                .containsExactly(
                        ScalarMath.EXP_2,
                        ScalarMath.EXP_3,
                        ScalarMath.EXP_4,
                        ScalarMath.EXP_5,
                        ScalarMath.EXP_6,
                        ScalarMath.EXP_7);
        assertThat(MinimaxFits.smallErf())
                .containsExactly(
                        ScalarMath.ERF_S0,
                        ScalarMath.ERF_S1,
                        ScalarMath.ERF_S2,
                        ScalarMath.ERF_S3,
                        ScalarMath.ERF_S4,
                        ScalarMath.ERF_S5,
                        ScalarMath.ERF_S6);
        assertThat(MinimaxFits.largeErf())
                .containsExactly(
                        ScalarMath.ERF_L0,
                        ScalarMath.ERF_L1,
                        ScalarMath.ERF_L2,
                        ScalarMath.ERF_L3,
                        ScalarMath.ERF_L4,
                        ScalarMath.ERF_L5,
                        ScalarMath.ERF_L6,
                        ScalarMath.ERF_L7);
    }

    @Test
    void theOtherConstantsAreRoundedOrSplit() {
        assertThat(ScalarMath.LOG2_E).isEqualTo((float) (1 / Math.log(2)));
        assertThat(ScalarMath.LN2_HIGH).isEqualTo(355 / 512f);
        assertThat(ScalarMath.LN2_LOW).isEqualTo((float) (Math.log(2) - ScalarMath.LN2_HIGH));
        assertThat(ScalarMath.SQRT_HALF).isEqualTo((float) Math.sqrt(0.5));
        assertThat(ScalarMath.GELU_1).isEqualTo((float) (2 * Math.sqrt(2 / Math.PI)));
        assertThat(ScalarMath.GELU_3).isEqualTo((float) (2 * Math.sqrt(2 / Math.PI) * 0.044715));
    }

    @Test
    void endsAreExact() {
        assertThat(ScalarMath.exp(0)).isEqualTo(1);
        assertThat(ScalarMath.exp(Float.NEGATIVE_INFINITY)).isEqualTo(0);
        assertThat(ScalarMath.exp(Float.POSITIVE_INFINITY)).isEqualTo(Float.POSITIVE_INFINITY);
        assertThat(ScalarMath.exp(Float.NaN)).isNaN();
        assertThat(ScalarMath.erf(Float.NEGATIVE_INFINITY)).isEqualTo(-1);
        assertThat(ScalarMath.erf(Float.POSITIVE_INFINITY)).isEqualTo(1);
        assertThat(ScalarMath.erf(-0f)).isEqualTo(-0f);
        assertThat(ScalarMath.erf(Float.NaN)).isNaN();
    }

    @Test
    void activationsMatchTheirDefinitions() {
        for (float x = -12; x < 12; x += 0.001f) {
            double u = Math.sqrt(2 / Math.PI) * (x + 0.044715 * Math.pow(x, 3));
            assertThat((double) ScalarMath.geluTanh(x)).isCloseTo(0.5 * x * (1 + Math.tanh(u)), near(x));
            assertThat((double) ScalarMath.gelu(x)).isCloseTo(0.5 * x * (1 + erf(x / Math.sqrt(2))), near(x));
            assertThat((double) ScalarMath.silu(x)).isCloseTo(x / (1 + Math.exp(-x)), near(x));
        }
    }

    private static org.assertj.core.data.Offset<Double> near(float x) {
        return org.assertj.core.data.Offset.offset(3e-7 * Math.max(1, Math.abs(x)));
    }

    /** In units of the last place of the true value, over evenly spaced points. */
    private static double largestError(FloatFunction f, DoubleUnaryOperator truth, float from, float to) {
        double largest = 0;
        int steps = 2_000_000;
        for (int i = 0; i <= steps; i++) {
            float x = (float) (from + (double) (to - from) * i / steps);
            double expected = truth.applyAsDouble(x);
            double ulp = Math.ulp((float) expected);
            largest = Math.max(largest, Math.abs(f.of(x) - expected) / ulp);
        }
        return largest;
    }

    /** By its Maclaurin series, and by the continued fraction of erfc beyond 2.5: good to 1e-15. */
    private static double erf(double x) {
        double t = Math.abs(x);
        if (t > 2.5) {
            double fraction = 0;
            for (int i = 120; i > 0; i--) {
                fraction = i / 2.0 / (t + fraction);
            }
            return Math.copySign(1 - Math.exp(-t * t) / Math.sqrt(Math.PI) / (t + fraction), x);
        }
        double term = x;
        double sum = x;
        for (int i = 1; i < 80; i++) {
            term *= -x * x / i;
            sum += term / (2 * i + 1);
        }
        return 2 / Math.sqrt(Math.PI) * sum;
    }
}
