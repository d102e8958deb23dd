package dev.hyaline.engine.internal.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.engine.config.ActivationFunction;
import java.util.Random;
import java.util.function.BiConsumer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The backward pass's vector kernels of each width against the scalar ones: equal bits. */
class GradientKernelsTest {
    private static final GradientKernels SCALAR = KernelTwins.SCALAR.gradients();

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 13, 16, 31, 64, 207, 702, 4098})
    void twinsAgreeOnRows(int n) {
        equalBits(n, (kernels, out) -> kernels.multiply(out, 2, random(n + 9, 2), 1, n));
        equalBits(n, (kernels, out) -> kernels.addScaled(out, 2, random(n + 9, 6), 1, n, -0.7f));
        equalBits(n, (kernels, out) -> kernels.scale(out, 2, n, 0.37f));
        equalBits(n, (kernels, out) -> out[0] = kernels.dot(out, 2, random(n + 9, 3), 1, n));
        equalBits(n, (kernels, out) -> kernels.softmaxGradient(out, 2, random(n + 9, 4), 1, n));
        equalBits(n, (kernels, out) -> kernels.normGradient(out, 2, random(n + 9, 5), 1, n, 1.7f));
    }

    @ParameterizedTest
    @EnumSource
    void twinsAgreeOnActivationGradients(ActivationFunction f) {
        int n = 4099;
        float[] x = random(n, 1);
        for (int i = 0; i < n; i++) {
            x[i] *= (float) Math.pow(10, i % 7 - 3);
        }
        float[] special = {0f, -0f, 1e30f, -1e30f, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 90f, -90f};
        System.arraycopy(special, 0, x, 0, special.length);
        equalBits(n, (kernels, out) -> kernels.activationGradient(out, 2, x, 0, n, f));
    }

    @ParameterizedTest
    @EnumSource
    void activationGradientsAreTheSlopes(ActivationFunction f) {
        for (float x = -12; x < 12; x += 0.37f) {
            float[] gradient = {1};
            SCALAR.activationGradient(gradient, 0, new float[] {x}, 0, 1, f);
            double step = 1e-5;
            double slope = (value(x + step, f) - value(x - step, f)) / (2 * step);
            assertThat((double) gradient[0]).as(f + " at " + x).isCloseTo(slope, within(5e-7));
        }
        float[] far = {1, 1};
        SCALAR.activationGradient(far, 0, new float[] {1e30f, -1e30f}, 0, 2, f);
        assertThat(far).containsExactly(f == ActivationFunction.TANH ? 0 : 1, 0);
    }

    private static double value(double x, ActivationFunction f) {
        return switch (f) {
            case GELU_NEW, GELU_PYTORCH_TANH ->
                x / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
            case GELU -> x / 2 * (1 + erf(x / Math.sqrt(2)));
            case RELU -> Math.max(0, x);
            case SILU -> x / (1 + Math.exp(-x));
            case TANH -> Math.tanh(x);
        };
    }

    /** Abramowitz and Stegun's series 7.1.6, which converges everywhere. */
    private static double erf(double x) {
        double term = x;
        double sum = x;
        for (int n = 1; n < 400; n++) {
            term *= 2 * x * x / (2 * n + 1);
            sum += term;
        }
        return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
    }

    private static void equalBits(int n, BiConsumer<GradientKernels, float[]> run) {
        float[] expected = random(n + 9, 1);
        float[] before = expected.clone();
        run.accept(SCALAR, expected);
        assertThat(expected).isNotEqualTo(before);
        for (Kernels kernels : KernelTwins.VECTORS) {
            float[] found = before.clone();
            run.accept(kernels.gradients(), found);
            assertThat(bits(found)).as(kernels.name()).isEqualTo(bits(expected));
        }
    }

    private static int[] bits(float[] values) {
        int[] bits = new int[values.length];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = Float.floatToIntBits(values[i]);
        }
        return bits;
    }

    private static float[] random(int n, long seed) {
        Random random = new Random(seed);
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }
}
