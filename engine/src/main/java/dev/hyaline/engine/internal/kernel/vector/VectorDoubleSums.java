package dev.hyaline.engine.internal.kernel.vector;

import static dev.hyaline.engine.internal.kernel.SparseKernels.DOUBLE_LANES;

import dev.hyaline.engine.internal.kernel.ScalarSparseKernels;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/** Products of vectors of doubles: eight lanes in one, two or four vectors. */
final class VectorDoubleSums {
    private static final VectorSpecies<Double> SPECIES = Lanes.SPECIES.withLanes(double.class);
    private static final int WIDTH = SPECIES.length();
    private static final VectorShuffle<Double> ROTATE_4 = VectorShuffle.iota(SPECIES, 4, 1, true);
    private static final VectorShuffle<Double> ROTATE_2 = VectorShuffle.iota(SPECIES, 2, 1, true);
    private static final VectorShuffle<Double> ROTATE_1 = VectorShuffle.iota(SPECIES, 1, 1, true);

    private VectorDoubleSums() {}

    static double dot(double[] a, int aAt, double[] b, int bAt, int n) {
        if (WIDTH == DOUBLE_LANES) {
            return dot8(a, aAt, b, bAt, n);
        }
        return WIDTH == 4 ? dot4(a, aAt, b, bAt, n) : dot2(a, aAt, b, bAt, n);
    }

    static void dotRows(double[] out, int outAt, double[] w, int wAt, int n, double[] source, int[] rows, int count) {
        int j = 0;
        if (WIDTH == DOUBLE_LANES) {
            for (; j <= count - 4; j += 4) {
                dots8(
                        out,
                        outAt + j,
                        w,
                        wAt,
                        n,
                        source,
                        rows[j] * n,
                        rows[j + 1] * n,
                        rows[j + 2] * n,
                        rows[j + 3] * n);
            }
        } else if (WIDTH == 4) {
            for (; j <= count - 2; j += 2) {
                dots4(out, outAt + j, w, wAt, n, source, rows[j] * n, rows[j + 1] * n);
            }
        }
        for (; j < count; j++) {
            out[outAt + j] = dot(w, wAt, source, rows[j] * n, n);
        }
    }

    /** Four sums side by side, as one alone would wait for its own additions. */
    private static void dots8(
            double[] out, int at, double[] w, int wAt, int n, double[] source, int r0, int r1, int r2, int r3) {
        DoubleVector a = DoubleVector.zero(SPECIES);
        DoubleVector b = a;
        DoubleVector c = a;
        DoubleVector d = a;
        int i = 0;
        for (; i <= n - DOUBLE_LANES; i += DOUBLE_LANES) {
            DoubleVector x = DoubleVector.fromArray(SPECIES, w, wAt + i);
            a = a.add(x.mul(DoubleVector.fromArray(SPECIES, source, r0 + i)));
            b = b.add(x.mul(DoubleVector.fromArray(SPECIES, source, r1 + i)));
            c = c.add(x.mul(DoubleVector.fromArray(SPECIES, source, r2 + i)));
            d = d.add(x.mul(DoubleVector.fromArray(SPECIES, source, r3 + i)));
        }
        out[at] = tree(a) + ScalarSparseKernels.chain(w, wAt, source, r0, i, n);
        out[at + 1] = tree(b) + ScalarSparseKernels.chain(w, wAt, source, r1, i, n);
        out[at + 2] = tree(c) + ScalarSparseKernels.chain(w, wAt, source, r2, i, n);
        out[at + 3] = tree(d) + ScalarSparseKernels.chain(w, wAt, source, r3, i, n);
    }

    /** Two sums side by side, each in two vectors. */
    private static void dots4(double[] out, int at, double[] w, int wAt, int n, double[] source, int r0, int r1) {
        DoubleVector a = DoubleVector.zero(SPECIES);
        DoubleVector aNext = a;
        DoubleVector b = a;
        DoubleVector bNext = a;
        int i = 0;
        for (; i <= n - DOUBLE_LANES; i += DOUBLE_LANES) {
            DoubleVector x = DoubleVector.fromArray(SPECIES, w, wAt + i);
            DoubleVector xNext = DoubleVector.fromArray(SPECIES, w, wAt + i + 4);
            a = a.add(x.mul(DoubleVector.fromArray(SPECIES, source, r0 + i)));
            aNext = aNext.add(xNext.mul(DoubleVector.fromArray(SPECIES, source, r0 + i + 4)));
            b = b.add(x.mul(DoubleVector.fromArray(SPECIES, source, r1 + i)));
            bNext = bNext.add(xNext.mul(DoubleVector.fromArray(SPECIES, source, r1 + i + 4)));
        }
        out[at] = tree(a.add(aNext)) + ScalarSparseKernels.chain(w, wAt, source, r0, i, n);
        out[at + 1] = tree(b.add(bNext)) + ScalarSparseKernels.chain(w, wAt, source, r1, i, n);
    }

    private static double dot8(double[] a, int aAt, double[] b, int bAt, int n) {
        DoubleVector sum = DoubleVector.zero(SPECIES);
        int i = 0;
        for (; i <= n - DOUBLE_LANES; i += DOUBLE_LANES) {
            sum = sum.add(DoubleVector.fromArray(SPECIES, a, aAt + i).mul(DoubleVector.fromArray(SPECIES, b, bAt + i)));
        }
        return tree(sum) + ScalarSparseKernels.chain(a, aAt, b, bAt, i, n);
    }

    private static double dot4(double[] a, int aAt, double[] b, int bAt, int n) {
        DoubleVector sum = DoubleVector.zero(SPECIES);
        DoubleVector next = sum;
        int i = 0;
        for (; i <= n - DOUBLE_LANES; i += DOUBLE_LANES) {
            sum = sum.add(DoubleVector.fromArray(SPECIES, a, aAt + i).mul(DoubleVector.fromArray(SPECIES, b, bAt + i)));
            next = next.add(DoubleVector.fromArray(SPECIES, a, aAt + i + 4)
                    .mul(DoubleVector.fromArray(SPECIES, b, bAt + i + 4)));
        }
        return tree(sum.add(next)) + ScalarSparseKernels.chain(a, aAt, b, bAt, i, n);
    }

    private static double dot2(double[] a, int aAt, double[] b, int bAt, int n) {
        DoubleVector s0 = DoubleVector.zero(SPECIES);
        DoubleVector s2 = s0;
        DoubleVector s4 = s0;
        DoubleVector s6 = s0;
        int i = 0;
        for (; i <= n - DOUBLE_LANES; i += DOUBLE_LANES) {
            s0 = s0.add(product(a, aAt + i, b, bAt + i));
            s2 = s2.add(product(a, aAt + i + 2, b, bAt + i + 2));
            s4 = s4.add(product(a, aAt + i + 4, b, bAt + i + 4));
            s6 = s6.add(product(a, aAt + i + 6, b, bAt + i + 6));
        }
        return tree(s0.add(s4).add(s2.add(s6))) + ScalarSparseKernels.chain(a, aAt, b, bAt, i, n);
    }

    private static DoubleVector product(double[] a, int aAt, double[] b, int bAt) {
        return DoubleVector.fromArray(SPECIES, a, aAt).mul(DoubleVector.fromArray(SPECIES, b, bAt));
    }

    /** Adds the lanes of the folded vector as {@link dev.hyaline.engine.internal.kernel.SparseKernels#dot} promises. */
    private static double tree(DoubleVector folded) {
        DoubleVector v = folded;
        if (WIDTH == DOUBLE_LANES) {
            v = v.add(v.rearrange(ROTATE_4));
        }
        if (WIDTH >= 4) {
            v = v.add(v.rearrange(ROTATE_2));
        }
        return v.add(v.rearrange(ROTATE_1)).lane(0);
    }
}
