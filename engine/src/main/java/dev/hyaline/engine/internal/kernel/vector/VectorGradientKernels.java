package dev.hyaline.engine.internal.kernel.vector;

import static dev.hyaline.engine.internal.kernel.Kernels.LANES;
import static dev.hyaline.engine.internal.kernel.vector.Lanes.SPECIES;
import static dev.hyaline.engine.internal.kernel.vector.Lanes.WIDTH;
import static dev.hyaline.engine.internal.kernel.vector.VectorKernels.load;

import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.internal.kernel.AdamStep;
import dev.hyaline.engine.internal.kernel.Fma;
import dev.hyaline.engine.internal.kernel.GradientKernels;
import dev.hyaline.engine.internal.kernel.ScalarGradientKernels;
import dev.hyaline.engine.internal.kernel.ScalarGradientMath;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/** The backward pass's kernels on the Vector API. */
final class VectorGradientKernels implements GradientKernels {
    @Override
    public void multiply(float[] inOut, int at, float[] factor, int factorAt, int n) {
        int i = 0;
        for (; i <= n - WIDTH; i += WIDTH) {
            load(inOut, at + i).mul(load(factor, factorAt + i)).intoArray(inOut, at + i);
        }
        for (; i < n; i++) {
            inOut[at + i] *= factor[factorAt + i];
        }
    }

    @Override
    public void scale(float[] inOut, int at, int n, float factor) {
        int i = 0;
        for (; i <= n - WIDTH; i += WIDTH) {
            load(inOut, at + i).mul(factor).intoArray(inOut, at + i);
        }
        for (; i < n; i++) {
            inOut[at + i] *= factor;
        }
    }

    @Override
    public void addScaled(float[] inOut, int at, float[] x, int xAt, int n, float factor) {
        FloatVector slope = FloatVector.broadcast(SPECIES, factor);
        int i = 0;
        for (; i <= n - WIDTH; i += WIDTH) {
            slope.fma(load(x, xAt + i), load(inOut, at + i)).intoArray(inOut, at + i);
        }
        for (; i < n; i++) {
            inOut[at + i] = Fma.fma(factor, x[xAt + i], inOut[at + i]);
        }
    }

    @Override
    public float dot(float[] a, int aAt, float[] b, int bAt, int n) {
        FloatVector folded = dotLanes(a, aAt, b, bAt, n, 0);
        if (WIDTH == 8) {
            folded = folded.add(dotLanes(a, aAt, b, bAt, n, 8));
        } else if (WIDTH == 4) {
            folded = folded.add(dotLanes(a, aAt, b, bAt, n, 8))
                    .add(dotLanes(a, aAt, b, bAt, n, 4).add(dotLanes(a, aAt, b, bAt, n, 12)));
        }
        return Lanes.tree(folded) + 0f;
    }

    private static FloatVector dotLanes(float[] a, int aAt, float[] b, int bAt, int n, int first) {
        FloatVector lanes = FloatVector.zero(SPECIES);
        int i = first;
        for (; i <= n - WIDTH; i += LANES) {
            lanes = load(a, aAt + i).fma(load(b, bAt + i), lanes);
        }
        VectorMask<Float> rest = SPECIES.indexInRange(i, n);
        return load(a, aAt + i, rest).fma(load(b, bAt + i, rest), lanes);
    }

    @Override
    public void activationGradient(float[] inOut, int at, float[] x, int xAt, int n, ActivationFunction f) {
        // One loop for each function, as in VectorKernels.
        switch (f) {
            case GELU_NEW, GELU_PYTORCH_TANH -> geluTanh(inOut, at, x, xAt, n);
            case GELU -> gelu(inOut, at, x, xAt, n);
            case RELU -> relu(inOut, at, x, xAt, n);
            case SILU -> silu(inOut, at, x, xAt, n);
            case TANH -> tanh(inOut, at, x, xAt, n);
        }
    }

    /** In scalar code: no GPT-2 of note has it. */
    private static void tanh(float[] inOut, int at, float[] x, int xAt, int n) {
        for (int i = 0; i < n; i++) {
            inOut[at + i] *= ScalarGradientMath.tanh(x[xAt + i]);
        }
    }

    private static void geluTanh(float[] inOut, int at, float[] x, int xAt, int n) {
        int i = 0;
        for (; i <= n - WIDTH; i += WIDTH) {
            load(inOut, at + i)
                    .mul(VectorGradientMath.geluTanh(load(x, xAt + i)))
                    .intoArray(inOut, at + i);
        }
        for (; i < n; i++) {
            inOut[at + i] *= ScalarGradientMath.geluTanh(x[xAt + i]);
        }
    }

    private static void gelu(float[] inOut, int at, float[] x, int xAt, int n) {
        int i = 0;
        for (; i <= n - WIDTH; i += WIDTH) {
            load(inOut, at + i).mul(VectorGradientMath.gelu(load(x, xAt + i))).intoArray(inOut, at + i);
        }
        for (; i < n; i++) {
            inOut[at + i] *= ScalarGradientMath.gelu(x[xAt + i]);
        }
    }

    private static void silu(float[] inOut, int at, float[] x, int xAt, int n) {
        int i = 0;
        for (; i <= n - WIDTH; i += WIDTH) {
            load(inOut, at + i).mul(VectorGradientMath.silu(load(x, xAt + i))).intoArray(inOut, at + i);
        }
        for (; i < n; i++) {
            inOut[at + i] *= ScalarGradientMath.silu(x[xAt + i]);
        }
    }

    private static void relu(float[] inOut, int at, float[] x, int xAt, int n) {
        FloatVector zero = FloatVector.zero(SPECIES);
        FloatVector one = FloatVector.broadcast(SPECIES, 1f);
        int i = 0;
        for (; i <= n - WIDTH; i += WIDTH) {
            FloatVector slope = zero.blend(one, load(x, xAt + i).compare(VectorOperators.GT, 0f));
            load(inOut, at + i).mul(slope).intoArray(inOut, at + i);
        }
        for (; i < n; i++) {
            inOut[at + i] *= x[xAt + i] > 0 ? 1 : 0;
        }
    }

    @Override
    public void softmaxGradient(float[] inOut, int at, float[] p, int pAt, int n) {
        float sum = dot(inOut, at, p, pAt, n);
        int i = 0;
        for (; i <= n - WIDTH; i += WIDTH) {
            load(p, pAt + i).mul(load(inOut, at + i).sub(sum)).intoArray(inOut, at + i);
        }
        for (; i < n; i++) {
            inOut[at + i] = p[pAt + i] * (inOut[at + i] - sum);
        }
    }

    @Override
    public void normGradient(float[] inOut, int at, float[] x, int xAt, int n, float scale) {
        float mean = VectorKernels.total(inOut, at, n) / n;
        float along = dot(inOut, at, x, xAt, n) / n;
        FloatVector slope = FloatVector.broadcast(SPECIES, -along);
        FloatVector divisor = FloatVector.broadcast(SPECIES, scale);
        int i = 0;
        for (; i <= n - WIDTH; i += WIDTH) {
            FloatVector g = load(inOut, at + i).sub(mean);
            slope.fma(load(x, xAt + i), g).div(divisor).intoArray(inOut, at + i);
        }
        if (i < n) {
            VectorMask<Float> rest = SPECIES.indexInRange(i, n);
            FloatVector g = load(inOut, at + i, rest).sub(mean);
            slope.fma(load(x, xAt + i, rest), g).div(divisor).intoArray(inOut, at + i, rest);
        }
    }

    @Override
    public void adam(
            float[] parameters, float[] m, float[] v, int at, float[] gradient, int gradientAt, int n, AdamStep step) {
        FloatVector beta1 = FloatVector.broadcast(SPECIES, step.beta1());
        FloatVector beta2 = FloatVector.broadcast(SPECIES, step.beta2());
        float rest1 = 1 - step.beta1();
        float rest2 = 1 - step.beta2();
        float scale = step.gradientScale();
        float rate = step.rate();
        float inverse1 = step.inverseBias1();
        float inverse2 = step.inverseBias2();
        float eps = step.eps();
        float kept = step.kept();
        int i = 0;
        for (; i <= n - WIDTH; i += WIDTH) {
            FloatVector g = load(gradient, gradientAt + i).mul(scale);
            FloatVector first = beta1.fma(load(m, at + i), g.mul(rest1));
            FloatVector second = beta2.fma(load(v, at + i), g.mul(g).mul(rest2));
            first.intoArray(m, at + i);
            second.intoArray(v, at + i);
            FloatVector root = second.mul(inverse2).sqrt().add(eps);
            FloatVector move = first.mul(inverse1).mul(rate).div(root);
            load(parameters, at + i).mul(kept).sub(move).intoArray(parameters, at + i);
        }
        ScalarGradientKernels.adam(parameters, m, v, at, gradient, gradientAt, i, n, step);
    }
}
