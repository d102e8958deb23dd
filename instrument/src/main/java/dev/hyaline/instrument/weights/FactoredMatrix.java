package dev.hyaline.instrument.weights;

import dev.hyaline.engine.error.BadShapeException;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import org.hipparchus.complex.Complex;
import org.hipparchus.linear.Array2DRowRealMatrix;
import org.hipparchus.linear.EigenDecompositionNonSymmetric;
import org.hipparchus.linear.RealMatrix;
import org.hipparchus.linear.SingularValueDecomposition;

/**
 * A matrix of low rank as the product {@code A B}, which is not formed: its norm, singular values and eigenvalues come
 * from matrices no larger than its rank. TransformerLens's {@code FactoredMatrix}.
 *
 * @param a {@code [rows, rank]}
 * @param b {@code [rank, columns]}
 */
public record FactoredMatrix(Matrix a, Matrix b) {
    public FactoredMatrix {
        if (a.columns() != b.rows()) {
            throw new BadShapeException("right factor", a.columns() + " rows", b.rows() + " rows");
        }
    }

    public int rows() {
        return a.rows();
    }

    public int columns() {
        return b.columns();
    }

    /** The width of the factors: no less than the rank. */
    public int rank() {
        return a.columns();
    }

    public double get(int row, int column) {
        double sum = 0;
        for (int k = 0; k < rank(); k++) {
            sum += a.get(row, k) * b.get(k, column);
        }
        return sum;
    }

    /** One row of the product, {@code [columns]}. */
    public double[] row(int row) {
        return new Matrix(1, rank(), a.row(row)).times(b).values();
    }

    /** The product itself: of a circuit from token to token it would take {@code dVocab * dVocab} values. */
    public Matrix product() {
        return a.times(b);
    }

    public FactoredMatrix transposed() {
        return new FactoredMatrix(b.transposed(), a.transposed());
    }

    /** This matrix times another, factored still. */
    public FactoredMatrix times(Matrix right) {
        return new FactoredMatrix(a, b.times(right));
    }

    /** Another matrix times this one, factored still. */
    public FactoredMatrix timesLeft(Matrix left) {
        return new FactoredMatrix(left.times(a), b);
    }

    /** This matrix times another, with the smaller of the two ranks. */
    public FactoredMatrix times(FactoredMatrix right) {
        Matrix middle = b.times(right.a);
        return rank() <= right.rank()
                ? new FactoredMatrix(a, middle.times(right.b))
                : new FactoredMatrix(a.times(middle), right.b);
    }

    /** The Frobenius norm. */
    public double norm() {
        return core().norm();
    }

    /** The decomposition with as many singular values as the factors are wide. */
    public Svd svd() {
        ThinQr left = ThinQr.of(tall(a));
        ThinQr right = ThinQr.of(tall(b.transposed()));
        SingularValueDecomposition middle =
                new SingularValueDecomposition(dense(left.r().times(right.r().transposed())));
        return new Svd(
                left.q().times(matrix(middle.getU())).firstRows(rows()),
                middle.getSingularValues(),
                right.q().times(matrix(middle.getV())).firstRows(columns()));
    }

    /** Singular values, descending: as many as the factors are wide. */
    public double[] singularValues() {
        return new SingularValueDecomposition(dense(core())).getSingularValues();
    }

    /**
     * The eigenvalues of a square matrix, by descending absolute value: those of {@code B A}, as many as the factors
     * are wide. The others are zero.
     *
     * @throws BadShapeException if the matrix is not square
     */
    public List<Eigenvalue> eigenvalues() {
        if (rows() != columns()) {
            throw new BadShapeException(
                    "matrix with eigenvalues", "as many rows as columns", "[" + rows() + ", " + columns() + "]");
        }
        Matrix reversed = b.times(a);
        if (reversed.norm() == 0) { // which the library cannot decompose
            return Collections.nCopies(rank(), new Eigenvalue(0, 0));
        }
        Complex[] values = new EigenDecompositionNonSymmetric(dense(reversed)).getEigenvalues();
        return Arrays.stream(values)
                .map(value -> new Eigenvalue(value.getRealPart(), value.getImaginaryPart()))
                .sorted(Comparator.comparingDouble(Eigenvalue::abs).reversed())
                .toList();
    }

    /**
     * Sum of the eigenvalues over the sum of their absolute values: near 1 for a circuit that copies, near -1 for one
     * that suppresses what it reads (Elhage et al. 2021, "Summarizing OV/QK matrices").
     */
    public double copyingScore() {
        List<Eigenvalue> values = eigenvalues();
        double sum = values.stream().mapToDouble(Eigenvalue::real).sum();
        double absolute = values.stream().mapToDouble(Eigenvalue::abs).sum();
        return absolute == 0 ? 0 : sum / absolute;
    }

    /** A small matrix with this one's singular values: {@code R_A R_B^T}. */
    private Matrix core() {
        return ThinQr.of(tall(a)).r().times(ThinQr.of(tall(b.transposed())).r().transposed());
    }

    /** With rows of zeros below if it is wider than tall, so that it has a triangle as wide as itself. */
    private static Matrix tall(Matrix matrix) {
        if (matrix.rows() >= matrix.columns()) {
            return matrix;
        }
        return new Matrix(
                matrix.columns(),
                matrix.columns(),
                Arrays.copyOf(matrix.values(), matrix.columns() * matrix.columns()));
    }

    private static RealMatrix dense(Matrix matrix) {
        RealMatrix out = new Array2DRowRealMatrix(matrix.rows(), matrix.columns());
        for (int row = 0; row < matrix.rows(); row++) {
            out.setRow(row, matrix.row(row));
        }
        return out;
    }

    private static Matrix matrix(RealMatrix matrix) {
        Matrix out = Matrix.zeros(matrix.getRowDimension(), matrix.getColumnDimension());
        for (int row = 0; row < out.rows(); row++) {
            System.arraycopy(matrix.getRow(row), 0, out.values(), row * out.columns(), out.columns());
        }
        return out;
    }

    @Override
    public String toString() {
        return "FactoredMatrix[" + rows() + ", " + rank() + ", " + columns() + "]";
    }
}
