package dev.hyaline.analysis.causal;

import dev.hyaline.analysis.prompt.PromptPair;

/** One prompt of a pair. */
public enum Side {
    CLEAN,
    CORRUPTED;

    public int[] tokens(PromptPair pair) {
        return this == CLEAN ? pair.clean() : pair.corrupted();
    }

    public Side other() {
        return this == CLEAN ? CORRUPTED : CLEAN;
    }
}
