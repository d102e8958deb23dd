package dev.hyaline.engine.internal.kernel;

import dev.hyaline.engine.config.ActivationFunction;

/**
 * The arithmetic of a backward pass that is not also a forward pass's, and of the step that follows it, with the
 * promises of {@link Kernels}: each output value is one fixed sequence of IEEE operations, and sums run in
 * {@link Kernels#LANES} lanes.
 */
public interface GradientKernels {
    /** {@code inOut[i] *= factor[i]}. */
    void multiply(float[] inOut, int at, float[] factor, int factorAt, int n);

    /** {@code inOut[i] *= factor}. */
    void scale(float[] inOut, int at, int n, float factor);

    /** {@code inOut[i] = fma(factor, x[i], inOut[i])}. */
    void addScaled(float[] inOut, int at, float[] x, int xAt, int n, float factor);

    /** Returns {@code sum_i a[i] b[i]}; a sum of zero has no sign. */
    float dot(float[] a, int aAt, float[] b, int bAt, int n);

    /** {@code inOut[i] *= f'(x[i])}. */
    void activationGradient(float[] inOut, int at, float[] x, int xAt, int n, ActivationFunction f);

    /**
     * From the gradient with respect to a softmax's results to that with respect to its arguments, in place:
     * {@code g[i] = p[i] (g[i] - sum_j p[j] g[j])}.
     */
    void softmaxGradient(float[] inOut, int at, float[] p, int pAt, int n);

    /**
     * From the gradient with respect to normalized values to that with respect to the values before, in place:
     * {@code g[i] = (g[i] - mean(g) - x[i] mean(g x)) / scale}.
     *
     * @param x the normalized values
     */
    void normGradient(float[] inOut, int at, float[] x, int xAt, int n, float scale);

    /**
     * Moves parameters by a step of Adam.
     *
     * @param m first moments, {@code v} second ones; both lie as the parameters do
     */
    void adam(float[] parameters, float[] m, float[] v, int at, float[] gradient, int gradientAt, int n, AdamStep step);
}
