package dev.hyaline.analysis.metric;

import java.util.Arrays;

/**
 * Gradients of the built-in metrics with respect to the logits, in double precision. With {@code p} the probabilities,
 * {@code A} the answers and {@code D} the distractors.
 */
final class MetricGradients {
    private MetricGradients() {}

    /** {@code 1 / |A|} at answers, {@code -1 / |D|} at distractors. */
    static double[] logitDifference(Reading reading) {
        double[] gradient = logit(reading);
        addShares(gradient, reading.logits(), reading.pair().distractors(), -1);
        return gradient;
    }

    /** {@code 1 / |A|} at answers. */
    static double[] logit(Reading reading) {
        double[] gradient = new double[reading.logits().values().length];
        addShares(gradient, reading.logits(), reading.pair().answers(), 1);
        return gradient;
    }

    /** {@code 1[A] p_v / p_A - p_v}. */
    static double[] logProbability(Reading reading) {
        double[] all = reading.logits().logProbabilities();
        int[] answers = Arrays.stream(reading.pair().answers()).distinct().toArray();
        double largest = Arrays.stream(answers).mapToDouble(t -> all[t]).max().orElseThrow();
        double sum = Arrays.stream(answers)
                .mapToDouble(t -> Math.exp(all[t] - largest))
                .sum();
        double[] last = new double[all.length];
        for (int token = 0; token < all.length; token++) {
            last[token] = -Math.exp(all[token]);
        }
        for (int answer : answers) {
            last[answer] += Math.exp(all[answer] - largest) / sum;
        }
        return atLast(reading, last);
    }

    /** {@code p_v (1[A] - 1[D]) - p_v (p_A - p_D)}. */
    static double[] probabilityDifference(Reading reading) {
        double[] all = reading.logits().logProbabilities();
        int[] answers = reading.pair().answers();
        int[] distractors = reading.pair().distractors();
        double difference = Metric.probability(all, answers) - Metric.probability(all, distractors);
        double[] last = new double[all.length];
        for (int token = 0; token < all.length; token++) {
            last[token] = -Math.exp(all[token]) * difference;
        }
        Arrays.stream(answers).distinct().forEach(token -> last[token] += Math.exp(all[token]));
        Arrays.stream(distractors).distinct().forEach(token -> last[token] -= Math.exp(all[token]));
        return atLast(reading, last);
    }

    /** {@code p_v} less the clean run's. */
    static double[] klToClean(Reading reading) {
        double[] clean = reading.clean().logProbabilities();
        double[] run = reading.logits().logProbabilities();
        double[] last = new double[run.length];
        for (int token = 0; token < run.length; token++) {
            last[token] = Math.exp(run[token]) - Math.exp(clean[token]);
        }
        return atLast(reading, last);
    }

    /** {@code (p_v - 1[next]) / n} at each of n positions. */
    static double[] crossEntropy(Reading reading) {
        Logits logits = reading.logits();
        int columns = logits.columns();
        int[] positions = Metric.allButTheLast(reading.pair());
        double[] gradient = new double[logits.values().length];
        for (int position : positions) {
            int at = Arrays.binarySearch(logits.positions(), position) * columns;
            double[] all = logits.logProbabilities(position);
            for (int token = 0; token < columns; token++) {
                gradient[at + token] = Math.exp(all[token]) / positions.length;
            }
            gradient[at + reading.tokens()[position + 1]] -= 1.0 / positions.length;
        }
        return gradient;
    }

    /** A gradient of the last position's logits as one of all. */
    private static double[] atLast(Reading reading, double[] last) {
        double[] gradient = new double[reading.logits().values().length];
        System.arraycopy(last, 0, gradient, gradient.length - last.length, last.length);
        return gradient;
    }

    private static void addShares(double[] gradient, Logits logits, int[] tokens, int sign) {
        int last = gradient.length - logits.columns();
        for (int token : tokens) {
            gradient[last + logits.column(token)] += sign / (double) tokens.length;
        }
    }
}
