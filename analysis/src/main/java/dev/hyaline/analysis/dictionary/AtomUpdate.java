package dev.hyaline.analysis.dictionary;

import dev.hyaline.engine.internal.parallel.WorkerPool;
import java.util.BitSet;

/**
 * The update of a dictionary, atom after atom: {@code D_k += (B_k - A_k D) / A_kk}, then {@code D_k /= max(||D_k||, 1)}
 * (Mairal et al. 2009). The products with all atoms are formed for a block of atoms at a time, on all threads; inside a
 * block each atom sees the changes of those before it. An atom that was hardly used is replaced by a sample with some
 * noise.
 */
final class AtomUpdate {
    /** The diagonal of {@code A} up to which an atom counts as not used; scikit-learn's bound. */
    private static final double UNUSED = 1e-6;

    private static final int BLOCK = 32;

    private final int n;
    private final int d;
    private final boolean positive;
    private final WorkerPool pool;
    private final double[][] rows;
    private final double[][] residuals;
    private final double[][] changes;
    private final double[][] factors;
    private final double[][] nextFactors;
    private final int[][] chosen;

    AtomUpdate(int n, int d, boolean positive, WorkerPool pool) {
        this.n = n;
        this.d = d;
        this.positive = positive;
        this.pool = pool;
        rows = new double[n][d];
        residuals = new double[BLOCK + 1][d];
        changes = new double[BLOCK][d];
        factors = new double[pool.threads()][n];
        nextFactors = new double[pool.threads()][n];
        chosen = new int[pool.threads()][n];
    }

    /**
     * Updates a dictionary.
     *
     * @param samples of the batch, {@code [count, d]}
     * @param step of the fit
     * @return the atoms that were replaced
     */
    BitSet run(
            double[] dictionary,
            CodeStatistics statistics,
            double[] samples,
            int count,
            long step,
            Replacement replacement) {
        BitSet resampled = new BitSet(n);
        for (int k = 0; k < n; k++) {
            System.arraycopy(dictionary, k * d, rows[k], 0, d);
        }
        for (int first = 0; first < n; first += BLOCK) {
            int begin = first;
            int end = Math.min(n, first + BLOCK);
            pool.run(
                    Math.ceilDiv(end - begin, 2),
                    (worker, i) -> residuals(worker, begin + 2 * i, 2 * i, end, statistics));
            for (int k = begin; k < end; k++) {
                update(k, begin, statistics, samples, count, step, replacement, resampled);
            }
        }
        for (int k = 0; k < n; k++) {
            System.arraycopy(rows[k], 0, dictionary, k * d, d);
        }
        return resampled;
    }

    /** {@code B_k - A_k D} of an atom of a block and the one after it, which read the dictionary together. */
    private void residuals(int worker, int k, int inBlock, int end, CodeStatistics statistics) {
        double[] row = statistics.a[k];
        boolean alone = k + 1 == end;
        double[] nextRow = alone ? row : statistics.a[k + 1];
        double[] factor = factors[worker];
        double[] nextFactor = nextFactors[worker];
        int[] atoms = chosen[worker];
        int count = 0;
        for (int j = 0; j < n; j++) {
            if (row[j] != 0 || nextRow[j] != 0) {
                atoms[count] = j;
                factor[count] = -row[j];
                nextFactor[count++] = -nextRow[j];
            }
        }
        // An atom that is alone has a spare row for the second output.
        double[] residual = residuals[inBlock];
        double[] next = residuals[inBlock + 1];
        System.arraycopy(statistics.b, k * d, residual, 0, d);
        System.arraycopy(statistics.b, (alone ? k : k + 1) * d, next, 0, d);
        Doubles.addRows(residual, next, factor, nextFactor, atoms, count, rows, d);
    }

    private void update(
            int k,
            int firstOfBlock,
            CodeStatistics statistics,
            double[] samples,
            int count,
            long step,
            Replacement replacement,
            BitSet resampled) {
        double[] atom = rows[k];
        double[] change = changes[k - firstOfBlock];
        System.arraycopy(atom, 0, change, 0, d);
        double[] row = statistics.a[k];
        if (row[k] > UNUSED) {
            double[] residual = residuals[k - firstOfBlock];
            for (int j = firstOfBlock; j < k; j++) {
                if (row[j] != 0) {
                    Doubles.add(residual, -row[j], changes[j - firstOfBlock], d);
                }
            }
            double divisor = row[k];
            for (int c = 0; c < d; c++) {
                atom[c] += residual[c] / divisor;
            }
        } else {
            replacement.draw(step, k, samples, count, atom);
            resampled.set(k);
        }
        if (positive) {
            for (int c = 0; c < d; c++) {
                atom[c] = Math.max(atom[c], 0);
            }
        }
        double length = Doubles.length(atom, 0, d);
        if (length > 1) {
            for (int c = 0; c < d; c++) {
                atom[c] /= length;
            }
        }
        for (int c = 0; c < d; c++) {
            change[c] = atom[c] - change[c];
        }
    }
}
