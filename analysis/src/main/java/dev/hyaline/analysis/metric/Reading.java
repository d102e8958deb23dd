package dev.hyaline.analysis.metric;

import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.files.RecordText;

/**
 * One run of one of a pair's prompts, of which a metric is taken.
 *
 * @param tokens of the prompt that ran
 * @param logits of that run
 * @param clean logits of the clean prompt, unedited
 */
public record Reading(PromptPair pair, int[] tokens, Logits logits, Logits clean) {
    /** The run's logit of a token at the metric's position, the last if it reads several. */
    public double logit(int token) {
        return logits.at(token);
    }

    /** The run's probability of a token at the metric's position, the last if it reads several. */
    public double probability(int token) {
        return Math.exp(logits.logProbability(token));
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
