package dev.hyaline.engine.internal.kernel.vector;

import dev.hyaline.engine.ActivationFunction;
import dev.hyaline.engine.internal.kernel.InputRows;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/** The kernels on the Vector API. Only {@code KernelProvider} may touch this class, once it knows that the API is there. */
public final class VectorKernels implements Kernels {
    /** Bits of a vector, when the machine's preference is not wanted: 128, 256 or 512. */
    public static final String WIDTH_PROPERTY = "hyaline.vectorBits";

    static final VectorSpecies<Float> SPECIES = species();
    static final int WIDTH = SPECIES.length();

    private static final VectorShuffle<Float> ROTATE_8 = VectorShuffle.iota(SPECIES, 8, 1, true);
    private static final VectorShuffle<Float> ROTATE_4 = VectorShuffle.iota(SPECIES, 4, 1, true);
    private static final VectorShuffle<Float> ROTATE_2 = VectorShuffle.iota(SPECIES, 2, 1, true);
    private static final VectorShuffle<Float> ROTATE_1 = VectorShuffle.iota(SPECIES, 1, 1, true);

    private static VectorSpecies<Float> species() {
        return switch (Integer.getInteger(WIDTH_PROPERTY, FloatVector.SPECIES_PREFERRED.vectorBitSize())) {
            case 128 -> FloatVector.SPECIES_128;
            case 256 -> FloatVector.SPECIES_256;
            default -> FloatVector.SPECIES_512;
        };
    }

    @Override
    public String name() {
        return "vector" + SPECIES.vectorBitSize();
    }

    @Override
    public boolean readsInterleaved() {
        return true;
    }

    @Override
    public void product(
            float[] out,
            int outAt,
            int outStride,
            InputRows in,
            PackedMatrix w,
            int firstRow,
            int endRow,
            int firstPanel,
            int endPanel) {
        Tiles.product(out, outAt, outStride, in, w, firstRow, endRow, firstPanel, endPanel);
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
        // One loop a function: a switch inside the loop would keep C2 from holding constants in registers.
        switch (f) {
            case GELU_NEW, GELU_PYTORCH_TANH -> geluTanh(inOut, at, n);
            case GELU -> gelu(inOut, at, n);
            case RELU -> relu(inOut, at, n);
            case SILU -> silu(inOut, at, n);
        }
    }

    private static void geluTanh(float[] inOut, int at, int n) {
        int i = 0;
        for (; i <= n - WIDTH; i += WIDTH) {
            VectorMath.geluTanh(load(inOut, at + i)).intoArray(inOut, at + i);
        }
        if (i < n) {
            VectorMask<Float> rest = SPECIES.indexInRange(i, n);
            VectorMath.geluTanh(load(inOut, at + i, rest)).intoArray(inOut, at + i, rest);
        }
    }

    private static void gelu(float[] inOut, int at, int n) {
        int i = 0;
        for (; i <= n - WIDTH; i += WIDTH) {
            VectorMath.gelu(load(inOut, at + i)).intoArray(inOut, at + i);
        }
        if (i < n) {
            VectorMask<Float> rest = SPECIES.indexInRange(i, n);
            VectorMath.gelu(load(inOut, at + i, rest)).intoArray(inOut, at + i, rest);
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
        if (i < n) {
            VectorMask<Float> rest = SPECIES.indexInRange(i, n);
            VectorMath.silu(load(inOut, at + i, rest)).intoArray(inOut, at + i, rest);
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
    public void scores(
            float[] out,
            int outAt,
            int outStride,
            float[] q,
            int qAt,
            int qStride,
            int queries,
            float[] keys,
            int keysAt,
            int dHead,
            float scale) {
        for (int part = 0; part < LANES; part += WIDTH) {
            int row = 0;
            for (; row <= queries - 8; row += 8) {
                scores8(
                        out,
                        outAt + row * outStride + part,
                        outStride,
                        q,
                        qAt + row * qStride,
                        qStride,
                        keys,
                        keysAt + part,
                        dHead,
                        scale);
            }
            for (; row < queries; row++) {
                FloatVector chain = FloatVector.zero(SPECIES);
                for (int e = 0; e < dHead; e++) {
                    chain = FloatVector.broadcast(SPECIES, q[qAt + row * qStride + e])
                            .fma(load(keys, keysAt + part + e * LANES), chain);
                }
                chain.mul(scale).intoArray(out, outAt + row * outStride + part);
            }
        }
    }

    private static void scores8(
            float[] out,
            int outAt,
            int outStride,
            float[] q,
            int qAt,
            int qStride,
            float[] keys,
            int keysAt,
            int dHead,
            float scale) {
        FloatVector c0 = FloatVector.zero(SPECIES);
        FloatVector c1 = c0;
        FloatVector c2 = c0;
        FloatVector c3 = c0;
        FloatVector c4 = c0;
        FloatVector c5 = c0;
        FloatVector c6 = c0;
        FloatVector c7 = c0;
        int q1 = qAt + qStride;
        int q2 = q1 + qStride;
        int q3 = q2 + qStride;
        int q4 = q3 + qStride;
        int q5 = q4 + qStride;
        int q6 = q5 + qStride;
        int q7 = q6 + qStride;
        for (int e = 0; e < dHead; e++) {
            FloatVector key = load(keys, keysAt + e * LANES);
            c0 = FloatVector.broadcast(SPECIES, q[qAt + e]).fma(key, c0);
            c1 = FloatVector.broadcast(SPECIES, q[q1 + e]).fma(key, c1);
            c2 = FloatVector.broadcast(SPECIES, q[q2 + e]).fma(key, c2);
            c3 = FloatVector.broadcast(SPECIES, q[q3 + e]).fma(key, c3);
            c4 = FloatVector.broadcast(SPECIES, q[q4 + e]).fma(key, c4);
            c5 = FloatVector.broadcast(SPECIES, q[q5 + e]).fma(key, c5);
            c6 = FloatVector.broadcast(SPECIES, q[q6 + e]).fma(key, c6);
            c7 = FloatVector.broadcast(SPECIES, q[q7 + e]).fma(key, c7);
        }
        c0.mul(scale).intoArray(out, outAt);
        c1.mul(scale).intoArray(out, outAt + outStride);
        c2.mul(scale).intoArray(out, outAt + 2 * outStride);
        c3.mul(scale).intoArray(out, outAt + 3 * outStride);
        c4.mul(scale).intoArray(out, outAt + 4 * outStride);
        c5.mul(scale).intoArray(out, outAt + 5 * outStride);
        c6.mul(scale).intoArray(out, outAt + 6 * outStride);
        c7.mul(scale).intoArray(out, outAt + 7 * outStride);
    }

    @Override
    public void softmax(float[] row, int at, int n) {
        float max = Float.NEGATIVE_INFINITY;
        int i = 0;
        if (n >= WIDTH) {
            FloatVector most = load(row, at);
            for (i = WIDTH; i <= n - WIDTH; i += WIDTH) {
                most = most.max(load(row, at + i));
            }
            max = most.reduceLanes(VectorOperators.MAX);
        }
        for (; i < n; i++) {
            max = Math.max(max, row[at + i]);
        }
        for (i = 0; i <= n - WIDTH; i += WIDTH) {
            VectorMath.exp(load(row, at + i).sub(max)).intoArray(row, at + i);
        }
        if (i < n) {
            VectorMask<Float> rest = SPECIES.indexInRange(i, n);
            VectorMath.exp(load(row, at + i, rest).sub(max)).intoArray(row, at + i, rest);
        }
        divide(row, at, n, total(row, at, n));
    }

    @Override
    public void weigh(
            float[] z,
            int zAt,
            int zStride,
            float[] pattern,
            int patternAt,
            int patternStride,
            int queries,
            float[] values,
            int valuesAt,
            int count,
            int dHead) {
        int part = 0;
        for (; part <= dHead - WIDTH; part += WIDTH) {
            int row = 0;
            for (; row <= queries - 8; row += 8) {
                weigh8(
                        z,
                        zAt + row * zStride + part,
                        zStride,
                        pattern,
                        patternAt + row * patternStride,
                        patternStride,
                        values,
                        valuesAt + part,
                        count,
                        dHead);
            }
            for (; row < queries; row++) {
                weigh1(
                        z,
                        zAt + row * zStride + part,
                        pattern,
                        patternAt + row * patternStride,
                        values,
                        valuesAt + part,
                        count,
                        dHead);
            }
        }
        for (int row = 0; part < dHead && row < queries; row++) {
            weighTail(
                    z,
                    zAt + row * zStride + part,
                    pattern,
                    patternAt + row * patternStride,
                    values,
                    valuesAt + part,
                    count,
                    dHead,
                    dHead - part);
        }
    }

    private static void weigh8(
            float[] z,
            int zAt,
            int zStride,
            float[] pattern,
            int patternAt,
            int patternStride,
            float[] values,
            int valuesAt,
            int count,
            int dHead) {
        FloatVector c0 = load(z, zAt);
        FloatVector c1 = load(z, zAt + zStride);
        FloatVector c2 = load(z, zAt + 2 * zStride);
        FloatVector c3 = load(z, zAt + 3 * zStride);
        FloatVector c4 = load(z, zAt + 4 * zStride);
        FloatVector c5 = load(z, zAt + 5 * zStride);
        FloatVector c6 = load(z, zAt + 6 * zStride);
        FloatVector c7 = load(z, zAt + 7 * zStride);
        int p1 = patternAt + patternStride;
        int p2 = p1 + patternStride;
        int p3 = p2 + patternStride;
        int p4 = p3 + patternStride;
        int p5 = p4 + patternStride;
        int p6 = p5 + patternStride;
        int p7 = p6 + patternStride;
        for (int j = 0; j < count; j++) {
            FloatVector value = load(values, valuesAt + j * dHead);
            c0 = FloatVector.broadcast(SPECIES, pattern[patternAt + j]).fma(value, c0);
            c1 = FloatVector.broadcast(SPECIES, pattern[p1 + j]).fma(value, c1);
            c2 = FloatVector.broadcast(SPECIES, pattern[p2 + j]).fma(value, c2);
            c3 = FloatVector.broadcast(SPECIES, pattern[p3 + j]).fma(value, c3);
            c4 = FloatVector.broadcast(SPECIES, pattern[p4 + j]).fma(value, c4);
            c5 = FloatVector.broadcast(SPECIES, pattern[p5 + j]).fma(value, c5);
            c6 = FloatVector.broadcast(SPECIES, pattern[p6 + j]).fma(value, c6);
            c7 = FloatVector.broadcast(SPECIES, pattern[p7 + j]).fma(value, c7);
        }
        c0.intoArray(z, zAt);
        c1.intoArray(z, zAt + zStride);
        c2.intoArray(z, zAt + 2 * zStride);
        c3.intoArray(z, zAt + 3 * zStride);
        c4.intoArray(z, zAt + 4 * zStride);
        c5.intoArray(z, zAt + 5 * zStride);
        c6.intoArray(z, zAt + 6 * zStride);
        c7.intoArray(z, zAt + 7 * zStride);
    }

    private static void weigh1(
            float[] z, int zAt, float[] pattern, int patternAt, float[] values, int valuesAt, int count, int dHead) {
        FloatVector chain = load(z, zAt);
        for (int j = 0; j < count; j++) {
            chain = FloatVector.broadcast(SPECIES, pattern[patternAt + j])
                    .fma(load(values, valuesAt + j * dHead), chain);
        }
        chain.intoArray(z, zAt);
    }

    /** Where a head ends within a vector. The mask is made here because C2 would box one that is passed in. */
    private static void weighTail(
            float[] z,
            int zAt,
            float[] pattern,
            int patternAt,
            float[] values,
            int valuesAt,
            int count,
            int dHead,
            int columns) {
        VectorMask<Float> rest = SPECIES.indexInRange(0, columns);
        FloatVector chain = load(z, zAt, rest);
        for (int j = 0; j < count; j++) {
            chain = FloatVector.broadcast(SPECIES, pattern[patternAt + j])
                    .fma(load(values, valuesAt + j * dHead, rest), chain);
        }
        chain.intoArray(z, zAt, rest);
    }

    /** The sum of {@code x}: each of the 16 lanes is a lane of one of {@code 16 / WIDTH} vectors, which the first steps of the tree fold into one. */
    private static float total(float[] x, int at, int n) {
        FloatVector folded = lanes(x, at, n, 0);
        if (WIDTH == 8) {
            folded = folded.add(lanes(x, at, n, 8));
        } else if (WIDTH == 4) {
            folded = folded.add(lanes(x, at, n, 8)).add(lanes(x, at, n, 4).add(lanes(x, at, n, 12)));
        }
        return tree(folded);
    }

    private static float totalOfSquares(float[] x, int at, int n) {
        FloatVector folded = squareLanes(x, at, n, 0);
        if (WIDTH == 8) {
            folded = folded.add(squareLanes(x, at, n, 8));
        } else if (WIDTH == 4) {
            folded = folded.add(squareLanes(x, at, n, 8))
                    .add(squareLanes(x, at, n, 4).add(squareLanes(x, at, n, 12)));
        }
        return tree(folded);
    }

    /** Lanes {@code first} to {@code first + WIDTH} of the sum of {@code x}. Lanes past the end add a zero, which changes no sum that began at zero. */
    private static FloatVector lanes(float[] x, int at, int n, int first) {
        FloatVector lanes = FloatVector.zero(SPECIES);
        int i = first;
        for (; i <= n - WIDTH; i += LANES) {
            lanes = lanes.add(load(x, at + i));
        }
        return i < n ? lanes.add(load(x, at + i, SPECIES.indexInRange(i, n))) : lanes;
    }

    private static FloatVector squareLanes(float[] x, int at, int n, int first) {
        FloatVector lanes = FloatVector.zero(SPECIES);
        int i = first;
        for (; i <= n - WIDTH; i += LANES) {
            FloatVector v = load(x, at + i);
            lanes = v.fma(v, lanes);
        }
        if (i < n) {
            FloatVector v = load(x, at + i, SPECIES.indexInRange(i, n));
            lanes = v.fma(v, lanes);
        }
        return lanes;
    }

    /** Adds the lanes of the folded vector as {@link Kernels} prescribes; {@code reduceLanes} leaves its order open. */
    private static float tree(FloatVector folded) {
        FloatVector v = folded;
        if (WIDTH == 16) {
            v = v.add(v.rearrange(ROTATE_8));
        }
        if (WIDTH >= 8) {
            v = v.add(v.rearrange(ROTATE_4));
        }
        v = v.add(v.rearrange(ROTATE_2));
        return v.add(v.rearrange(ROTATE_1)).lane(0);
    }

    private static FloatVector load(float[] from, int at) {
        return FloatVector.fromArray(SPECIES, from, at);
    }

    private static FloatVector load(float[] from, int at, VectorMask<Float> mask) {
        return FloatVector.fromArray(SPECIES, from, at, mask);
    }
}
