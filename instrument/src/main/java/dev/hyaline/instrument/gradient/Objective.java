package dev.hyaline.instrument.gradient;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.Prompts;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * A scalar of the logits of each prompt, as a backward pass sees it: which positions' logits it reads, and its gradient
 * with respect to those.
 *
 * <p>For example: {@snippet file="dev/hyaline/instrument/JavadocExamplesTest.java" region="objective"}
 */
public interface Objective {
    /**
     * Positions whose logits the scalar of a sequence reads, ascending, at least one.
     *
     * @param sequence index among the prompts
     */
    int[] positions(int sequence);

    /**
     * The gradient of a sequence's scalar with respect to those logits.
     *
     * @param sequence index among the prompts
     * @param logits {@code [positions, dVocab]}
     * @return as many values, in the same layout
     */
    float[] gradient(int sequence, float[] logits);

    /**
     * Mean logit of a prompt's answers less mean logit of its distractors, at its last token.
     *
     * @param answers token ids for each prompt
     * @param distractors token ids for each prompt; a prompt may have none
     */
    static Objective logitDifference(Prompts prompts, int[][] answers, int[][] distractors) {
        if (answers.length != prompts.size() || distractors.length != prompts.size()) {
            throw new BadInputException("a logit difference needs answers and distractors for each of " + prompts.size()
                    + " prompts, found " + answers.length + " and " + distractors.length);
        }
        return atLast(prompts, (sequence, logits) -> {
            BadInputException.requireIndex("sequence", sequence, answers.length);
            float[] gradient = new float[logits.length];
            addShare(gradient, answers[sequence], 1);
            addShare(gradient, distractors[sequence], -1);
            return gradient;
        });
    }

    private static void addShare(float[] gradient, int[] tokens, int sign) {
        for (int token : tokens) {
            gradient[BadInputException.requireIndex("token", token, gradient.length)] += sign / (float) tokens.length;
        }
    }

    /** A gradient of the logits of one position, {@code [dVocab]}. */
    @FunctionalInterface
    interface LastLogits {
        /** Returns the gradient of a sequence's scalar, {@code [dVocab]}. */
        float[] gradient(int sequence, float[] logits);
    }

    /** A scalar of the logits of each prompt's last token. */
    static Objective atLast(Prompts prompts, LastLogits function) {
        int[] lengths = prompts.lengths();
        return new Objective() {
            @Override
            public int[] positions(int sequence) {
                return new int[] {lengths[sequence] - 1};
            }

            @Override
            public float[] gradient(int sequence, float[] logits) {
                return function.gradient(sequence, logits);
            }
        };
    }

    /**
     * Mean over positions of minus the log-probability of the prompt's own next token, in nats.
     *
     * @throws BadInputException if a prompt has one token only
     */
    static Objective crossEntropy(Prompts prompts) {
        for (int s = 0; s < prompts.size(); s++) {
            if (prompts.length(s) < 2) {
                throw new BadInputException(prompts.name(s) + ": cross-entropy needs a prompt of at least two tokens");
            }
        }
        return new Objective() {
            @Override
            public int[] positions(int sequence) {
                return IntStream.range(0, prompts.length(sequence) - 1).toArray();
            }

            @Override
            public float[] gradient(int sequence, float[] logits) {
                int rows = prompts.length(sequence) - 1;
                int n = logits.length / rows;
                float[] gradient = new float[logits.length];
                for (int row = 0; row < rows; row++) {
                    double[] probabilities = softmax(logits, row * n, n);
                    probabilities[prompts.token(sequence, row + 1)] -= 1;
                    for (int i = 0; i < n; i++) {
                        gradient[row * n + i] = (float) (probabilities[i] / rows);
                    }
                }
                return gradient;
            }
        };
    }

    private static double[] softmax(float[] logits, int from, int n) {
        double largest = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < n; i++) {
            largest = Math.max(largest, logits[from + i]);
        }
        double[] probabilities = new double[n];
        for (int i = 0; i < n; i++) {
            probabilities[i] = Math.exp(logits[from + i] - largest);
        }
        double sum = Arrays.stream(probabilities).sum();
        for (int i = 0; i < n; i++) {
            probabilities[i] /= sum;
        }
        return probabilities;
    }
}
