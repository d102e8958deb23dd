package dev.hyaline.engine.internal.kernel;

/**
 * The arithmetic of sparse coding: sums over chosen rows, which are what is left of a product whose left side is nearly
 * all zeros, and the choice itself. With the promises of {@link Kernels}: each output value is one fixed sequence of
 * IEEE operations, and sums run in {@link Kernels#LANES} lanes.
 */
public interface SparseKernels {
    /** Lanes of a sum of doubles. */
    int DOUBLE_LANES = 8;

    /**
     * {@code inOut[c] += sum_j factors[j] source[rows[j], c]} for {@code j} from {@code from} to {@code end}: chains
     * over {@code j}, a new one every {@link Kernels#K_BLOCK} rows, whose ends are added in order.
     */
    void addScaledRows(float[] inOut, int at, int n, float[] factors, int[] rows, int from, int end, Rows source);

    /** {@code out[j] = sum_c w[c] source[rows[j], c]} for {@code j} from {@code from} to {@code end}, in lanes. */
    void dotRows(float[] out, float[] w, int wAt, int n, int[] rows, int from, int end, Rows source);

    /**
     * The product of two vectors of doubles, in {@link #DOUBLE_LANES} lanes: each product is rounded before it is added
     * to its lane; the lanes' ends are added as a tree, and then the chain of what is left beyond whole lanes.
     */
    double dot(double[] a, int aAt, double[] b, int bAt, int n);

    /**
     * {@code out[outAt + j] = sum_c w[wAt + c] source[rows[j] * n + c]} for {@code j} below {@code count}, each as
     * {@link #dot}.
     */
    void dotRows(double[] out, int outAt, double[] w, int wAt, int n, double[] source, int[] rows, int count);

    /**
     * Finds the values above a cut.
     *
     * @param indices {@code i} of each {@code values[at + i] > cut}, ascending, from {@code indicesAt} on
     * @return how many there are
     */
    int above(float[] values, int at, int n, float cut, int[] indices, int indicesAt);

    /** As {@link #above}, of the values whose size is above the cut. */
    int outside(float[] values, int at, int n, float cut, int[] indices, int indicesAt);

    /**
     * Finds the values above cuts of their own.
     *
     * @param indices {@code i} of each {@code values[at + i] > cuts[cutsAt + i]}, ascending, from {@code indicesAt} on
     * @return how many there are
     */
    int aboveEach(float[] values, int at, int n, float[] cuts, int cutsAt, int[] indices, int indicesAt);

    /**
     * The gradient through a ReLU: {@code inOut[at + i]} becomes {@code inOut[at + i] + shift} where
     * {@code outputs[outputsAt + i] > 0}, and 0 elsewhere.
     *
     * @return how many outputs are above 0
     */
    int reluGradient(float[] inOut, int at, float[] outputs, int outputsAt, int n, float shift);

    /** {@code out[outAt + i] = max(in[inAt + i] + bias, 0)}. */
    void biasedRelu(float[] out, int outAt, float[] in, int inAt, int n, float bias);
}
