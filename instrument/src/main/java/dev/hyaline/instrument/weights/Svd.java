package dev.hyaline.instrument.weights;

import dev.hyaline.files.RecordText;

/**
 * A singular value decomposition: {@code u diag(s) v^T}.
 *
 * @param u {@code [rows, rank]}, columns orthonormal unless there are fewer rows
 * @param s singular values, descending
 * @param v {@code [columns, rank]}, likewise
 */
public record Svd(Matrix u, double[] s, Matrix v) {
    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
