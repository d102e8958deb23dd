package dev.hyaline.engine.internal.kernel;

import dev.hyaline.engine.config.ActivationFunction;

/**
 * The arithmetic of a pass, on float arrays: output first, dimensions last, an array followed by the index of its first
 * value and, for matrices, by the distance between its rows.
 *
 * <p>Each output value is one fixed sequence of IEEE operations, so every implementation gives the same bits:
 *
 * <ul>
 *   <li>Matrix products are {@code fma} chains over {@code k} in ascending order, a new chain every {@link #K_BLOCK}
 *       steps, whose ends are added to the bias in order. (A single chain would lose more bits than PyTorch does once
 *       {@code k} is in the hundreds.)
 *   <li>Sums run in {@link #LANES} lanes, element {@code i} into lane {@code i mod LANES}, and the lanes are added as a
 *       tree: lane {@code i} and lane {@code i + 8}, then {@code i + 4}, {@code i + 2}, {@code i + 1}.
 *   <li>Elementary functions are those of {@link ScalarMath}.
 * </ul>
 *
 * <p>Arguments are trusted; the caller has checked them.
 */
public interface Kernels {
    /** Lanes of a sum. */
    int LANES = 16;

    /** Positions whose keys, or values, lie together: as many as the widest vector has floats. */
    int KEYS_PER_BLOCK = 16;

    /** Steps of a chain in a matrix product. */
    int K_BLOCK = 128;

    /** {@code scalar}, or {@code vector} with its width. */
    String name();

    /** The kernels of a backward pass that go with these. */
    GradientKernels gradients();

    /** The kernels of sparse coding that go with these. */
    SparseKernels sparse();

    /**
     * Rows of a register tile, which {@link #product} reads from their interleaved copy, made by {@link #interleave}
     * beforehand; 1 if it reads rows as they lie. It may change between products.
     */
    int rowsTogether();

    /**
     * Neighbouring panels that {@link #product} of so many rows reads side by side, so that a task should have a
     * multiple of them.
     */
    int panelsTogether(int rows);

    /** Copies some groups of rows into their interleaved places, for which there is room. */
    void interleave(InputRows in, int firstGroup, int endGroup);

    /**
     * {@code out[r, j] = sum_k in[r, k] w[k, j] + bias[j]} for rows {@code firstRow} to {@code endRow} and the columns
     * of panels {@code firstPanel} to {@code endPanel}, at least one.
     *
     * @param out row {@code r} of the product is its row {@code r}, whichever rows and panels are asked for
     * @param in in groups of what {@link #rowsTogether} was
     * @param firstRow a multiple of that
     * @param scratch of the worker that calls
     */
    void product(
            Rows out,
            InputRows in,
            PackedMatrix w,
            int firstRow,
            int endRow,
            int firstPanel,
            int endPanel,
            Scratch scratch);

    /** {@code inOut[i] += addend[i]}. */
    void add(float[] inOut, int inOutAt, float[] addend, int addendAt, int n);

    /** {@code out[i] = a[i] + b[i]}. */
    void sum(float[] out, int outAt, float[] a, int aAt, float[] b, int bAt, int n);

    /** {@code inOut[i] = f(inOut[i])}. */
    void activate(float[] inOut, int at, int n, ActivationFunction f);

    /** {@code out[i] = x[i] - mean(x)}; returns {@code sqrt(mean(out^2) + eps)}. */
    float center(float[] out, int outAt, float[] x, int xAt, int n, float eps);

    /** {@code inOut[i] /= divisor}. */
    void divide(float[] inOut, int at, int n, float divisor);

    /** {@code out[i] = fma(x[i], gain[i], bias[i])}. */
    void affine(float[] out, int outAt, float[] x, int xAt, float[] gain, float[] bias, int n);

    /**
     * Scores of some queries with all keys of the first {@code blocks} blocks: {@code out[r, j] = scale * sum_e q[r, e]
     * keys[j, e]}.
     */
    void scores(Rows out, Rows q, int queries, HeadBlocks keys, int blocks, float scale);

    /** {@code row = exp(row - max) / sum}, in place. */
    void softmax(float[] row, int at, int n);

    /**
     * Continues the chains {@code z[r, e] = fma(pattern[r, j], values[j, e], z[r, e])} over the keys {@code j} from
     * {@code firstKey} to {@code endKey}.
     *
     * @param pattern each query's weights, from key 0 on
     */
    void weigh(Rows z, Rows pattern, int queries, HeadBlocks values, int firstKey, int endKey);
}
