package dev.hyaline.engine.internal.kernel;

import static dev.hyaline.engine.internal.kernel.Kernels.LANES;

import dev.hyaline.engine.config.ActivationFunction;

/** The backward pass's kernels in plain Java: the definition that the vector kernels are tested against. */
public final class ScalarGradientKernels implements GradientKernels {
    @Override
    public void multiply(float[] inOut, int at, float[] factor, int factorAt, int n) {
        for (int i = 0; i < n; i++) {
            inOut[at + i] *= factor[factorAt + i];
        }
    }

    @Override
    public void scale(float[] inOut, int at, int n, float factor) {
        for (int i = at; i < at + n; i++) {
            inOut[i] *= factor;
        }
    }

    @Override
    public void addScaled(float[] inOut, int at, float[] x, int xAt, int n, float factor) {
        for (int i = 0; i < n; i++) {
            inOut[at + i] = Fma.fma(factor, x[xAt + i], inOut[at + i]);
        }
    }

    @Override
    public float dot(float[] a, int aAt, float[] b, int bAt, int n) {
        float[] lanes = new float[LANES];
        for (int i = 0; i < n; i++) {
            lanes[i % LANES] = Fma.fma(a[aAt + i], b[bAt + i], lanes[i % LANES]);
        }
        return ScalarKernels.tree(lanes) + 0f;
    }

    @Override
    public void activationGradient(float[] inOut, int at, float[] x, int xAt, int n, ActivationFunction f) {
        for (int i = 0; i < n; i++) {
            inOut[at + i] *= derivative(x[xAt + i], f);
        }
    }

    private static float derivative(float x, ActivationFunction f) {
        return switch (f) {
            case GELU_NEW, GELU_PYTORCH_TANH -> ScalarGradientMath.geluTanh(x);
            case GELU -> ScalarGradientMath.gelu(x);
            case RELU -> x > 0 ? 1 : 0;
            case SILU -> ScalarGradientMath.silu(x);
            case TANH -> ScalarGradientMath.tanh(x);
        };
    }

    @Override
    public void softmaxGradient(float[] inOut, int at, float[] p, int pAt, int n) {
        float sum = dot(inOut, at, p, pAt, n);
        for (int i = 0; i < n; i++) {
            inOut[at + i] = p[pAt + i] * (inOut[at + i] - sum);
        }
    }

    @Override
    public void normGradient(float[] inOut, int at, float[] x, int xAt, int n, float scale) {
        float[] lanes = new float[LANES];
        for (int i = 0; i < n; i++) {
            lanes[i % LANES] += inOut[at + i];
        }
        float mean = ScalarKernels.tree(lanes) / n;
        float along = dot(inOut, at, x, xAt, n) / n;
        for (int i = 0; i < n; i++) {
            inOut[at + i] = Fma.fma(-along, x[xAt + i], inOut[at + i] - mean) / scale;
        }
    }

    @Override
    public void adam(
            float[] parameters, float[] m, float[] v, int at, float[] gradient, int gradientAt, int n, AdamStep step) {
        adam(parameters, m, v, at, gradient, gradientAt, 0, n, step);
    }

    /** Elements {@code first} to {@code n}, for the vector kernels too. */
    public static void adam(
            float[] parameters,
            float[] m,
            float[] v,
            int at,
            float[] gradient,
            int gradientAt,
            int first,
            int n,
            AdamStep step) {
        for (int i = first; i < n; i++) {
            int p = at + i;
            float g = gradient[gradientAt + i] * step.gradientScale();
            m[p] = Fma.fma(step.beta1(), m[p], (1 - step.beta1()) * g);
            v[p] = Fma.fma(step.beta2(), v[p], (1 - step.beta2()) * (g * g));
            float root = (float) Math.sqrt(v[p] * step.inverseBias2());
            float move = step.rate() * (m[p] * step.inverseBias1()) / (root + step.eps());
            parameters[p] = parameters[p] * step.kept() - move;
        }
    }
}
