package dev.hyaline.analysis.probe;

import dev.hyaline.engine.error.BadInputException;

/**
 * Newton's method for smooth strictly convex functions, each step solved by conjugate gradients as exactly as it pays,
 * and shortened until it descends (Nocedal and Wright 2006, chapters 6 and 7).
 */
final class NewtonMinimizer {
    /** The gradient's largest entry at the end, relative to that at the start or to 1. */
    private static final double TOLERANCE = 1e-9;

    private static final int MAX_STEPS = 200;
    private static final double SUFFICIENT = 1e-4;
    /** A predicted decrease below this share of the value is rounding. */
    private static final double ROUNDING = 1e-13;

    private NewtonMinimizer() {}

    /** A function with its derivatives. */
    interface Convex {
        /** Moves to a point; returns the value there, and writes the gradient. */
        double at(double[] point, double[] gradient);

        /** Writes the product of the Hessian at the last point with a vector. */
        void hessian(double[] vector, double[] product);
    }

    /**
     * The minimum, searched for from 0.
     *
     * @throws BadInputException if it is not found
     */
    static double[] minimize(int size, Convex function) {
        double[] point = new double[size];
        double[] gradient = new double[size];
        double value = function.at(point, gradient);
        double enough = TOLERANCE * Math.max(1, largest(gradient));
        for (int step = 0; step < MAX_STEPS; step++) {
            if (largest(gradient) <= enough) {
                return point;
            }
            double[] direction = solve(function, gradient);
            double slope = Vectors.dot(gradient, direction);
            double length = 1;
            double[] next = moved(point, length, direction);
            double[] nextGradient = new double[size];
            double nextValue = function.at(next, nextGradient);
            boolean exact = -slope <= ROUNDING * Math.abs(value);
            while (!exact && !(nextValue <= value + SUFFICIENT * length * slope) && length > 0x1p-40) {
                length /= 2;
                next = moved(point, length, direction);
                nextValue = function.at(next, nextGradient);
            }
            if (exact && largest(nextGradient) >= largest(gradient)) {
                // Rounding has the last word.
                return point;
            }
            point = next;
            gradient = nextGradient;
            value = nextValue;
        }
        throw new BadInputException("a probe did not converge within " + MAX_STEPS
                + " steps; penalise its weights more, or scale its columns");
    }

    private static double[] moved(double[] point, double length, double[] direction) {
        double[] moved = point.clone();
        Vectors.add(moved, 0, length, direction, 0, moved.length);
        return moved;
    }

    private static double largest(double[] values) {
        double largest = 0;
        for (double value : values) {
            largest = Math.max(largest, Math.abs(value));
        }
        return largest;
    }

    /** About minus the inverse of the Hessian times the gradient. */
    private static double[] solve(Convex function, double[] gradient) {
        int n = gradient.length;
        double[] solution = new double[n];
        double[] residual = new double[n];
        for (int i = 0; i < n; i++) {
            residual[i] = -gradient[i];
        }
        double[] direction = residual.clone();
        double[] product = new double[n];
        double squares = Vectors.dot(residual, residual);
        double norm = Math.sqrt(squares);
        double enough = Math.min(0.1, norm) * norm;
        for (int step = 0; step < 2 * n + 10 && Math.sqrt(squares) > enough; step++) {
            function.hessian(direction, product);
            double curvature = Vectors.dot(direction, product);
            if (!(curvature > 0)) {
                break;
            }
            double length = squares / curvature;
            Vectors.add(solution, 0, length, direction, 0, n);
            Vectors.add(residual, 0, -length, product, 0, n);
            double before = squares;
            squares = Vectors.dot(residual, residual);
            double share = squares / before;
            for (int i = 0; i < n; i++) {
                direction[i] = residual[i] + share * direction[i];
            }
        }
        return solution;
    }
}
