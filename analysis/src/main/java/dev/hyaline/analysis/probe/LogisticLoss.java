package dev.hyaline.analysis.probe;

import dev.hyaline.instrument.weights.Matrix;
import java.util.Arrays;

/**
 * C times the sum of the rows' losses plus half the squares of the weights. Parameters are a row of weights with its
 * bias behind it for each score: one of two classes, else one for each class.
 */
final class LogisticLoss implements NewtonMinimizer.Convex {
    private final Matrix values;
    private final int[] labels;
    private final double c;
    private final int scores;
    /** {@code [rows, scores]}: probabilities at the last point; of two classes that of class 1. */
    private final double[] probabilities;

    private LogisticLoss(LabelledRows rows, double c) {
        this.values = rows.values();
        this.labels = rows.labels();
        this.c = c;
        this.scores = rows.classes().size() == 2 ? 1 : rows.classes().size();
        this.probabilities = new double[rows.rows() * scores];
    }

    static LinearProbe fit(LabelledRows rows, double c) {
        LogisticLoss loss = new LogisticLoss(rows, c);
        int stride = rows.columns() + 1;
        double[] point = NewtonMinimizer.minimize(loss.scores * stride, loss);
        double[][] weights = new double[loss.scores][];
        double[] bias = new double[loss.scores];
        for (int k = 0; k < loss.scores; k++) {
            weights[k] = Arrays.copyOfRange(point, k * stride, (k + 1) * stride - 1);
            bias[k] = point[(k + 1) * stride - 1];
        }
        return new LinearProbe(weights, bias, true);
    }

    @Override
    public double at(double[] point, double[] gradient) {
        int d = values.columns();
        int stride = d + 1;
        double loss = 0;
        double penalty = 0;
        Arrays.fill(gradient, 0);
        double[] ofRow = new double[scores];
        for (int row = 0; row < labels.length; row++) {
            for (int k = 0; k < scores; k++) {
                ofRow[k] = Vectors.dot(values.values(), row * d, point, k * stride, d) + point[k * stride + d];
            }
            loss -= LinearProbe.logProbability(ofRow, labels[row]);
            for (int k = 0; k < scores; k++) {
                int counted = scores == 1 ? 1 : k;
                double p = Math.exp(LinearProbe.logProbability(ofRow, counted));
                probabilities[row * scores + k] = p;
                double slope = c * (p - (labels[row] == counted ? 1 : 0));
                Vectors.add(gradient, k * stride, slope, values.values(), row * d, d);
                gradient[k * stride + d] += slope;
            }
        }
        for (int k = 0; k < scores; k++) {
            penalty += Vectors.dot(point, k * stride, point, k * stride, d) / 2;
            Vectors.add(gradient, k * stride, 1, point, k * stride, d);
        }
        return c * loss + penalty;
    }

    @Override
    public void hessian(double[] vector, double[] product) {
        int d = values.columns();
        int stride = d + 1;
        Arrays.fill(product, 0);
        double[] along = new double[scores];
        for (int row = 0; row < labels.length; row++) {
            double mean = 0;
            for (int k = 0; k < scores; k++) {
                along[k] = Vectors.dot(values.values(), row * d, vector, k * stride, d) + vector[k * stride + d];
                mean += probabilities[row * scores + k] * along[k];
            }
            for (int k = 0; k < scores; k++) {
                double p = probabilities[row * scores + k];
                double curvature = c * (scores == 1 ? p * (1 - p) * along[0] : p * (along[k] - mean));
                Vectors.add(product, k * stride, curvature, values.values(), row * d, d);
                product[k * stride + d] += curvature;
            }
        }
        for (int k = 0; k < scores; k++) {
            Vectors.add(product, k * stride, 1, vector, k * stride, d);
        }
    }
}
