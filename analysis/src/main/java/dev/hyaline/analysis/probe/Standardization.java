package dev.hyaline.analysis.probe;

import dev.hyaline.instrument.weights.Matrix;

/**
 * Columns shifted to mean 0 and scaled to standard deviation 1 (divided by the number of rows). A constant column is
 * shifted only.
 */
record Standardization(double[] mean, double[] scale) {
    static Standardization of(Matrix values) {
        int d = values.columns();
        double[] mean = Vectors.columnMeans(values);
        double[] scale = new double[d];
        for (int row = 0; row < values.rows(); row++) {
            for (int c = 0; c < d; c++) {
                double deviation = values.values()[row * d + c] - mean[c];
                scale[c] += deviation * deviation;
            }
        }
        for (int c = 0; c < d; c++) {
            scale[c] = Math.sqrt(scale[c] / values.rows());
            // What rounding leaves of a constant column.
            if (scale[c] <= 1e-14 * Math.abs(mean[c]) || scale[c] == 0) {
                scale[c] = 1;
            }
        }
        return new Standardization(mean, scale);
    }

    Matrix apply(Matrix values) {
        int d = values.columns();
        double[] standard = values.values().clone();
        for (int i = 0; i < standard.length; i++) {
            standard[i] = (standard[i] - mean[i % d]) / scale[i % d];
        }
        return new Matrix(values.rows(), d, standard);
    }

    /** The probe of raw values that does what one of standardised values does. */
    LinearProbe unstandardized(LinearProbe probe) {
        double[][] weights = probe.weights();
        double[] bias = probe.bias();
        for (int k = 0; k < weights.length; k++) {
            for (int c = 0; c < mean.length; c++) {
                weights[k][c] /= scale[c];
                bias[k] -= weights[k][c] * mean[c];
            }
        }
        return new LinearProbe(weights, bias, probe.probabilistic());
    }
}
