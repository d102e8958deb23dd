package dev.hyaline.analysis.dictionary;

/** The Lasso's objective and its conditions. */
final class Objective {
    private Objective() {}

    /** The sum over samples. */
    static double of(Samples samples, SparseCodes codes, Atoms dictionary, double alpha) {
        double sum = 0;
        double[] residual = new double[dictionary.d];
        for (int s = 0; s < samples.count(); s++) {
            residual(samples, codes, dictionary, s, residual);
            double l1 = 0;
            for (int e = codes.offsets()[s]; e < codes.offsets()[s + 1]; e++) {
                l1 += Math.abs(codes.values()[e]);
            }
            sum += 0.5 * Doubles.dot(residual, 0, residual, 0, dictionary.d) + alpha * l1;
        }
        return sum;
    }

    /** The largest residual of the KKT conditions. */
    static double kktResidual(Samples samples, SparseCodes codes, Atoms dictionary, Coding coding) {
        double worst = 0;
        double[] residual = new double[dictionary.d];
        double alpha = coding.alpha();
        for (int s = 0; s < samples.count(); s++) {
            residual(samples, codes, dictionary, s, residual);
            int e = codes.offsets()[s];
            int end = codes.offsets()[s + 1];
            for (int k = 0; k < dictionary.n; k++) {
                double product = dictionary.product(k, residual);
                double miss;
                if (e < end && codes.indices()[e] == k) {
                    miss = Math.abs(product - alpha * Math.signum(codes.values()[e]));
                    e++;
                } else {
                    miss = (coding.positive() ? product : Math.abs(product)) - alpha;
                }
                worst = Math.max(worst, miss);
            }
        }
        return worst;
    }

    private static void residual(Samples samples, SparseCodes codes, Atoms dictionary, int sample, double[] into) {
        int d = dictionary.d;
        samples.copy(sample, into, 0);
        for (int e = codes.offsets()[sample]; e < codes.offsets()[sample + 1]; e++) {
            Doubles.add(into, 0, -codes.values()[e], dictionary.rows, codes.indices()[e] * d, d);
        }
    }
}
