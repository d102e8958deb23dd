package dev.hyaline.engine.internal.kernel.vector;

import static dev.hyaline.engine.internal.kernel.vector.Lanes.SPECIES;
import static dev.hyaline.engine.internal.kernel.vector.Lanes.WIDTH;

import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.internal.kernel.GradientKernels;
import dev.hyaline.engine.internal.kernel.HeadBlocks;
import dev.hyaline.engine.internal.kernel.InputRows;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.kernel.Rows;
import dev.hyaline.engine.internal.kernel.ScalarMath;
import dev.hyaline.engine.internal.kernel.Scratch;
import dev.hyaline.engine.internal.kernel.SparseKernels;
import dev.hyaline.engine.internal.kernel.TileShape;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * The kernels on the Vector API. Only {@code KernelProvider} may touch this class, once it knows that the API is there.
 */
public final class VectorKernels implements Kernels {
    /** Bits of a vector, when the machine's preference is not wanted: 128, 256 or 512. */
    public static final String WIDTH_PROPERTY = Lanes.WIDTH_PROPERTY;

    /** The shape of the tiles and the reason for it. */
    public static TileShape.Choice tiles() {
        return Lanes.TILES;
    }

    @Override
    public String name() {
        return "vector" + SPECIES.vectorBitSize();
    }

    @Override
    public GradientKernels gradients() {
        return new VectorGradientKernels();
    }

    @Override
    public SparseKernels sparse() {
        return new VectorSparseKernels();
    }

    @Override
    public int rowsTogether() {
        return TileCompilation.shape().rows();
    }

    @Override
    public int panelsTogether(int rows) {
        return Tiles.panelsTogether(rows, TileCompilation.shape().rows());
    }

    @Override
    public void interleave(InputRows in, int firstGroup, int endGroup) {
        Interleaving.interleave(in, firstGroup, endGroup);
    }

    @Override
    public void product(
            Rows out,
            InputRows in,
            PackedMatrix w,
            int firstRow,
            int endRow,
            int firstPanel,
            int endPanel,
            Scratch scratch) {
        Tiles.product(out.values(), out.at(), out.stride(), in, w, firstRow, endRow, firstPanel, endPanel, scratch);
        TileCompilation.multiplied(endRow - firstRow, (long) w.k() * w.columns(firstPanel, endPanel));
    }

    @Override
    public void add(float[] inOut, int inOutAt, float[] addend, int addendAt, int n) {
        sum(inOut, inOutAt, inOut, inOutAt, addend, addendAt, n);
    }

    @Override
    public void sum(float[] out, int outAt, float[] a, int aAt, float[] b, int bAt, int n) {
        int i = 0;
        for (; i <= n - WIDTH; i += WIDTH) {
            load(a, aAt + i).add(load(b, bAt + i)).intoArray(out, outAt + i);
        }
        if (i < n) {
            VectorMask<Float> rest = SPECIES.indexInRange(i, n);
            load(a, aAt + i, rest).add(load(b, bAt + i, rest)).intoArray(out, outAt + i, rest);
        }
    }

    @Override
    public void activate(float[] inOut, int at, int n, ActivationFunction f) {
        // One loop for each function: a switch inside the loop would keep C2 from holding constants in registers. What
        // is left over of a row is done in scalar code: a second copy of a function would exceed what C2 inlines into
        // one method.
        switch (f) {
            case GELU_NEW, GELU_PYTORCH_TANH -> geluTanh(inOut, at, n);
            case GELU -> gelu(inOut, at, n);
            case RELU -> relu(inOut, at, n);
            case SILU -> silu(inOut, at, n);
            case TANH -> tanh(inOut, at, n);
        }
    }

    /** In scalar code: no GPT-2 of note has it. */
    private static void tanh(float[] inOut, int at, int n) {
        for (int i = at; i < at + n; i++) {
            inOut[i] = ScalarMath.tanh(inOut[i]);
        }
    }

    private static void geluTanh(float[] inOut, int at, int n) {
        int i = 0;
        for (; i <= n - WIDTH; i += WIDTH) {
            VectorMath.geluTanh(load(inOut, at + i)).intoArray(inOut, at + i);
        }
        for (; i < n; i++) {
            inOut[at + i] = ScalarMath.geluTanh(inOut[at + i]);
        }
    }

    private static void gelu(float[] inOut, int at, int n) {
        int i = 0;
        for (; i <= n - WIDTH; i += WIDTH) {
            VectorMath.gelu(load(inOut, at + i)).intoArray(inOut, at + i);
        }
        for (; i < n; i++) {
            inOut[at + i] = ScalarMath.gelu(inOut[at + i]);
        }
    }

    private static void relu(float[] inOut, int at, int n) {
        int i = 0;
        for (; i <= n - WIDTH; i += WIDTH) {
            load(inOut, at + i).max(0f).intoArray(inOut, at + i);
        }
        if (i < n) {
            VectorMask<Float> rest = SPECIES.indexInRange(i, n);
            load(inOut, at + i, rest).max(0f).intoArray(inOut, at + i, rest);
        }
    }

    private static void silu(float[] inOut, int at, int n) {
        int i = 0;
        for (; i <= n - WIDTH; i += WIDTH) {
            VectorMath.silu(load(inOut, at + i)).intoArray(inOut, at + i);
        }
        for (; i < n; i++) {
            inOut[at + i] = ScalarMath.silu(inOut[at + i]);
        }
    }

    @Override
    public float center(float[] out, int outAt, float[] x, int xAt, int n, float eps) {
        float mean = total(x, xAt, n) / n;
        int i = 0;
        for (; i <= n - WIDTH; i += WIDTH) {
            load(x, xAt + i).sub(mean).intoArray(out, outAt + i);
        }
        if (i < n) {
            VectorMask<Float> rest = SPECIES.indexInRange(i, n);
            load(x, xAt + i, rest).sub(mean).intoArray(out, outAt + i, rest);
        }
        return (float) Math.sqrt(totalOfSquares(out, outAt, n) / n + eps);
    }

    @Override
    public void divide(float[] inOut, int at, int n, float divisor) {
        FloatVector d = FloatVector.broadcast(SPECIES, divisor);
        int i = 0;
        for (; i <= n - WIDTH; i += WIDTH) {
            load(inOut, at + i).div(d).intoArray(inOut, at + i);
        }
        if (i < n) {
            VectorMask<Float> rest = SPECIES.indexInRange(i, n);
            load(inOut, at + i, rest).div(d).intoArray(inOut, at + i, rest);
        }
    }

    @Override
    public void affine(float[] out, int outAt, float[] x, int xAt, float[] gain, float[] bias, int n) {
        int i = 0;
        for (; i <= n - WIDTH; i += WIDTH) {
            load(x, xAt + i).fma(load(gain, i), load(bias, i)).intoArray(out, outAt + i);
        }
        if (i < n) {
            VectorMask<Float> rest = SPECIES.indexInRange(i, n);
            load(x, xAt + i, rest).fma(load(gain, i, rest), load(bias, i, rest)).intoArray(out, outAt + i, rest);
        }
    }

    @Override
    public void scores(Rows out, Rows q, int queries, HeadBlocks keys, int blocks, float scale) {
        AttentionTiles.scores(
                out.values(),
                out.at(),
                out.stride(),
                q.values(),
                q.at(),
                q.stride(),
                queries,
                keys.blocks(),
                blocks,
                keys.at(),
                keys.dHead(),
                scale,
                TileCompilation.shape() == TileShape.SIX_BY_FOUR);
    }

    @Override
    public void softmax(float[] row, int at, int n) {
        float max = largest(row, at, n);
        // Always masked, for a second copy of exp would exceed what C2 inlines into one method.
        for (int i = 0; i < n; i += WIDTH) {
            VectorMask<Float> rest = SPECIES.indexInRange(i, n);
            VectorMath.exp(load(row, at + i, rest).sub(max)).intoArray(row, at + i, rest);
        }
        divide(row, at, n, total(row, at, n));
    }

    /** The largest value that is a number. */
    private static float largest(float[] row, int at, int n) {
        FloatVector most = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
        int i = 0;
        for (; i <= n - WIDTH; i += WIDTH) {
            FloatVector v = FloatVector.fromArray(SPECIES, row, at + i);
            most = most.blend(v, v.compare(VectorOperators.GT, most));
        }
        if (i < n) {
            VectorMask<Float> rest = SPECIES.indexInRange(i, n);
            FloatVector v = FloatVector.fromArray(SPECIES, row, at + i, rest);
            most = most.blend(v, v.compare(VectorOperators.GT, most).and(rest));
        }
        return most.reduceLanes(VectorOperators.MAX);
    }

    @Override
    public void weigh(Rows z, Rows pattern, int queries, HeadBlocks values, int firstKey, int endKey) {
        AttentionTiles.weigh(
                z.values(),
                z.at(),
                z.stride(),
                pattern.values(),
                pattern.at(),
                pattern.stride(),
                queries,
                values.blocks(),
                values.at(),
                firstKey,
                endKey,
                values.dHead(),
                TileCompilation.shape() == TileShape.SIX_BY_FOUR);
    }

    /**
     * The sum of {@code x}: each of the 16 lanes is a lane of one of {@code 16 / WIDTH} vectors, which the first steps
     * of the tree fold into one.
     */
    static float total(float[] x, int at, int n) {
        FloatVector folded = lanes(x, at, n, 0);
        if (WIDTH == 8) {
            folded = folded.add(lanes(x, at, n, 8));
        } else if (WIDTH == 4) {
            folded = folded.add(lanes(x, at, n, 8)).add(lanes(x, at, n, 4).add(lanes(x, at, n, 12)));
        }
        return Lanes.tree(folded);
    }

    private static float totalOfSquares(float[] x, int at, int n) {
        FloatVector folded = squareLanes(x, at, n, 0);
        if (WIDTH == 8) {
            folded = folded.add(squareLanes(x, at, n, 8));
        } else if (WIDTH == 4) {
            folded = folded.add(squareLanes(x, at, n, 8))
                    .add(squareLanes(x, at, n, 4).add(squareLanes(x, at, n, 12)));
        }
        return Lanes.tree(folded);
    }

    /**
     * Lanes {@code first} to {@code first + WIDTH} of the sum of {@code x}. Lanes past the end add a zero, which
     * changes no sum that began at zero. The last step is taken even where nothing is left over: C2 would box the sum
     * on a branch.
     */
    private static FloatVector lanes(float[] x, int at, int n, int first) {
        FloatVector lanes = FloatVector.zero(SPECIES);
        int i = first;
        for (; i <= n - WIDTH; i += LANES) {
            lanes = lanes.add(FloatVector.fromArray(SPECIES, x, at + i));
        }
        return lanes.add(FloatVector.fromArray(SPECIES, x, at + i, SPECIES.indexInRange(i, n)));
    }

    private static FloatVector squareLanes(float[] x, int at, int n, int first) {
        FloatVector lanes = FloatVector.zero(SPECIES);
        int i = first;
        for (; i <= n - WIDTH; i += LANES) {
            FloatVector v = FloatVector.fromArray(SPECIES, x, at + i);
            lanes = v.fma(v, lanes);
        }
        FloatVector v = FloatVector.fromArray(SPECIES, x, at + i, SPECIES.indexInRange(i, n));
        return v.fma(v, lanes);
    }

    static FloatVector load(float[] from, int at) {
        return FloatVector.fromArray(SPECIES, from, at);
    }

    static FloatVector load(float[] from, int at, VectorMask<Float> mask) {
        return FloatVector.fromArray(SPECIES, from, at, mask);
    }
}
