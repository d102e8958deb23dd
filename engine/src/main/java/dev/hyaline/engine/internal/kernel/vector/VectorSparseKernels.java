package dev.hyaline.engine.internal.kernel.vector;

import static dev.hyaline.engine.internal.kernel.Kernels.K_BLOCK;
import static dev.hyaline.engine.internal.kernel.Kernels.LANES;
import static dev.hyaline.engine.internal.kernel.vector.Lanes.SPECIES;
import static dev.hyaline.engine.internal.kernel.vector.Lanes.WIDTH;

import dev.hyaline.engine.internal.kernel.Fma;
import dev.hyaline.engine.internal.kernel.Rows;
import dev.hyaline.engine.internal.kernel.ScalarSparseKernels;
import dev.hyaline.engine.internal.kernel.SparseKernels;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/** The kernels of sparse coding on the Vector API. */
final class VectorSparseKernels implements SparseKernels {
    @Override
    public void addScaledRows(
            float[] inOut, int at, int n, float[] factors, int[] rows, int from, int end, Rows source) {
        float[] values = source.values();
        int sourceAt = source.at();
        int stride = source.stride();
        for (int block = from; block < end; block += K_BLOCK) {
            int blockEnd = Math.min(end, block + K_BLOCK);
            int c = 0;
            for (; c <= n - 4 * WIDTH; c += 4 * WIDTH) {
                addScaled4(inOut, at + c, factors, rows, block, blockEnd, values, sourceAt + c, stride);
            }
            for (; c <= n - WIDTH; c += WIDTH) {
                addScaled1(inOut, at + c, factors, rows, block, blockEnd, values, sourceAt + c, stride);
            }
            for (; c < n; c++) {
                float chain = 0;
                for (int j = block; j < blockEnd; j++) {
                    chain = Fma.fma(factors[j], values[sourceAt + rows[j] * stride + c], chain);
                }
                inOut[at + c] += chain;
            }
        }
    }

    private static void addScaled4(
            float[] inOut,
            int at,
            float[] factors,
            int[] rows,
            int from,
            int end,
            float[] source,
            int sourceAt,
            int stride) {
        FloatVector a = FloatVector.zero(SPECIES);
        FloatVector b = a;
        FloatVector c = a;
        FloatVector d = a;
        for (int j = from; j < end; j++) {
            FloatVector factor = FloatVector.broadcast(SPECIES, factors[j]);
            int row = sourceAt + rows[j] * stride;
            a = factor.fma(FloatVector.fromArray(SPECIES, source, row), a);
            b = factor.fma(FloatVector.fromArray(SPECIES, source, row + WIDTH), b);
            c = factor.fma(FloatVector.fromArray(SPECIES, source, row + 2 * WIDTH), c);
            d = factor.fma(FloatVector.fromArray(SPECIES, source, row + 3 * WIDTH), d);
        }
        FloatVector.fromArray(SPECIES, inOut, at).add(a).intoArray(inOut, at);
        FloatVector.fromArray(SPECIES, inOut, at + WIDTH).add(b).intoArray(inOut, at + WIDTH);
        FloatVector.fromArray(SPECIES, inOut, at + 2 * WIDTH).add(c).intoArray(inOut, at + 2 * WIDTH);
        FloatVector.fromArray(SPECIES, inOut, at + 3 * WIDTH).add(d).intoArray(inOut, at + 3 * WIDTH);
    }

    private static void addScaled1(
            float[] inOut,
            int at,
            float[] factors,
            int[] rows,
            int from,
            int end,
            float[] source,
            int sourceAt,
            int stride) {
        FloatVector a = FloatVector.zero(SPECIES);
        for (int j = from; j < end; j++) {
            FloatVector factor = FloatVector.broadcast(SPECIES, factors[j]);
            a = factor.fma(FloatVector.fromArray(SPECIES, source, sourceAt + rows[j] * stride), a);
        }
        FloatVector.fromArray(SPECIES, inOut, at).add(a).intoArray(inOut, at);
    }

    @Override
    public void dotRows(float[] out, float[] w, int wAt, int n, int[] rows, int from, int end, Rows source) {
        float[] values = source.values();
        int sourceAt = source.at();
        int stride = source.stride();
        int j = from;
        if (WIDTH == LANES) {
            for (; j <= end - 4; j += 4) {
                dots4(
                        out,
                        j,
                        w,
                        wAt,
                        n,
                        values,
                        sourceAt + rows[j] * stride,
                        sourceAt + rows[j + 1] * stride,
                        sourceAt + rows[j + 2] * stride,
                        sourceAt + rows[j + 3] * stride);
            }
        }
        for (; j < end; j++) {
            out[j] = dot(w, wAt, values, sourceAt + rows[j] * stride, n);
        }
    }

    /** Four sums side by side, each a chain a lane: one alone would wait for its own multiplications. */
    private static void dots4(
            float[] out, int j, float[] w, int wAt, int n, float[] source, int r0, int r1, int r2, int r3) {
        FloatVector a = FloatVector.zero(SPECIES);
        FloatVector b = a;
        FloatVector c = a;
        FloatVector d = a;
        int i = 0;
        for (; i <= n - WIDTH; i += WIDTH) {
            FloatVector x = FloatVector.fromArray(SPECIES, w, wAt + i);
            a = x.fma(FloatVector.fromArray(SPECIES, source, r0 + i), a);
            b = x.fma(FloatVector.fromArray(SPECIES, source, r1 + i), b);
            c = x.fma(FloatVector.fromArray(SPECIES, source, r2 + i), c);
            d = x.fma(FloatVector.fromArray(SPECIES, source, r3 + i), d);
        }
        VectorMask<Float> rest = SPECIES.indexInRange(i, n);
        FloatVector x = FloatVector.fromArray(SPECIES, w, wAt + i, rest);
        a = x.fma(FloatVector.fromArray(SPECIES, source, r0 + i, rest), a);
        b = x.fma(FloatVector.fromArray(SPECIES, source, r1 + i, rest), b);
        c = x.fma(FloatVector.fromArray(SPECIES, source, r2 + i, rest), c);
        d = x.fma(FloatVector.fromArray(SPECIES, source, r3 + i, rest), d);
        out[j] = Lanes.tree(a);
        out[j + 1] = Lanes.tree(b);
        out[j + 2] = Lanes.tree(c);
        out[j + 3] = Lanes.tree(d);
    }

    private static float dot(float[] a, int aAt, float[] b, int bAt, int n) {
        FloatVector folded = lanes(a, aAt, b, bAt, n, 0);
        if (WIDTH == 8) {
            folded = folded.add(lanes(a, aAt, b, bAt, n, 8));
        } else if (WIDTH == 4) {
            folded = folded.add(lanes(a, aAt, b, bAt, n, 8))
                    .add(lanes(a, aAt, b, bAt, n, 4).add(lanes(a, aAt, b, bAt, n, 12)));
        }
        return Lanes.tree(folded);
    }

    private static FloatVector lanes(float[] a, int aAt, float[] b, int bAt, int n, int first) {
        FloatVector lanes = FloatVector.zero(SPECIES);
        int i = first;
        for (; i <= n - WIDTH; i += LANES) {
            lanes = FloatVector.fromArray(SPECIES, a, aAt + i).fma(FloatVector.fromArray(SPECIES, b, bAt + i), lanes);
        }
        VectorMask<Float> rest = SPECIES.indexInRange(i, n);
        return FloatVector.fromArray(SPECIES, a, aAt + i, rest)
                .fma(FloatVector.fromArray(SPECIES, b, bAt + i, rest), lanes);
    }

    @Override
    public double dot(double[] a, int aAt, double[] b, int bAt, int n) {
        return VectorDoubleSums.dot(a, aAt, b, bAt, n);
    }

    @Override
    public void dotRows(double[] out, int outAt, double[] w, int wAt, int n, double[] source, int[] rows, int count) {
        VectorDoubleSums.dotRows(out, outAt, w, wAt, n, source, rows, count);
    }

    @Override
    public int above(float[] values, int at, int n, float cut, int[] indices, int indicesAt) {
        FloatVector bound = FloatVector.broadcast(SPECIES, cut);
        int to = indicesAt;
        int i = 0;
        for (; i <= n - WIDTH; i += WIDTH) {
            long bits = FloatVector.fromArray(SPECIES, values, at + i)
                    .compare(VectorOperators.GT, bound)
                    .toLong();
            for (; bits != 0; bits &= bits - 1) {
                indices[to++] = i + Long.numberOfTrailingZeros(bits);
            }
        }
        for (; i < n; i++) {
            if (values[at + i] > cut) {
                indices[to++] = i;
            }
        }
        return to - indicesAt;
    }

    @Override
    public int outside(float[] values, int at, int n, float cut, int[] indices, int indicesAt) {
        FloatVector bound = FloatVector.broadcast(SPECIES, cut);
        int to = indicesAt;
        int i = 0;
        for (; i <= n - WIDTH; i += WIDTH) {
            long bits = FloatVector.fromArray(SPECIES, values, at + i)
                    .abs()
                    .compare(VectorOperators.GT, bound)
                    .toLong();
            for (; bits != 0; bits &= bits - 1) {
                indices[to++] = i + Long.numberOfTrailingZeros(bits);
            }
        }
        for (; i < n; i++) {
            if (Math.abs(values[at + i]) > cut) {
                indices[to++] = i;
            }
        }
        return to - indicesAt;
    }

    @Override
    public int aboveEach(float[] values, int at, int n, float[] cuts, int cutsAt, int[] indices, int indicesAt) {
        int to = indicesAt;
        int i = 0;
        for (; i <= n - WIDTH; i += WIDTH) {
            long bits = FloatVector.fromArray(SPECIES, values, at + i)
                    .compare(VectorOperators.GT, FloatVector.fromArray(SPECIES, cuts, cutsAt + i))
                    .toLong();
            for (; bits != 0; bits &= bits - 1) {
                indices[to++] = i + Long.numberOfTrailingZeros(bits);
            }
        }
        for (; i < n; i++) {
            if (values[at + i] > cuts[cutsAt + i]) {
                indices[to++] = i;
            }
        }
        return to - indicesAt;
    }

    @Override
    public int reluGradient(float[] inOut, int at, float[] outputs, int outputsAt, int n, float shift) {
        int count = 0;
        int i = 0;
        for (; i <= n - WIDTH; i += WIDTH) {
            VectorMask<Float> open =
                    FloatVector.fromArray(SPECIES, outputs, outputsAt + i).compare(VectorOperators.GT, 0f);
            FloatVector shifted = FloatVector.fromArray(SPECIES, inOut, at + i).add(shift);
            FloatVector.zero(SPECIES).blend(shifted, open).intoArray(inOut, at + i);
            count += Long.bitCount(open.toLong());
        }
        return count + ScalarSparseKernels.reluGradient(inOut, at, outputs, outputsAt, i, n, shift);
    }

    @Override
    public void biasedRelu(float[] out, int outAt, float[] in, int inAt, int n, float bias) {
        int i = 0;
        for (; i <= n - WIDTH; i += WIDTH) {
            FloatVector.fromArray(SPECIES, in, inAt + i).add(bias).max(0).intoArray(out, outAt + i);
        }
        ScalarSparseKernels.biasedRelu(out, outAt, in, inAt, i, n, bias);
    }
}
