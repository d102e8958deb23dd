package dev.hyaline.engine;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/**
 * A token that may come next.
 *
 * @param logProbability natural logarithm of its probability
 */
public record NextToken(int token, double logProbability) {
    public double probability() {
        return Math.exp(logProbability);
    }

    /**
     * The {@code k} likeliest tokens, likeliest first and the lower id first among equals, by a softmax over all logits
     * in double precision.
     *
     * @param logits of one position, {@code [dVocab]}
     * @throws BadInputException if a logit is NaN or infinite, or {@code k} is not positive
     */
    public static List<NextToken> likeliest(float[] logits, int k) {
        return likeliest(logits, logProbabilities(logits), k);
    }

    /**
     * As {@link #likeliest(float[], int)}, where the log probabilities are there already.
     *
     * @param logits of one position, {@code [dVocab]}
     * @param logProbabilities of {@link #logProbabilities}
     * @throws BadInputException if a logit is NaN or infinite, or {@code k} is not positive
     * @throws BadShapeException if there are more of one than of the other
     */
    public static List<NextToken> likeliest(float[] logits, double[] logProbabilities, int k) {
        if (k < 1) {
            throw new BadInputException("the number of likeliest tokens must be at least 1, found " + k);
        }
        if (logProbabilities.length != logits.length) {
            throw new BadShapeException(
                    "log probabilities",
                    "one for each of " + logits.length + " logits",
                    String.valueOf(logProbabilities.length));
        }
        for (int token = 0; token < logits.length; token++) {
            if (!Float.isFinite(logits[token])) {
                throw new BadInputException("the logit of token " + token + " is " + logits[token]);
            }
        }
        Comparator<Integer> worstFirst =
                Comparator.<Integer>comparingDouble(token -> logits[token]).thenComparing(Comparator.reverseOrder());
        PriorityQueue<Integer> best = new PriorityQueue<>(worstFirst);
        float least = Float.NEGATIVE_INFINITY; // of the best, once there are k
        for (int token = 0; token < logits.length; token++) {
            if (logits[token] <= least) {
                continue;
            }
            best.add(token);
            if (best.size() > k) {
                best.remove();
            }
            if (best.size() == k) {
                least = logits[best.element()];
            }
        }
        List<NextToken> likeliest = new ArrayList<>();
        while (!best.isEmpty()) {
            int token = best.remove();
            likeliest.addFirst(new NextToken(token, logProbabilities[token]));
        }
        return List.copyOf(likeliest);
    }

    /**
     * Natural logarithms of the probabilities of all tokens, {@code [dVocab]}, by a softmax in double precision.
     *
     * @param logits of one position, {@code [dVocab]}
     */
    public static double[] logProbabilities(float[] logits) {
        double largest = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            largest = Math.max(largest, logit);
        }
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - largest);
        }
        double logSum = Math.log(sum);
        double[] logProbabilities = new double[logits.length];
        for (int token = 0; token < logits.length; token++) {
            logProbabilities[token] = logits[token] - largest - logSum;
        }
        return logProbabilities;
    }
}
