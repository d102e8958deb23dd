package dev.hyaline.analysis.attention;

/** The keys that a head of some kind looks at. */
@FunctionalInterface
public interface AttentionTarget {
    /**
     * Returns whether it looks from one position at another.
     *
     * @param tokens of the prompt; not to be changed
     * @param query position from which it looks
     * @param key position at which it looks, at most {@code query}
     */
    boolean looks(int[] tokens, int query, int key);
}
