package dev.hyaline.analysis.dictionary;

import dev.hyaline.engine.error.BadInputException;

/**
 * How samples are coded. Immutable; each method returns a changed copy.
 *
 * @param alpha weight of the code's 1-norm; {@link CodingAlgorithm#LARS} and {@link CodingAlgorithm#OMP} have none
 * @param nonzeroCoefficients atoms of a code for those two; 0 for {@code min(max(d / 10, 1), n)}
 * @param positive whether coefficients are at least 0; not for those two
 * @param tolerance largest residual of the Lasso's KKT conditions, as a share of the sample's length times the longest
 *     atom's
 * @param maxIterations most steps of a path, and most sweeps of coordinate descent where atoms depend on each other
 */
public record Coding(
        CodingAlgorithm algorithm,
        double alpha,
        int nonzeroCoefficients,
        boolean positive,
        double tolerance,
        int maxIterations) {
    private static final double TOLERANCE = 1e-12;
    private static final int MAX_ITERATIONS = 1000;

    public Coding {
        if (!(alpha >= 0) || Double.isInfinite(alpha)) {
            throw new BadInputException("alpha must be a number of at least 0, found " + alpha);
        }
        if (algorithm == CodingAlgorithm.LASSO_CD && alpha == 0) {
            throw new BadInputException("lasso_cd needs an alpha above 0: without one many codes are equally good");
        }
        if (nonzeroCoefficients < 0) {
            throw new BadInputException(
                    "a code has at least 1 atom, found " + nonzeroCoefficients + " for n_nonzero_coefs");
        }
        if (positive && algorithm.isCounted()) {
            throw new BadInputException("codes of " + algorithm.sklearnName()
                    + " cannot be held positive; lasso_lars, lasso_cd and threshold can");
        }
        if (!(tolerance >= 0) || Double.isInfinite(tolerance)) {
            throw new BadInputException("a tolerance must be a number of at least 0, found " + tolerance);
        }
        if (maxIterations < 1) {
            throw new BadInputException("coding needs at least 1 iteration, found " + maxIterations);
        }
    }

    /** An algorithm with alpha 1, as in scikit-learn, tolerance 1e-12 and at most 1,000 iterations. */
    public static Coding of(CodingAlgorithm algorithm) {
        return new Coding(algorithm, 1, 0, false, TOLERANCE, MAX_ITERATIONS);
    }

    /** The Lasso by coordinate descent. */
    public static Coding lasso(double alpha) {
        return of(CodingAlgorithm.LASSO_CD).alpha(alpha);
    }

    /** Orthogonal matching pursuit of so many atoms. */
    public static Coding omp(int nonzeroCoefficients) {
        return of(CodingAlgorithm.OMP).nonzeroCoefficients(nonzeroCoefficients);
    }

    public Coding alpha(double weight) {
        return new Coding(algorithm, weight, nonzeroCoefficients, positive, tolerance, maxIterations);
    }

    public Coding nonzeroCoefficients(int atoms) {
        return new Coding(algorithm, alpha, atoms, positive, tolerance, maxIterations);
    }

    public Coding positive(boolean held) {
        return new Coding(algorithm, alpha, nonzeroCoefficients, held, tolerance, maxIterations);
    }

    public Coding tolerance(double share) {
        return new Coding(algorithm, alpha, nonzeroCoefficients, positive, share, maxIterations);
    }

    public Coding maxIterations(int most) {
        return new Coding(algorithm, alpha, nonzeroCoefficients, positive, tolerance, most);
    }

    /** Atoms of a code with these numbers of atoms and features. */
    int atoms(int n, int d) {
        int atoms = nonzeroCoefficients > 0 ? nonzeroCoefficients : Math.min(Math.max(d / 10, 1), n);
        if (algorithm == CodingAlgorithm.OMP && atoms > Math.min(n, d)) {
            throw new BadInputException("omp chooses at most as many atoms as there are "
                    + (d <= n ? "features, " + d : "atoms, " + n) + ", found " + atoms + " for n_nonzero_coefs");
        }
        return atoms;
    }
}
