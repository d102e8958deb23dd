package dev.hyaline.weights.internal.tokens;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The pairs of neighbouring tokens that merge into one, and their order. */
class Merges {
    // A HashMap, because the files may be untrusted: whatever ids they choose, a lookup stays logarithmic.
    private final Map<Long, Merge> merges = new HashMap<>();

    /** Adds a merge after all others; a pair that is already present moves to the end. */
    void add(int left, int right, int merged) {
        merges.put(key(left, right), new Merge(merges.size(), merged));
    }

    /** The merge of a pair; null if there is none. */
    @Nullable
    Merge get(int left, int right) {
        return merges.get(key(left, right));
    }

    private static long key(int left, int right) {
        return (long) left << Integer.SIZE | right;
    }

    /**
     * @param rank among merges; the least comes first
     * @param token that the pair becomes
     */
    record Merge(int rank, int token) {}
}
