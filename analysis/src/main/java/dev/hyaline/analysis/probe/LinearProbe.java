package dev.hyaline.analysis.probe;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.instrument.weights.Matrix;

/**
 * A fitted linear classifier: a score w x + b for each class, of which the largest wins; of two classes one score, that
 * of class 1 against class 0, which wins above 0. Immutable.
 */
public final class LinearProbe {
    private final double[][] weights;
    private final double[] bias;
    private final boolean probabilistic;

    /** @param probabilistic whether scores are log odds */
    LinearProbe(double[][] weights, double[] bias, boolean probabilistic) {
        this.weights = weights;
        this.bias = bias;
        this.probabilistic = probabilistic;
    }

    public int classes() {
        return weights.length == 1 ? 2 : weights.length;
    }

    public int columns() {
        return weights[0].length;
    }

    /** A copy of the weights, {@code [scores][columns]}. */
    public double[][] weights() {
        double[][] copy = new double[weights.length][];
        for (int k = 0; k < copy.length; k++) {
            copy[k] = weights[k].clone();
        }
        return copy;
    }

    /** A copy of what is added to each score. */
    public double[] bias() {
        return bias.clone();
    }

    /** Returns whether scores are log odds, so that {@link #logProbability} means something. */
    public boolean probabilistic() {
        return probabilistic;
    }

    /**
     * The direction from class 0 to class 1, of the length of the probe's weights.
     *
     * @throws BadInputException if there are more than two classes
     */
    public double[] direction() {
        if (weights.length != 1) {
            throw new BadInputException("a probe of " + weights.length + " classes has no single direction");
        }
        return weights[0].clone();
    }

    /** The scores of a row. */
    public double[] scores(Matrix values, int row) {
        if (values.columns() != columns()) {
            throw new BadShapeException("rows of a probe", columns() + " columns", values.columns() + " columns");
        }
        double[] scores = new double[weights.length];
        for (int k = 0; k < scores.length; k++) {
            scores[k] = bias[k] + Vectors.dot(values.values(), row * columns(), weights[k], 0, columns());
        }
        return scores;
    }

    /** The class of a row: that of the largest score, the first of equals. */
    public int predict(Matrix values, int row) {
        return predicted(scores(values, row));
    }

    static int predicted(double[] scores) {
        if (scores.length == 1) {
            return scores[0] > 0 ? 1 : 0;
        }
        int best = 0;
        for (int k = 1; k < scores.length; k++) {
            best = scores[k] > scores[best] ? k : best;
        }
        return best;
    }

    /** The logarithm of a class's probability by a row's scores. */
    static double logProbability(double[] scores, int label) {
        if (scores.length == 1) {
            return -softplus(label == 1 ? -scores[0] : scores[0]);
        }
        double largest = Double.NEGATIVE_INFINITY;
        for (double score : scores) {
            largest = Math.max(largest, score);
        }
        double sum = 0;
        for (double score : scores) {
            sum += Math.exp(score - largest);
        }
        return scores[label] - largest - Math.log(sum);
    }

    /** log(1 + e<sup>x</sup>) without overflow. */
    static double softplus(double x) {
        return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
    }

    /** The share of rows that are given their class. */
    public double accuracy(LabelledRows rows) {
        int right = 0;
        for (int row = 0; row < rows.rows(); row++) {
            right += predict(rows.values(), row) == rows.label(row) ? 1 : 0;
        }
        return right / (double) rows.rows();
    }

    /** Mean of minus the log-probability of each row's class, in nats. */
    public double logLoss(LabelledRows rows) {
        double sum = 0;
        for (int row = 0; row < rows.rows(); row++) {
            sum -= logProbability(scores(rows.values(), row), rows.label(row));
        }
        return sum / rows.rows();
    }

    @Override
    public String toString() {
        return "linear probe of " + weights.length + " classes, " + weights[0].length + " dimensions";
    }
}
