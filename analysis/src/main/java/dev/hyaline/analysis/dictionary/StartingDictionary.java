package dev.hyaline.analysis.dictionary;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.CounterRandom;
import org.hipparchus.linear.Array2DRowRealMatrix;
import org.hipparchus.linear.EigenDecompositionSymmetric;

/** The dictionary that learning begins with. */
final class StartingDictionary {
    private StartingDictionary() {}

    /**
     * Singular vectors of the samples times their singular values, as in scikit-learn, if no more atoms are wanted than
     * there are features; else different samples, of length 1.
     */
    static double[] of(Samples samples, int n, int d, long seed) {
        if (samples.count() == 0) {
            throw new BadInputException("a dictionary is learned from at least 1 sample, found none");
        }
        return n <= d ? singularVectors(samples, n, d) : drawn(samples, n, d, seed);
    }

    private static double[] singularVectors(Samples samples, int n, int d) {
        double[][] products = new double[d][d];
        double[] x = new double[d];
        for (int s = 0; s < samples.count(); s++) {
            samples.copy(s, x, 0);
            for (int c = 0; c < d; c++) {
                if (x[c] != 0) {
                    Doubles.add(products[c], 0, x[c], x, 0, d);
                }
            }
        }
        EigenDecompositionSymmetric eigen = new EigenDecompositionSymmetric(
                new Array2DRowRealMatrix(products, false), EigenDecompositionSymmetric.DEFAULT_EPSILON, true);
        double[] rows = new double[n * d];
        for (int k = 0; k < n; k++) {
            double[] vector = eigen.getEigenvector(k).toArray();
            int largest = 0;
            for (int c = 1; c < d; c++) {
                largest = Math.abs(vector[c]) > Math.abs(vector[largest]) ? c : largest;
            }
            double factor = Math.sqrt(Math.max(eigen.getEigenvalue(k), 0)) * Math.signum(vector[largest]);
            for (int c = 0; c < d; c++) {
                rows[k * d + c] = factor * vector[c];
            }
        }
        return rows;
    }

    private static double[] drawn(Samples samples, int n, int d, long seed) {
        CounterRandom random = CounterRandom.of(seed).named("dictionary/start");
        int[] order = random.permutation(samples.count());
        double[] rows = new double[Math.multiplyExact(n, d)];
        int next = 0;
        for (int k = 0; k < n; k++) {
            double length = 0;
            while (length == 0 && next < order.length) {
                samples.copy(order[next++], rows, k * d);
                length = Doubles.length(rows, k * d, d);
            }
            if (length == 0) {
                CounterRandom direction = random.named("direction").with(k);
                for (int c = 0; c < d; c++) {
                    rows[k * d + c] = direction.gaussian(c);
                }
                length = Doubles.length(rows, k * d, d);
            }
            for (int c = k * d; c < (k + 1) * d; c++) {
                rows[c] /= length;
            }
        }
        return rows;
    }
}
