package dev.hyaline.analysis.dictionary;

import dev.hyaline.analysis.sparse.internal.PackedRows;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.parallel.WorkerPool;

/**
 * A dictionary in the forms that coding reads: exact rows, and scaled ones in float that are looked through quickly.
 */
final class Atoms {
    /** Half a unit in a float's last place. */
    private static final double UNIT = 0x1p-24;

    /** Roundings of a product besides those of its sum. */
    private static final int ROUNDINGS = 8;

    final int n;
    final int d;
    /** Row after row. */
    final double[] rows;
    /** Squared length of each. */
    final double[] squares;
    /** Length of the longest; 1 if all are zero. */
    final double longest;
    /** The atoms divided by {@link #longest}, as the right side of a product. */
    final PackedMatrix scaled;

    /** The rows' transpose, {@code [d, n]}, once {@link #turn} made it. */
    private double[][] byFeature = {};

    private Atoms(double[] rows, int d, WorkerPool pool) {
        this.rows = rows;
        this.d = d;
        n = rows.length / d;
        squares = new double[n];
        double most = 0;
        for (int k = 0; k < n; k++) {
            squares[k] = Doubles.dot(rows, k * d, rows, k * d, d);
            most = Math.max(most, squares[k]);
        }
        longest = most > 0 ? Math.sqrt(most) : 1;
        float[] floats = new float[rows.length];
        double factor = 1 / longest;
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) (rows[i] * factor);
        }
        scaled = PackedRows.transposed(floats, n, d, new float[0], pool);
    }

    /**
     * Takes a dictionary; the array is not copied.
     *
     * @param rows {@code [n, d]}
     */
    static Atoms of(double[] rows, int d, WorkerPool pool) {
        if (d < 1 || rows.length == 0 || rows.length % d != 0) {
            throw new BadShapeException("a dictionary", "rows of " + d + " values", rows.length + " values");
        }
        for (int i = 0; i < rows.length; i++) {
            if (!Double.isFinite(rows[i])) {
                throw Samples.notFinite("atom", i / d, i % d, rows[i]);
            }
        }
        return new Atoms(rows, d, pool);
    }

    /** Prepares for {@link #products}. */
    void turn() {
        if (byFeature.length == 0) {
            byFeature = new double[d][n];
            for (int k = 0; k < n; k++) {
                for (int c = 0; c < d; c++) {
                    byFeature[c][k] = rows[k * d + c];
                }
            }
        }
    }

    /** The products of all atoms and a vector. */
    double[] products(double[] vector) {
        double[] products = new double[n];
        Doubles.addRows(products, vector, byFeature, n);
        return products;
    }

    /** The product of an atom and a vector. */
    double product(int atom, double[] vector) {
        return Doubles.dot(rows, atom * d, vector, 0, d);
    }

    /** The product of two atoms. */
    double product(int a, int b) {
        return Doubles.dot(rows, a * d, rows, b * d, d);
    }

    /** The products of an atom with chosen ones. */
    void products(int atom, int[] chosen, int count, double[] out) {
        Doubles.dotRows(out, rows, atom * d, d, rows, chosen, count);
    }

    /** Bound on the error in float of a scaled atom's product with a vector of length 1. */
    double roundingError() {
        return (d + ROUNDINGS) * UNIT;
    }
}
