package dev.hyaline.analysis.sparse.internal;

import java.util.Arrays;

/** The choice of latents that are kept of a token, and of the number that is kept of each. */
public sealed interface Selection {
    /** Those with {@code z > cuts[i]}; keeps {@code z}. */
    record Above(float[] cuts) implements Selection {}

    /**
     * Those with {@code s = z scale[i] > cut}; keeps {@code s}.
     *
     * @param scale empty for 1
     */
    record AboveScaled(float[] scale, float cut) implements Selection {}

    /**
     * The {@code k} largest {@code z scale[i]}; keeps {@code z}.
     *
     * @param scale empty for 1
     * @param positive whether only those above zero
     */
    record Top(int k, float[] scale, boolean positive) implements Selection {
        /** Those above zero alone. */
        public static Top positive(int k, float[] scale) {
            return new Top(k, scale, true);
        }
    }

    /** The largest of each group of neighbours, if it is positive; keeps {@code z}. */
    record GroupMax(int groups) implements Selection {}

    /**
     * Keeps the largest {@code count} of all tokens' values; of equal ones the lowest latent, then the first token.
     *
     * @param lists positive values
     * @return the least value kept; 0 where all are
     */
    static float keepLargest(TokenLists lists, long count) {
        long total = lists.count();
        if (total <= count) {
            return 0;
        }
        float[] all = new float[Math.toIntExact(total)];
        int at = 0;
        for (int t = 0; t < lists.tokens(); t++) {
            System.arraycopy(lists.values(t), 0, all, at, lists.values(t).length);
            at += lists.values(t).length;
        }
        float least = count == 0 ? Float.POSITIVE_INFINITY : TopSelection.kthLargest(all, all.length, (int) count);
        int above = 0;
        for (float value : all) {
            above += value > least ? 1 : 0;
        }
        long[] tied = tied(lists, least, (int) count - above);
        for (int t = 0; t < lists.tokens(); t++) {
            int[] indices = lists.indices(t).clone();
            float[] values = lists.values(t).clone();
            int kept = 0;
            for (int e = 0; e < indices.length; e++) {
                if (values[e] > least || (values[e] == least && Arrays.binarySearch(tied, key(indices[e], t)) >= 0)) {
                    indices[kept] = indices[e];
                    values[kept++] = values[e];
                }
            }
            lists.set(t, indices, values, 0, kept);
        }
        return least;
    }

    /** The first of the entries that equal the least value, by latent and then by token. */
    private static long[] tied(TokenLists lists, float least, int count) {
        long[] keys = new long[16];
        int found = 0;
        for (int t = 0; t < lists.tokens(); t++) {
            for (int e = 0; e < lists.values(t).length; e++) {
                if (lists.values(t)[e] == least) {
                    if (found == keys.length) {
                        keys = Arrays.copyOf(keys, 2 * found);
                    }
                    keys[found++] = key(lists.indices(t)[e], t);
                }
            }
        }
        Arrays.sort(keys, 0, found);
        return Arrays.copyOf(keys, Math.min(found, count));
    }

    private static long key(int latent, int token) {
        return (long) latent << 32 | token;
    }
}
