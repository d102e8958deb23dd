package dev.hyaline.analysis.dictionary;

/** Sums in double, each in one fixed order. */
final class Doubles {
    private Doubles() {}

    /** The product of two vectors, in eight lanes. */
    static double dot(double[] a, int aAt, double[] b, int bAt, int n) {
        double s0 = 0;
        double s1 = 0;
        double s2 = 0;
        double s3 = 0;
        double s4 = 0;
        double s5 = 0;
        double s6 = 0;
        double s7 = 0;
        int i = 0;
        for (; i + 7 < n; i += 8) {
            s0 += a[aAt + i] * b[bAt + i];
            s1 += a[aAt + i + 1] * b[bAt + i + 1];
            s2 += a[aAt + i + 2] * b[bAt + i + 2];
            s3 += a[aAt + i + 3] * b[bAt + i + 3];
            s4 += a[aAt + i + 4] * b[bAt + i + 4];
            s5 += a[aAt + i + 5] * b[bAt + i + 5];
            s6 += a[aAt + i + 6] * b[bAt + i + 6];
            s7 += a[aAt + i + 7] * b[bAt + i + 7];
        }
        double rest = 0;
        for (; i < n; i++) {
            rest += a[aAt + i] * b[bAt + i];
        }
        return ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7)) + rest;
    }

    /** {@code inOut += factor row}. */
    static void add(double[] inOut, int at, double factor, double[] row, int rowAt, int n) {
        for (int i = 0; i < n; i++) {
            inOut[at + i] += factor * row[rowAt + i];
        }
    }

    /**
     * {@code inOut += sum_j factors[j] rows[chosen[j]]}, rows of {@code n} values; four rows at a time, whose products
     * are added before they are added to the output.
     */
    static void addRows(double[] inOut, int at, double[] factors, int[] chosen, int count, double[] rows, int n) {
        int j = 0;
        for (; j + 3 < count; j += 4) {
            double f0 = factors[j];
            double f1 = factors[j + 1];
            double f2 = factors[j + 2];
            double f3 = factors[j + 3];
            int r0 = chosen[j] * n;
            int r1 = chosen[j + 1] * n;
            int r2 = chosen[j + 2] * n;
            int r3 = chosen[j + 3] * n;
            for (int i = 0; i < n; i++) {
                inOut[at + i] += (f0 * rows[r0 + i] + f1 * rows[r1 + i]) + (f2 * rows[r2 + i] + f3 * rows[r3 + i]);
            }
        }
        for (; j < count; j++) {
            add(inOut, at, factors[j], rows, chosen[j] * n, n);
        }
    }

    /**
     * As {@link #addRows(double[], int, double[], int[], int, double[], int)}, of two outputs that read the same rows.
     */
    static void addRows(
            double[] inOut,
            int at,
            int nextAt,
            double[] factors,
            double[] nextFactors,
            int[] chosen,
            int count,
            double[] rows,
            int n) {
        int j = 0;
        for (; j + 3 < count; j += 4) {
            double f0 = factors[j];
            double f1 = factors[j + 1];
            double f2 = factors[j + 2];
            double f3 = factors[j + 3];
            double g0 = nextFactors[j];
            double g1 = nextFactors[j + 1];
            double g2 = nextFactors[j + 2];
            double g3 = nextFactors[j + 3];
            int r0 = chosen[j] * n;
            int r1 = chosen[j + 1] * n;
            int r2 = chosen[j + 2] * n;
            int r3 = chosen[j + 3] * n;
            for (int i = 0; i < n; i++) {
                double x0 = rows[r0 + i];
                double x1 = rows[r1 + i];
                double x2 = rows[r2 + i];
                double x3 = rows[r3 + i];
                inOut[at + i] += (f0 * x0 + f1 * x1) + (f2 * x2 + f3 * x3);
                inOut[nextAt + i] += (g0 * x0 + g1 * x1) + (g2 * x2 + g3 * x3);
            }
        }
        for (; j < count; j++) {
            add(inOut, at, factors[j], rows, chosen[j] * n, n);
            add(inOut, nextAt, nextFactors[j], rows, chosen[j] * n, n);
        }
    }

    static double length(double[] a, int at, int n) {
        return Math.sqrt(dot(a, at, a, at, n));
    }
}
