package dev.hyaline.analysis.sparse.train;

import dev.hyaline.analysis.sparse.internal.TokenLists;
import dev.hyaline.engine.internal.parallel.WorkerPool;

/**
 * Latents of a batch, by token and by latent.
 *
 * @param offsets of each token's entries {@code [tokens + 1]}
 * @param latents of each entry, ascending within a token
 * @param z pre-activation of each entry
 * @param f what each entry is decoded with
 * @param starts of each latent's entries in {@code order} {@code [latents + 1]}
 * @param order entries by latent, and for each by token
 * @param tokens of each entry in that order
 */
record Entries(int[] offsets, int[] latents, float[] z, float[] f, int[] starts, int[] order, int[] tokens) {
    /**
     * Sorts lists by latent.
     *
     * @param map what the lists' latents are called; empty if they bear their own number
     */
    static Entries of(TokenLists lists, int n, int[] map, WorkerPool pool) {
        int count = lists.tokens();
        int[] offsets = lists.offsets();
        int total = offsets[count];
        int[] latents = new int[total];
        float[] z = new float[total];
        pool.run(count, (worker, t) -> {
            int[] indices = lists.indices(t);
            for (int e = 0; e < indices.length; e++) {
                latents[offsets[t] + e] = map.length == 0 ? indices[e] : map[indices[e]];
            }
            System.arraycopy(lists.values(t), 0, z, offsets[t], indices.length);
        });
        int[] starts = new int[n + 1];
        for (int latent : latents) {
            starts[latent + 1]++;
        }
        for (int i = 0; i < n; i++) {
            starts[i + 1] += starts[i];
        }
        int[] next = starts.clone();
        int[] order = new int[total];
        int[] tokens = new int[total];
        for (int t = 0; t < count; t++) {
            for (int e = offsets[t]; e < offsets[t + 1]; e++) {
                int to = next[latents[e]]++;
                order[to] = e;
                tokens[to] = t;
            }
        }
        return new Entries(offsets, latents, z, z.clone(), starts, order, tokens);
    }

    /** No entries of no tokens. */
    static Entries none() {
        return new Entries(new int[1], new int[0], new float[0], new float[0], new int[1], new int[0], new int[0]);
    }

    int count() {
        return z.length;
    }

    /** An action on an entry. */
    interface Action {
        void accept(int entry, int latent);
    }

    /** Does something with each entry, tokens apart. */
    void each(WorkerPool pool, Action action) {
        pool.run(offsets.length - 1, (worker, t) -> {
            for (int e = offsets[t]; e < offsets[t + 1]; e++) {
                action.accept(e, latents[e]);
            }
        });
    }
}
