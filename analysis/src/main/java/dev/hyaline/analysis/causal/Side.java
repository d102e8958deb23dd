package dev.hyaline.analysis.causal;

import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.instrument.Prompts;

/** One prompt of a pair. */
public enum Side {
    CLEAN,
    CORRUPTED;

    /** The prompt's tokens. */
    public int[] tokens(PromptPair pair) {
        return this == CLEAN ? pair.clean() : pair.corrupted();
    }

    /** The prompts of all pairs. */
    public Prompts prompts(PromptPairs pairs, Gpt2Config config) {
        return this == CLEAN ? pairs.clean(config) : pairs.corrupted(config);
    }

    public Side other() {
        return this == CLEAN ? CORRUPTED : CLEAN;
    }
}
