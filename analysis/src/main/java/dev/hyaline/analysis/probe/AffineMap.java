package dev.hyaline.analysis.probe;

import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.instrument.Slot;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.weights.Matrix;
import java.util.Arrays;

/**
 * A map of activations, r(x) = μ + P(x - μ), as an erased concept is: on rows, and as an intervention in a pass, where
 * each token's values are mapped in double precision and rounded once.
 *
 * @param matrix P, {@code [columns, columns]}
 * @param centre μ, the values that the map leaves as they are, {@code [columns]}
 * @param rank number of dimensions that P takes away
 */
public record AffineMap(Matrix matrix, double[] centre, int rank) {

    /** @throws BadShapeException if the matrix is not square, or the centre is of another size */
    public AffineMap {
        if (matrix.rows() != matrix.columns() || centre.length != matrix.rows()) {
            throw new BadShapeException(
                    "affine map",
                    "a square matrix and a centre of its size",
                    "[" + matrix.rows() + ", " + matrix.columns() + "] and " + centre.length + " values");
        }
    }

    /** The map that changes nothing. */
    static AffineMap identity(int columns) {
        double[] ones = new double[columns * columns];
        for (int i = 0; i < columns; i++) {
            ones[i * columns + i] = 1;
        }
        return new AffineMap(new Matrix(columns, columns, ones), new double[columns], 0);
    }

    public int columns() {
        return centre.length;
    }

    /** The rows, mapped. */
    public Matrix apply(Matrix values) {
        int d = columns();
        if (values.columns() != d) {
            throw new BadShapeException("rows of an affine map", d + " columns", values.columns() + " columns");
        }
        if (rank == 0) {
            return values;
        }
        double[] mapped = new double[values.values().length];
        double[] row = new double[d];
        for (int r = 0; r < values.rows(); r++) {
            System.arraycopy(values.values(), r * d, row, 0, d);
            System.arraycopy(mapped(row), 0, mapped, r * d, d);
        }
        return new Matrix(values.rows(), d, mapped);
    }

    private double[] mapped(double[] row) {
        int d = columns();
        double[] centred = row.clone();
        Vectors.add(centred, 0, -1, centre, 0, d);
        double[] mapped = centre.clone();
        for (int i = 0; i < d; i++) {
            mapped[i] += Vectors.dot(matrix.values(), i * d, centred, 0, d);
        }
        return mapped;
    }

    /**
     * The map as an edit of a pass; gradients pass through it. Runs wherever interventions do: in reruns, generation
     * and backward passes.
     *
     * @param target a site of as many values per token as the map has columns
     */
    public Intervention intervention(Target target) {
        return Intervention.function(target, new Mapping(this));
    }

    /** The map on the values of a slot. */
    private record Mapping(AffineMap map) implements Intervention.SlotFunction {
        @Override
        public void change(Slot slot, float[] values) {
            requireSize(slot, values.length);
            double[] row = new double[values.length];
            for (int i = 0; i < row.length; i++) {
                row[i] = values[i];
            }
            double[] mapped = map.mapped(row);
            for (int i = 0; i < row.length; i++) {
                values[i] = (float) mapped[i];
            }
        }

        @Override
        public boolean pullBack(Slot slot, float[] gradient) {
            requireSize(slot, gradient.length);
            int d = gradient.length;
            double[] pulled = new double[d];
            for (int i = 0; i < d; i++) {
                Vectors.add(pulled, 0, gradient[i], map.matrix.values(), i * d, d);
            }
            for (int i = 0; i < d; i++) {
                gradient[i] = (float) pulled[i];
            }
            return true;
        }

        private void requireSize(Slot slot, int found) {
            if (found != map.columns()) {
                throw new BadShapeException(
                        slot.point().name() + " under an affine map",
                        map.columns() + " values per token, as the map was fitted on",
                        found + " values");
            }
        }
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof AffineMap map
                && matrix.rows() == map.matrix.rows()
                && Arrays.equals(matrix.values(), map.matrix.values())
                && Arrays.equals(centre, map.centre)
                && rank == map.rank;
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(matrix.values()) + Arrays.hashCode(centre);
    }

    @Override
    public String toString() {
        return "AffineMap[" + columns() + " columns, rank " + rank + " taken away]";
    }
}
