package dev.hyaline.analysis.dictionary;

import dev.hyaline.engine.internal.parallel.WorkerPool;

/**
 * What a dictionary is updated from: the products of the codes with themselves, {@code A = C^T C}, and with the
 * samples, {@code B = C^T X} (Mairal, Bach, Ponce and Sapiro 2009). An atom's row is summed over the samples in order,
 * on one thread.
 */
final class CodeStatistics {
    /** {@code [n][n]}. */
    final double[][] a;
    /** {@code [n, d]}. */
    final double[] b;

    final int d;

    CodeStatistics(int n, int d) {
        this.d = d;
        a = new double[n][n];
        b = new double[Math.multiplyExact(n, d)];
    }

    /** Multiplies what is there by a factor and adds a batch, each of its products times a weight. */
    void add(double decay, double weight, SparseCodes codes, double[] samples, WorkerPool pool) {
        int n = a.length;
        int[] starts = new int[n + 1];
        for (int e = 0; e < codes.count(); e++) {
            starts[codes.indices()[e] + 1]++;
        }
        for (int k = 0; k < n; k++) {
            starts[k + 1] += starts[k];
        }
        int[] sampleOf = new int[codes.count()];
        double[] valueOf = new double[codes.count()];
        int[] next = starts.clone();
        for (int s = 0; s < codes.samples(); s++) {
            for (int e = codes.offsets()[s]; e < codes.offsets()[s + 1]; e++) {
                int at = next[codes.indices()[e]]++;
                sampleOf[at] = s;
                valueOf[at] = codes.values()[e] * weight;
            }
        }
        pool.run(n, (worker, k) -> {
            double[] row = a[k];
            if (decay != 1) {
                for (int j = 0; j < n; j++) {
                    row[j] *= decay;
                }
                for (int c = k * d; c < (k + 1) * d; c++) {
                    b[c] *= decay;
                }
            }
            for (int at = starts[k]; at < starts[k + 1]; at++) {
                double value = valueOf[at];
                int s = sampleOf[at];
                for (int e = codes.offsets()[s]; e < codes.offsets()[s + 1]; e++) {
                    row[codes.indices()[e]] += value * codes.values()[e];
                }
                Doubles.add(b, k * d, value, samples, s * d, d);
            }
        });
    }
}
