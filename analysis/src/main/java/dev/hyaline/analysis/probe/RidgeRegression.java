package dev.hyaline.analysis.probe;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.files.RecordText;
import dev.hyaline.instrument.weights.Matrix;
import java.util.Arrays;
import org.hipparchus.linear.ArrayRealVector;
import org.hipparchus.linear.CholeskyDecomposition;
import org.hipparchus.linear.DecompositionSolver;
import org.hipparchus.linear.MatrixUtils;
import org.hipparchus.linear.RealMatrix;

/**
 * Least squares with a penalty on the weights and a free intercept: w = (X<sub>c</sub><sup>T</sup>X<sub>c</sub> +
 * αI)<sup>-1</sup>X<sub>c</sub><sup>T</sup>y<sub>c</sub> of centred columns, b = mean y - mean x w. The residual of a
 * row that the fit leaves out is (y - ŷ) / (1 - h), with h = 1/N + the row's diagonal entry of the hat matrix, so that
 * leaving every row out costs no further fit.
 *
 * <p>Source: Hoerl and Kennard (1970); Allen (1974) for leaving rows out.
 *
 * @param weights {@code [columns]}
 * @param leftOutResiduals y less its prediction by a fit without the row, {@code [rows]}
 */
public record RidgeRegression(double[] weights, double bias, double[] leftOutResiduals) {

    /**
     * Fits a target.
     *
     * @param alpha weight of the penalty, above 0
     * @throws BadShapeException if there is not one target per row
     * @throws BadInputException if the penalty is not positive and finite, or a value is not finite
     */
    public static RidgeRegression fit(Matrix x, double[] y, double alpha) {
        if (y.length != x.rows()) {
            throw new BadShapeException("targets of a ridge regression", x.rows() + ", one per row", y.length + "");
        }
        Vectors.requirePositive("the penalty of a ridge regression", alpha);
        if (!Arrays.stream(x.values()).allMatch(Double::isFinite)
                || !Arrays.stream(y).allMatch(Double::isFinite)) {
            throw new BadInputException("a ridge regression reads finite values only, found one that is not");
        }
        double[] mean = Vectors.columnMeans(x);
        double meanY = Arrays.stream(y).sum() / y.length;
        Matrix centred = Vectors.centred(x, mean);
        double[] target = Arrays.stream(y).map(value -> value - meanY).toArray();
        // (XᵀX + αI)⁻¹Xᵀ = Xᵀ(XXᵀ + αI)⁻¹: the smaller of the two systems is solved.
        boolean wide = x.columns() > x.rows();
        Matrix tall = wide ? centred.transposed() : centred;
        double[][] gram = Vectors.gram(tall, 1);
        for (int i = 0; i < gram.length; i++) {
            gram[i][i] += alpha;
        }
        DecompositionSolver solver =
                new CholeskyDecomposition(MatrixUtils.createRealMatrix(gram), 1e-10, 0).getSolver();
        int d = x.columns();
        double[] weights;
        double[] leverage = new double[x.rows()];
        if (wide) {
            double[] dual = solver.solve(new ArrayRealVector(target)).toArray();
            weights = new double[d];
            for (int row = 0; row < x.rows(); row++) {
                Vectors.add(weights, 0, dual[row], centred.values(), row * d, d);
            }
            RealMatrix inverse = solver.getInverse();
            for (int row = 0; row < x.rows(); row++) {
                leverage[row] = 1 - alpha * inverse.getEntry(row, row);
            }
        } else {
            double[] along = new double[d];
            for (int row = 0; row < x.rows(); row++) {
                Vectors.add(along, 0, target[row], centred.values(), row * d, d);
            }
            weights = solver.solve(new ArrayRealVector(along)).toArray();
            double[][] inverse = solver.getInverse().getData();
            for (int row = 0; row < x.rows(); row++) {
                double[] ofRow = centred.row(row);
                leverage[row] = Vectors.dot(ofRow, Vectors.times(inverse, ofRow));
            }
        }
        double bias = meanY - Vectors.dot(mean, weights);
        double[] residuals = new double[x.rows()];
        for (int row = 0; row < residuals.length; row++) {
            double predicted = meanY + Vectors.dot(centred.values(), row * d, weights, 0, d);
            residuals[row] = (y[row] - predicted) / (1 - 1.0 / x.rows() - leverage[row]);
        }
        return new RidgeRegression(weights, bias, residuals);
    }

    /** The mean of the squares of the residuals of rows left out. */
    public double leftOutMeanSquare() {
        return Vectors.dot(leftOutResiduals, leftOutResiduals) / leftOutResiduals.length;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof RidgeRegression that
                && Arrays.equals(weights, that.weights)
                && bias == that.bias
                && Arrays.equals(leftOutResiduals, that.leftOutResiduals);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(weights) + Double.hashCode(bias);
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
