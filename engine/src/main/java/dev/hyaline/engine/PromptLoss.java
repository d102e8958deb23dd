package dev.hyaline.engine;

import dev.hyaline.engine.error.BadInputException;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * How well a model predicts a prompt: the log-probability of each token after the first, given those before it, by a
 * softmax over all logits in double precision. Immutable.
 */
public final class PromptLoss {
    private final int[] tokens;
    private final double[] logProbabilities;

    private PromptLoss(int[] tokens, double[] logProbabilities) {
        this.tokens = tokens;
        this.logProbabilities = logProbabilities;
    }

    /**
     * Runs a prompt.
     *
     * @throws BadInputException if it has fewer than two tokens, or the model cannot take it
     */
    public static PromptLoss of(Gpt2 model, int... tokens) {
        requirePredicted(tokens);
        int[] predicting = IntStream.range(0, tokens.length - 1).toArray();
        return of(model.forward(ForwardRequest.of(tokens).logits(LogitSelection.rows(predicting))), tokens);
    }

    /**
     * Reads the logits of a pass that ran a prompt, perhaps with edits.
     *
     * @param result of a pass over this prompt alone whose first rows are the logits of all its tokens but the last
     * @throws BadInputException if the prompt has fewer than two tokens, or the result has fewer rows
     */
    public static PromptLoss of(ForwardResult result, int... tokens) {
        requirePredicted(tokens);
        double[] logProbabilities = new double[tokens.length - 1];
        for (int i = 0; i < logProbabilities.length; i++) {
            double[] all = NextToken.logProbabilities(result.row(i));
            logProbabilities[i] = all[BadInputException.requireIndex("token", tokens[i + 1], all.length)];
        }
        return new PromptLoss(tokens.clone(), logProbabilities);
    }

    private static void requirePredicted(int[] tokens) {
        if (tokens.length < 2) {
            throw new BadInputException("a loss needs a prompt of at least two tokens, found " + tokens.length);
        }
    }

    /** The prompt. */
    public int[] tokens() {
        return tokens.clone();
    }

    /**
     * Natural logarithm of each token's probability, {@code [tokens - 1]}: the first is that of the prompt's second.
     */
    public double[] logProbabilities() {
        return logProbabilities.clone();
    }

    /** Mean over the tokens after the first of minus the log-probability, in nats. */
    public double loss() {
        return -Arrays.stream(logProbabilities).average().orElseThrow();
    }

    /** Such as {@code loss 3.2104 nats over 11 tokens}. */
    @Override
    public String toString() {
        return "loss " + (float) loss() + " nats over " + logProbabilities.length
                + (logProbabilities.length == 1 ? " token" : " tokens");
    }
}
