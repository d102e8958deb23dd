package dev.hyaline.analysis.sparse.internal;

import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import java.util.Arrays;

/** Weights that are kept row by row, packed as the right side of a product. */
public final class PackedRows {
    /** Rows of a panel that are filled together: they stay in the first-level cache. */
    private static final int BLOCK = 64;

    private PackedRows() {}

    /** The transpose of rows {@code [n, k]} as a matrix {@code [k, n]}, with a bias {@code [n]} or none. */
    public static PackedMatrix transposed(float[] rows, int n, int k, float[] bias, WorkerPool pool) {
        PackedMatrix packed = PackedMatrix.zeros(k, n, false);
        pool.run(packed.panels(), (worker, panel) -> panel(packed, panel, rows));
        System.arraycopy(bias, 0, packed.bias(), 0, bias.length);
        return packed;
    }

    /** Packs the columns of one panel from rows {@code [n, k]}. */
    public static void panel(PackedMatrix packed, int panel, float[] rows) {
        float[] to = ((PackedMatrix.Float32) packed.values()).array();
        int k = packed.k();
        int columns = packed.columns(panel);
        int first = panel * PackedMatrix.PANEL;
        for (int block = 0; block < k; block += BLOCK) {
            int end = Math.min(k, block + BLOCK);
            for (int j = 0; j < columns; j++) {
                int from = (first + j) * k;
                int at = packed.at(panel, 0) + j;
                for (int e = block; e < end; e++) {
                    to[at + e * PackedMatrix.PANEL] = rows[from + e];
                }
            }
        }
    }

    /** Rows {@code [k, n]} as a matrix {@code [k, n]}. */
    public static void pack(PackedMatrix packed, float[] rows, int at) {
        for (int r = 0; r < packed.k(); r++) {
            packed.setRow(r, rows, at + r * packed.n());
        }
    }

    /** Lengths of rows {@code [n, d]}, summed in double. */
    public static float[] lengths(float[] rows, int n, int d) {
        float[] lengths = new float[n];
        for (int i = 0; i < n; i++) {
            double sum = 0;
            for (int c = 0; c < d; c++) {
                double value = rows[i * d + c];
                sum += value * value;
            }
            lengths[i] = (float) Math.sqrt(sum);
        }
        return lengths;
    }

    /** A copy of an array of a length that it may not have yet. */
    public static float[] grown(float[] values, int length) {
        return values.length >= length ? values : Arrays.copyOf(values, Math.max(length, 2 * values.length));
    }
}
