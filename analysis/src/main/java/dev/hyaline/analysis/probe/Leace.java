package dev.hyaline.analysis.probe;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.weights.Matrix;
import org.hipparchus.linear.MatrixUtils;
import org.hipparchus.linear.SingularValueDecomposition;

/**
 * The least change of activations after which no linear probe beats the majority on the rows that it was found on: P =
 * I - W<sup>+</sup>U U<sup>T</sup>W with W = Σ<sub>xx</sub><sup>-1/2</sup> and U the left singular vectors of W
 * Σ<sub>xz</sub> whose singular values are above the tolerance; z is the class, one-hot. Then Σ<sub>xz</sub> is zero.
 * Covariances are divided by the number of rows less 1.
 *
 * <p>Source: Belrose et al. (2023), and their library.
 *
 * @param tolerance singular values up to this count as none; the library's is {@value #TOLERANCE}
 * @param orthogonal whether to project orthogonally, W = I: the least rank, but not the least change
 * @param shrinkage whether Σ<sub>xx</sub> is shrunk towards a multiple of the identity by Bodnar, Gupta and Parolya
 *     (2014), as the library does unless told otherwise
 * @param boundedTrace whether P is mixed with the orthogonal projection where it would make the total variance grow, as
 *     the library does unless told otherwise
 */
public record Leace(double tolerance, boolean orthogonal, boolean shrinkage, boolean boundedTrace) implements Erasure {
    /** The library's tolerance. */
    public static final double TOLERANCE = 0.01;

    public Leace {
        if (!(tolerance >= 0) || Double.isInfinite(tolerance)) {
            throw new BadInputException("the tolerance of LEACE is a finite number of at least 0, found " + tolerance);
        }
    }

    /** As the paper has it: neither shrinkage nor a bound. */
    public Leace() {
        this(TOLERANCE, false, false, false);
    }

    @Override
    public AffineMap fit(LabelledRows rows) {
        int n = rows.rows();
        int d = rows.columns();
        double[] mean = Vectors.columnMeans(rows.values());
        Matrix centred = Vectors.centred(rows.values(), mean);
        double[][] covariance = Vectors.gram(centred, n - 1.0);
        if (shrinkage) {
            shrink(covariance, n);
        }
        double[][] whitening = orthogonal ? identity(d) : Vectors.power(covariance, -0.5);
        double[][] unwhitening = orthogonal ? whitening : Vectors.power(covariance, 0.5);
        double[][] cross = crossCovariance(rows, centred);
        double[][] whitened = new double[cross.length][];
        for (int k = 0; k < cross.length; k++) {
            whitened[k] = Vectors.times(whitening, cross[k]);
        }
        SingularValueDecomposition svd = new SingularValueDecomposition(
                MatrixUtils.createRealMatrix(whitened).transpose());
        double[] projected = identityValues(d);
        double[] orthogonally = identityValues(d);
        int rank = 0;
        for (int k = 0; k < svd.getSingularValues().length; k++) {
            if (svd.getSingularValues()[k] <= tolerance) {
                continue;
            }
            rank++;
            double[] u = svd.getU().getColumn(k);
            double[] left = Vectors.times(unwhitening, u);
            double[] right = Vectors.times(whitening, u);
            for (int i = 0; i < d; i++) {
                Vectors.add(projected, i * d, -left[i], right, 0, d);
                Vectors.add(orthogonally, i * d, -u[i], u, 0, d);
            }
        }
        Matrix p = new Matrix(d, d, projected);
        if (boundedTrace && !orthogonal) {
            p = bounded(p, new Matrix(d, d, orthogonally), covariance);
        }
        return new AffineMap(p, mean, rank);
    }

    /** The covariance of the columns with each class's indicator, {@code [classes][columns]}. */
    private static double[][] crossCovariance(LabelledRows rows, Matrix centred) {
        int d = rows.columns();
        double[][] cross = new double[rows.classes().size()][d];
        for (int row = 0; row < rows.rows(); row++) {
            Vectors.add(cross[rows.label(row)], 0, 1 / (rows.rows() - 1.0), centred.values(), row * d, d);
        }
        return cross;
    }

    private static void shrink(double[][] covariance, int n) {
        int d = covariance.length;
        double trace = trace(covariance);
        double squares = 0;
        for (double[] row : covariance) {
            squares += Vectors.dot(row, row);
        }
        double target = trace / d;
        double targetSquares = target * target * d;
        double product = target * trace;
        double bottom = squares * targetSquares - product * product;
        double kept = bottom > 0 ? Math.clamp(1 - trace * trace * targetSquares / n / bottom, 0.0, 1.0) : 1;
        for (int i = 0; i < d; i++) {
            for (int j = 0; j < d; j++) {
                covariance[i][j] *= kept;
            }
            covariance[i][i] += (1 - kept) * target;
        }
    }

    private static double trace(double[][] matrix) {
        double trace = 0;
        for (int i = 0; i < matrix.length; i++) {
            trace += matrix[i][i];
        }
        return trace;
    }

    /** α P + (1 - α) Q of the total variance that there was before, if P makes it grow. */
    private static Matrix bounded(Matrix p, Matrix q, double[][] covariance) {
        int d = covariance.length;
        double before = trace(covariance);
        double pp = 0;
        double pq = 0;
        double qq = 0;
        for (int i = 0; i < d; i++) {
            double[] ofP = p.row(i);
            double[] ofQ = q.row(i);
            double[] spread = Vectors.times(covariance, ofP);
            pp += Vectors.dot(ofP, spread);
            pq += Vectors.dot(ofQ, spread);
            qq += Vectors.dot(ofQ, Vectors.times(covariance, ofQ));
        }
        if (pp <= before) {
            return p;
        }
        double a = pp - 2 * pq + qq;
        double b = 2 * (pq - qq);
        double c = qq - before;
        double alpha = Math.clamp((-b + Math.sqrt(Math.max(0, b * b - 4 * a * c))) / (2 * a), 0.0, 1.0);
        double[] mixed = new double[d * d];
        Vectors.add(mixed, 0, alpha, p.values(), 0, mixed.length);
        Vectors.add(mixed, 0, 1 - alpha, q.values(), 0, mixed.length);
        return new Matrix(d, d, mixed);
    }

    private static double[][] identity(int d) {
        double[][] identity = new double[d][d];
        for (int i = 0; i < d; i++) {
            identity[i][i] = 1;
        }
        return identity;
    }

    private static double[] identityValues(int d) {
        return AffineMap.identity(d).matrix().values();
    }
}
