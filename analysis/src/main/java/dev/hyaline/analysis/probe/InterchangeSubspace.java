package dev.hyaline.analysis.probe;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.instrument.Slot;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.weights.Matrix;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The span of orthonormal directions of activation space, in which one prompt's values can be exchanged for another's:
 * x + R R<sup>T</sup>(source - x). Immutable.
 */
public final class InterchangeSubspace {
    /** Wider than any model's rows. */
    private static final int MAX_COLUMNS = 1 << 12;

    /** Of what is left of a vector, less is rounding. */
    private static final double NOTHING = 1e-9;

    /** {@code [dimensions][columns]}. */
    private final double[][] basis;

    private InterchangeSubspace(double[][] basis) {
        this.basis = basis;
    }

    /**
     * The span of directions, orthonormalised one after the other.
     *
     * @throws BadInputException if there is none, or one lies in the span of those before it
     * @throws BadShapeException if they differ in length
     */
    public static InterchangeSubspace of(double[]... directions) {
        if (directions.length == 0) {
            throw new BadInputException("a subspace needs at least one direction, found none");
        }
        double[][] basis = new double[directions.length][];
        for (int k = 0; k < directions.length; k++) {
            if (directions[k].length != directions[0].length) {
                throw new BadShapeException(
                        "direction " + k + " of a subspace",
                        directions[0].length + " values",
                        directions[k].length + " values");
            }
            double[] left = directions[k].clone();
            double length = Vectors.norm(left);
            for (int pass = 0; pass < 2; pass++) {
                for (int earlier = 0; earlier < k; earlier++) {
                    Vectors.add(left, 0, -Vectors.dot(basis[earlier], left), basis[earlier], 0, left.length);
                }
            }
            if (!(Vectors.norm(left) > 1e-12 * length)) {
                throw new BadInputException("direction " + k + " of a subspace lies in the span of those before it");
            }
            basis[k] = Vectors.unit(left);
        }
        return new InterchangeSubspace(basis);
    }

    /** A subspace drawn at random, uniformly. */
    public static InterchangeSubspace random(int dimensions, int columns, CounterRandom random) {
        requirePossible(columns);
        if (dimensions < 1 || dimensions > columns) {
            throw new BadInputException("a subspace of " + columns + " columns has from 1 to " + columns
                    + " dimensions, found " + dimensions);
        }
        double[][] directions = new double[dimensions][columns];
        for (int k = 0; k < dimensions; k++) {
            for (int c = 0; c < columns; c++) {
                directions[k][c] = random.gaussian((long) k * columns + c);
            }
        }
        return of(directions);
    }

    private static void requirePossible(int columns) {
        if (columns < 1 || columns > MAX_COLUMNS) {
            throw new BadInputException("a space has from 1 to " + MAX_COLUMNS + " columns, found " + columns);
        }
    }

    /** All of activation space: an interchange there makes the values those of the source. */
    public static InterchangeSubspace whole(int columns) {
        requirePossible(columns);
        double[][] axes = new double[columns][columns];
        for (int c = 0; c < columns; c++) {
            axes[c][c] = 1;
        }
        return new InterchangeSubspace(axes);
    }

    public int dimensions() {
        return basis.length;
    }

    public int columns() {
        return basis[0].length;
    }

    /** A copy of the orthonormal directions, {@code [dimensions][columns]}. */
    public double[][] basis() {
        return Arrays.stream(basis).map(double[]::clone).toArray(double[][]::new);
    }

    /** The part of a vector that lies in the subspace. */
    public double[] project(double[] x) {
        double[] projected = new double[x.length];
        for (double[] direction : basis) {
            Vectors.add(projected, 0, Vectors.dot(direction, x), direction, 0, x.length);
        }
        return projected;
    }

    /**
     * The part that a matrix reads: the projection on the span of its columns.
     *
     * @param reader {@code [columns, anything]}, which rows of values are multiplied by
     * @return empty if it reads nothing of the subspace
     * @throws BadShapeException if it has another number of rows
     */
    public Optional<InterchangeSubspace> readBy(Matrix reader) {
        if (reader.rows() != columns()) {
            throw new BadShapeException("a matrix that reads a subspace", columns() + " rows", reader.rows() + " rows");
        }
        List<double[]> read = span(Arrays.asList(rows(reader.transposed())));
        List<double[]> parts = new ArrayList<>();
        for (double[] direction : basis) {
            double[] part = new double[direction.length];
            for (double[] axis : read) {
                Vectors.add(part, 0, Vectors.dot(axis, direction), axis, 0, part.length);
            }
            // A direction has the length 1: what is left of one that is not read at all is rounding.
            if (Vectors.norm(part) > NOTHING) {
                parts.add(part);
            }
        }
        List<double[]> spanned = span(parts);
        return spanned.isEmpty()
                ? Optional.empty()
                : Optional.of(new InterchangeSubspace(spanned.toArray(double[][]::new)));
    }

    private static double[][] rows(Matrix matrix) {
        double[][] rows = new double[matrix.rows()][];
        Arrays.setAll(rows, matrix::row);
        return rows;
    }

    /**
     * Orthonormal vectors of a span, each made orthogonal twice; what lies in the span of those before is passed over.
     */
    private static List<double[]> span(List<double[]> vectors) {
        List<double[]> spanned = new ArrayList<>();
        for (double[] vector : vectors) {
            double[] left = vector.clone();
            for (int pass = 0; pass < 2; pass++) {
                for (double[] axis : spanned) {
                    Vectors.add(left, 0, -Vectors.dot(axis, left), axis, 0, left.length);
                }
            }
            if (Vectors.norm(left) > NOTHING * Vectors.norm(vector)) {
                spanned.add(Vectors.unit(left));
            }
        }
        return spanned;
    }

    /**
     * Gives a token's values the source's part in the subspace; gradients pass through the rest.
     *
     * @param target a site of as many values per token as the subspace has columns
     * @param source values of another prompt at that site
     */
    public Intervention interchange(Target target, float[] source) {
        return Intervention.function(target, new Interchange(this, source.clone()));
    }

    private record Interchange(InterchangeSubspace space, float[] source) implements Intervention.SlotFunction {
        @Override
        public void change(Slot slot, float[] values) {
            requireSize(slot, values.length);
            double[] difference = new double[values.length];
            for (int i = 0; i < values.length; i++) {
                difference[i] = (double) source[i] - values[i];
            }
            double[] change = space.project(difference);
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (values[i] + change[i]);
            }
        }

        @Override
        public boolean pullBack(Slot slot, float[] gradient) {
            requireSize(slot, gradient.length);
            double[] wide = new double[gradient.length];
            for (int i = 0; i < wide.length; i++) {
                wide[i] = gradient[i];
            }
            double[] within = space.project(wide);
            for (int i = 0; i < wide.length; i++) {
                gradient[i] = (float) (wide[i] - within[i]);
            }
            return true;
        }

        private void requireSize(Slot slot, int found) {
            if (found != space.columns() || source.length != found) {
                throw new BadShapeException(
                        slot.point().name() + " in an interchange",
                        space.columns() + " values per token",
                        found + " values, and " + source.length + " of the source");
            }
        }

        @Override
        public boolean equals(Object other) {
            return other == this;
        }

        @Override
        public int hashCode() {
            return System.identityHashCode(this);
        }
    }

    @Override
    public String toString() {
        return "subspace of " + basis.length + " dimensions";
    }
}
