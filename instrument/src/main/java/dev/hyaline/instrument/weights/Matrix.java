package dev.hyaline.instrument.weights;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * A dense matrix in float64, row-major. Values are not copied: who makes one gives its array away.
 *
 * @param values {@code [rows * columns]}
 */
public record Matrix(int rows, int columns, double[] values) {
    public Matrix {
        if (rows < 1 || columns < 1 || values.length != (long) rows * columns) {
            throw new BadShapeException("matrix", "[" + rows + ", " + columns + "]", values.length + " values");
        }
    }

    /** Widens floats. */
    public static Matrix of(int rows, int columns, float[] values) {
        double[] wide = new double[values.length];
        Arrays.setAll(wide, i -> values[i]);
        return new Matrix(rows, columns, wide);
    }

    static Matrix zeros(int rows, int columns) {
        return new Matrix(rows, columns, new double[Math.multiplyExact(rows, columns)]);
    }

    public double get(int row, int column) {
        BadInputException.requireIndex("row", row, rows);
        BadInputException.requireIndex("column", column, columns);
        return values[row * columns + column];
    }

    /** A copy of a row. */
    public double[] row(int row) {
        BadInputException.requireIndex("row", row, rows);
        return Arrays.copyOfRange(values, row * columns, (row + 1) * columns);
    }

    Matrix firstRows(int count) {
        return count == rows ? this : new Matrix(count, columns, Arrays.copyOf(values, count * columns));
    }

    /**
     * The product with a matrix of {@link #columns} rows.
     *
     * @throws BadShapeException if it has another number of rows
     */
    public Matrix times(Matrix right) {
        if (right.rows != columns) {
            throw new BadShapeException("right factor", columns + " rows", right.rows + " rows");
        }
        Matrix product = zeros(rows, right.columns);
        IntStream.range(0, rows).parallel().forEach(row -> {
            int out = row * right.columns;
            for (int k = 0; k < columns; k++) {
                double factor = values[row * columns + k];
                int from = k * right.columns;
                for (int column = 0; column < right.columns; column++) {
                    product.values[out + column] += factor * right.values[from + column];
                }
            }
        });
        return product;
    }

    public Matrix transposed() {
        Matrix out = zeros(columns, rows);
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < columns; column++) {
                out.values[column * rows + row] = values[row * columns + column];
            }
        }
        return out;
    }

    /** The square root of the sum of all squares. */
    public double norm() {
        double squares = 0;
        for (double value : values) {
            squares += value * value;
        }
        return Math.sqrt(squares);
    }

    @Override
    public String toString() {
        return "Matrix[" + rows + ", " + columns + "]";
    }
}
