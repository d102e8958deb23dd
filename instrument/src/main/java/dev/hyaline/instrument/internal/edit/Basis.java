package dev.hyaline.instrument.internal.edit;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.instrument.edit.Direction;
import java.util.Arrays;
import java.util.List;

/** An orthonormal basis of the span of directions, in float64. Immutable. */
final class Basis {
    /** Relative length of the rest of a direction below which it counts as a combination of those before. */
    private static final double DEPENDENT = 1e-6;

    private final double[][] vectors;

    private Basis(double[][] vectors) {
        this.vectors = vectors;
    }

    /** By Gram and Schmidt, each direction twice, so that rounding leaves the vectors orthogonal. */
    static Basis of(List<Direction> directions, int n, String what) {
        double[][] vectors = new double[directions.size()][n];
        for (int k = 0; k < vectors.length; k++) {
            Direction direction = directions.get(k);
            if (direction.length() != n) {
                throw new BadShapeException("a direction at " + what, "[" + n + "]", "[" + direction.length() + "]");
            }
            double[] u = vectors[k];
            for (int i = 0; i < n; i++) {
                u[i] = direction.get(i);
            }
            double length = Math.sqrt(dot(u, u));
            if (!(length > 0) || Double.isInfinite(length)) {
                throw new BadInputException("direction " + k + " at " + what + " has no length to project on");
            }
            for (int pass = 0; pass < 2; pass++) {
                for (int j = 0; j < k; j++) {
                    subtract(u, vectors[j], dot(u, vectors[j]));
                }
            }
            double left = Math.sqrt(dot(u, u));
            if (left < DEPENDENT * length) {
                throw new BadInputException("direction " + k + " at " + what + " is a combination of those before it");
            }
            for (int i = 0; i < n; i++) {
                u[i] /= left;
            }
        }
        return new Basis(vectors);
    }

    /** The component of {@code x} in the span. */
    double[] project(double[] x) {
        double[] projection = new double[x.length];
        for (double[] u : vectors) {
            subtract(projection, u, -dot(x, u));
        }
        return projection;
    }

    /** The vectors, rounded. */
    List<float[]> floats() {
        return Arrays.stream(vectors).map(Basis::floats).toList();
    }

    private static float[] floats(double[] vector) {
        float[] rounded = new float[vector.length];
        for (int i = 0; i < rounded.length; i++) {
            rounded[i] = (float) vector[i];
        }
        return rounded;
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }

    private static void subtract(double[] a, double[] b, double factor) {
        for (int i = 0; i < a.length; i++) {
            a[i] -= factor * b[i];
        }
    }
}
