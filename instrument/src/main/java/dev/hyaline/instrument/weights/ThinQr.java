package dev.hyaline.instrument.weights;

import dev.hyaline.engine.internal.kernel.DoubleFma;
import java.util.Arrays;

/**
 * A tall matrix as orthonormal columns times an upper triangle, by modified Gram-Schmidt done twice ("twice is enough",
 * Kahan and Parlett; Giraud et al. 2005). A library's would form the square orthogonal matrix, {@code [dVocab, dVocab]}
 * for an embedding.
 *
 * @param q {@code [rows, columns]}
 * @param r {@code [columns, columns]}
 */
record ThinQr(Matrix q, Matrix r) {
    /** A column whose length falls by this factor lies in the space of those before it. */
    private static final double DEPENDENT = 1e-14;

    static ThinQr of(Matrix matrix) {
        // Transposed, so that a column is contiguous.
        Matrix columns = matrix.transposed();
        int n = matrix.columns();
        Matrix r = Matrix.zeros(n, n);
        int nextAxis = 0;
        for (int column = 0; column < n; column++) {
            double before = length(columns, column);
            orthogonalize(columns, column, r);
            double length = length(columns, column);
            if (length <= DEPENDENT * before) {
                nextAxis = replace(columns, column, nextAxis);
                length = length(columns, column);
            } else {
                r.values()[column * n + column] = length;
            }
            scale(columns, column, 1 / length);
        }
        return new ThinQr(columns.transposed(), r);
    }

    /** Subtracts the projections on the columns before, and adds their coefficients to {@code r}. */
    private static void orthogonalize(Matrix columns, int column, Matrix r) {
        for (int pass = 0; pass < 2; pass++) {
            for (int earlier = 0; earlier < column; earlier++) {
                double along = product(columns, earlier, column);
                r.values()[earlier * r.columns() + column] += along;
                subtract(columns, column, along, earlier);
            }
        }
    }

    /** Puts a direction that is orthogonal to the columns before where none is left; returns the next axis to try. */
    private static int replace(Matrix columns, int column, int axis) {
        int at = column * columns.columns();
        while (true) {
            Arrays.fill(columns.values(), at, at + columns.columns(), 0);
            columns.values()[at + axis++] = 1;
            orthogonalize(columns, column, Matrix.zeros(columns.rows(), columns.rows()));
            if (length(columns, column) > 0.01 / columns.columns()) {
                return axis;
            }
        }
    }

    private static double length(Matrix columns, int column) {
        return Math.sqrt(product(columns, column, column));
    }

    private static double product(Matrix columns, int a, int b) {
        int m = columns.columns();
        double[] values = columns.values();
        double sum = 0;
        for (int i = 0; i < m; i++) {
            sum = DoubleFma.fma(values[a * m + i], values[b * m + i], sum);
        }
        return sum;
    }

    private static void subtract(Matrix columns, int column, double factor, int earlier) {
        int m = columns.columns();
        double[] values = columns.values();
        for (int i = 0; i < m; i++) {
            values[column * m + i] -= factor * values[earlier * m + i];
        }
    }

    private static void scale(Matrix columns, int column, double factor) {
        int m = columns.columns();
        for (int i = column * m; i < (column + 1) * m; i++) {
            columns.values()[i] *= factor;
        }
    }
}
