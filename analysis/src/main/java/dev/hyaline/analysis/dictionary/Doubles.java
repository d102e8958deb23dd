package dev.hyaline.analysis.dictionary;

import dev.hyaline.analysis.sparse.internal.TileProduct;
import dev.hyaline.engine.internal.kernel.SparseKernels;

/** Sums in double, each in one fixed order. */
final class Doubles {
    private static final SparseKernels KERNELS = TileProduct.kernels().sparse();

    private Doubles() {}

    /** The product of two vectors, in eight lanes. */
    static double dot(double[] a, int aAt, double[] b, int bAt, int n) {
        return KERNELS.dot(a, aAt, b, bAt, n);
    }

    /** The products of one vector with chosen rows of {@code n} values each, the bits of {@link #dot}. */
    static void dotRows(double[] out, double[] w, int wAt, int n, double[] source, int[] chosen, int count) {
        KERNELS.dotRows(out, 0, w, wAt, n, source, chosen, count);
    }

    /** {@code inOut += factor row}. */
    static void add(double[] inOut, int at, double factor, double[] row, int rowAt, int n) {
        for (int i = 0; i < n; i++) {
            inOut[at + i] += factor * row[rowAt + i];
        }
    }

    /** {@code inOut += factor row}, of whole arrays: without offsets the compiler sees that it may use vectors. */
    static void add(double[] inOut, double factor, double[] row, int n) {
        for (int i = 0; i < n; i++) {
            inOut[i] += factor * row[i];
        }
    }

    /**
     * {@code inOut += sum_j factors[j] rows[j]}; four rows at a time, whose products are added before they are added to
     * the output.
     */
    static void addRows(double[] inOut, double[] factors, double[][] rows, int n) {
        int j = 0;
        for (; j + 3 < rows.length; j += 4) {
            add(inOut, factors, j, rows[j], rows[j + 1], rows[j + 2], rows[j + 3], n);
        }
        for (; j < rows.length; j++) {
            add(inOut, factors[j], rows[j], n);
        }
    }

    /** The same of chosen rows, for two outputs that read the same ones. */
    static void addRows(
            double[] inOut,
            double[] next,
            double[] factors,
            double[] nextFactors,
            int[] chosen,
            int count,
            double[][] rows,
            int n) {
        int j = 0;
        for (; j + 3 < count; j += 4) {
            double[] r0 = rows[chosen[j]];
            double[] r1 = rows[chosen[j + 1]];
            double[] r2 = rows[chosen[j + 2]];
            double[] r3 = rows[chosen[j + 3]];
            add(inOut, factors, j, r0, r1, r2, r3, n);
            add(next, nextFactors, j, r0, r1, r2, r3, n);
        }
        for (; j < count; j++) {
            add(inOut, factors[j], rows[chosen[j]], n);
            add(next, nextFactors[j], rows[chosen[j]], n);
        }
    }

    private static void add(
            double[] inOut, double[] factors, int j, double[] r0, double[] r1, double[] r2, double[] r3, int n) {
        double f0 = factors[j];
        double f1 = factors[j + 1];
        double f2 = factors[j + 2];
        double f3 = factors[j + 3];
        for (int i = 0; i < n; i++) {
            inOut[i] += (f0 * r0[i] + f1 * r1[i]) + (f2 * r2[i] + f3 * r3[i]);
        }
    }

    static double length(double[] a, int at, int n) {
        return Math.sqrt(dot(a, at, a, at, n));
    }
}
