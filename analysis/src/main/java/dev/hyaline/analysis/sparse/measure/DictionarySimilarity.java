package dev.hyaline.analysis.sparse.measure;

import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.files.RecordText;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The likeness of two dictionaries. Rows that are zero are like nothing: their cosine is 0.
 *
 * @param largest signed cosine of each row of the first with the row of the second that is most like it
 * @param partner that row
 */
public record DictionarySimilarity(float[] largest, int[] partner) {
    /**
     * Compares dictionaries.
     *
     * @param a {@code [nA, d]}
     * @param b {@code [nB, d]}
     */
    public static DictionarySimilarity between(float[] a, float[] b, int d) {
        return between(a, b, d, false);
    }

    /** Compares a dictionary with itself: each row with the others. */
    public static DictionarySimilarity within(float[] a, int d) {
        return between(a, a, d, true);
    }

    private static DictionarySimilarity between(float[] a, float[] b, int d, boolean others) {
        double[] first = unit(a, d);
        double[] second = unit(b, d);
        int nA = a.length / d;
        int nB = b.length / d;
        float[] largest = new float[nA];
        int[] partner = new int[nA];
        IntStream.range(0, nA).parallel().forEach(i -> {
            double best = Double.NEGATIVE_INFINITY;
            int at = 0;
            for (int j = 0; j < nB; j++) {
                if (others && i == j) {
                    continue;
                }
                double product = product(first, i * d, second, j * d, d);
                if (product > best) {
                    best = product;
                    at = j;
                }
            }
            largest[i] = best == Double.NEGATIVE_INFINITY ? 0 : (float) best;
            partner[i] = at;
        });
        return new DictionarySimilarity(largest, partner);
    }

    /** The mean of the largest cosines: MMCS from the first to the second, which is not that from the second. */
    public double mmcs() {
        double sum = 0;
        for (float cosine : largest) {
            sum += cosine;
        }
        return sum / largest.length;
    }

    /** Share of rows whose largest cosine is above a bound. */
    public double shareAbove(double bound) {
        int count = 0;
        for (float cosine : largest) {
            count += cosine > bound ? 1 : 0;
        }
        return (double) count / largest.length;
    }

    /**
     * The mean of {@code |cos|} over the best assignment of the smaller dictionary's rows to rows of the other, each
     * taken once (MCC), by the Hungarian method. Takes time with the cube of the number of rows.
     */
    public static double mcc(float[] a, float[] b, int d) {
        double[] first = unit(a.length <= b.length ? a : b, d);
        double[] second = unit(a.length <= b.length ? b : a, d);
        int n = first.length / d;
        int m = second.length / d;
        double[][] cost = new double[n][m];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < m; j++) {
                cost[i][j] = -Math.abs(product(first, i * d, second, j * d, d));
            }
        }
        return -assignment(cost) / n;
    }

    /** The least cost of giving each row a column of its own (Jonker and Volgenant's form with potentials). */
    private static double assignment(double[][] cost) {
        int n = cost.length;
        int m = cost[0].length;
        double[] u = new double[n + 1];
        double[] v = new double[m + 1];
        int[] rowOf = new int[m + 1];
        int[] way = new int[m + 1];
        for (int i = 1; i <= n; i++) {
            rowOf[0] = i;
            int column = 0;
            double[] least = new double[m + 1];
            Arrays.fill(least, Double.POSITIVE_INFINITY);
            boolean[] used = new boolean[m + 1];
            do {
                used[column] = true;
                int row = rowOf[column];
                double delta = Double.POSITIVE_INFINITY;
                int next = 0;
                for (int j = 1; j <= m; j++) {
                    if (used[j]) {
                        continue;
                    }
                    double reduced = cost[row - 1][j - 1] - u[row] - v[j];
                    if (reduced < least[j]) {
                        least[j] = reduced;
                        way[j] = column;
                    }
                    if (least[j] < delta) {
                        delta = least[j];
                        next = j;
                    }
                }
                for (int j = 0; j <= m; j++) {
                    if (used[j]) {
                        u[rowOf[j]] += delta;
                        v[j] -= delta;
                    } else {
                        least[j] -= delta;
                    }
                }
                column = next;
            } while (rowOf[column] != 0);
            do {
                int before = way[column];
                rowOf[column] = rowOf[before];
                column = before;
            } while (column != 0);
        }
        double sum = 0;
        for (int j = 1; j <= m; j++) {
            sum += rowOf[j] == 0 ? 0 : cost[rowOf[j] - 1][j - 1];
        }
        return sum;
    }

    private static double[] unit(float[] rows, int d) {
        if (d < 1 || rows.length == 0 || rows.length % d != 0) {
            throw new BadShapeException("a dictionary", "rows of " + d + " values", rows.length + " values");
        }
        double[] unit = new double[rows.length];
        for (int at = 0; at < rows.length; at += d) {
            double squares = 0;
            for (int c = at; c < at + d; c++) {
                squares += (double) rows[c] * rows[c];
            }
            for (int c = at; c < at + d; c++) {
                unit[c] = squares == 0 ? 0 : rows[c] / Math.sqrt(squares);
            }
        }
        return unit;
    }

    private static double product(double[] a, int aAt, double[] b, int bAt, int d) {
        double sum = 0;
        for (int c = 0; c < d; c++) {
            sum += a[aAt + c] * b[bAt + c];
        }
        return sum;
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
