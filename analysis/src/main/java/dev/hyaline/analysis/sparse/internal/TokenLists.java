package dev.hyaline.analysis.sparse.internal;

import java.util.Arrays;

/** Latents of tokens as they are found, token by token in any order. */
public final class TokenLists {
    private final int[][] indices;
    private final float[][] values;

    public TokenLists(int tokens) {
        indices = new int[tokens][];
        values = new float[tokens][];
    }

    /** Sets a token's latents, ascending, copied from the front of two arrays. */
    public void set(int token, int[] latents, float[] activations, int from, int count) {
        indices[token] = Arrays.copyOfRange(latents, from, from + count);
        values[token] = Arrays.copyOfRange(activations, from, from + count);
    }

    public int[] indices(int token) {
        return indices[token];
    }

    public float[] values(int token) {
        return values[token];
    }

    public int tokens() {
        return indices.length;
    }

    /** Number of latents of all tokens. */
    public long count() {
        long count = 0;
        for (int[] ofToken : indices) {
            count += ofToken.length;
        }
        return count;
    }

    /** The index of each token's first latent when all lie end to end, and their number: {@code [tokens + 1]}. */
    public int[] offsets() {
        int[] offsets = new int[indices.length + 1];
        for (int t = 0; t < indices.length; t++) {
            offsets[t + 1] = Math.addExact(offsets[t], indices[t].length);
        }
        return offsets;
    }
}
