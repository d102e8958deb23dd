package dev.hyaline.analysis.probe;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.weights.Matrix;
import org.hipparchus.linear.EigenDecompositionSymmetric;
import org.hipparchus.linear.MatrixUtils;

/** Products of vectors and matrices in double precision, every sum in a fixed order. */
final class Vectors {
    private static final int LANES = 4;

    private Vectors() {}

    /** The product of two vectors that lie at offsets; in four sums, since one would wait for itself. */
    static double dot(double[] x, int xFrom, double[] y, int yFrom, int n) {
        double a = 0;
        double b = 0;
        double c = 0;
        double d = 0;
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            a += x[xFrom + i] * y[yFrom + i];
            b += x[xFrom + i + 1] * y[yFrom + i + 1];
            c += x[xFrom + i + 2] * y[yFrom + i + 2];
            d += x[xFrom + i + 3] * y[yFrom + i + 3];
        }
        for (; i < n; i++) {
            a += x[xFrom + i] * y[yFrom + i];
        }
        return (a + b) + (c + d);
    }

    static double dot(double[] x, double[] y) {
        return dot(x, 0, y, 0, x.length);
    }

    static double norm(double[] x) {
        return Math.sqrt(dot(x, x));
    }

    /** Adds {@code factor} times the values of {@code x} from an offset on. */
    static void add(double[] sum, int to, double factor, double[] x, int from, int n) {
        for (int i = 0; i < n; i++) {
            sum[to + i] += factor * x[from + i];
        }
    }

    /** The vector at length one; zeros stay. */
    static double[] unit(double[] x) {
        double norm = norm(x);
        double[] unit = x.clone();
        for (int i = 0; i < unit.length && norm > 0; i++) {
            unit[i] /= norm;
        }
        return unit;
    }

    /** The mean of every column. */
    static double[] columnMeans(Matrix values) {
        double[] means = new double[values.columns()];
        for (int row = 0; row < values.rows(); row++) {
            add(means, 0, 1, values.values(), row * means.length, means.length);
        }
        for (int c = 0; c < means.length; c++) {
            means[c] /= values.rows();
        }
        return means;
    }

    /** The rows less {@code centre}. */
    static Matrix centred(Matrix values, double[] centre) {
        double[] centred = values.values().clone();
        for (int i = 0; i < centred.length; i++) {
            centred[i] -= centre[i % centre.length];
        }
        return new Matrix(values.rows(), values.columns(), centred);
    }

    /** X<sup>T</sup> X / {@code divisor}, {@code [columns][columns]}. */
    static double[][] gram(Matrix x, double divisor) {
        int d = x.columns();
        double[][] gram = new double[d][d];
        double[] values = x.values();
        for (int row = 0; row < x.rows(); row++) {
            for (int i = 0; i < d; i++) {
                double factor = values[row * d + i];
                double[] line = gram[i];
                for (int j = 0; j <= i; j++) {
                    line[j] += factor * values[row * d + j];
                }
            }
        }
        for (int i = 0; i < d; i++) {
            for (int j = 0; j <= i; j++) {
                gram[i][j] /= divisor;
                gram[j][i] = gram[i][j];
            }
        }
        return gram;
    }

    /**
     * A power of a symmetric positive semidefinite matrix on the space that it spans: eigenvalues up to d
     * 2<sup>-52</sup> of the largest count as none.
     */
    static double[][] power(double[][] symmetric, double exponent) {
        int d = symmetric.length;
        EigenDecompositionSymmetric eigen =
                new EigenDecompositionSymmetric(MatrixUtils.createRealMatrix(symmetric), 1e-300, true);
        double[] values = eigen.getEigenvalues();
        double largest = 0;
        for (double value : values) {
            largest = Math.max(largest, value);
        }
        double least = largest * d * 0x1p-52;
        double[][] power = new double[d][d];
        for (int k = 0; k < d; k++) {
            if (values[k] <= least) {
                continue;
            }
            double[] vector = eigen.getEigenvector(k).toArray();
            double scale = Math.pow(values[k], exponent);
            for (int i = 0; i < d; i++) {
                add(power[i], 0, scale * vector[i], vector, 0, d);
            }
        }
        return power;
    }

    /** The product of a matrix with a vector. */
    static double[] times(double[][] matrix, double[] x) {
        double[] product = new double[matrix.length];
        for (int i = 0; i < product.length; i++) {
            product[i] = dot(matrix[i], x);
        }
        return product;
    }

    /**
     * Checks a weight.
     *
     * @throws BadInputException if it is not finite and above 0
     */
    static void requirePositive(String what, double value) {
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new BadInputException(what + " is a finite number above 0, found " + value);
        }
    }
}
