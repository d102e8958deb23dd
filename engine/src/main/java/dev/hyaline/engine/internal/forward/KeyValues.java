package dev.hyaline.engine.internal.forward;

import dev.hyaline.engine.Gpt2Config;
import dev.hyaline.engine.internal.kernel.Kernels;
import java.util.Arrays;

/**
 * Keys and values of a sequence, in blocks of {@link #BLOCK} positions for each layer. Keys of a block are {@code [dModel][BLOCK]}, so that scores vectorise
 * across positions; values are {@code [nHeads][BLOCK][dHead]}. A position is written once: blocks before {@link #length} never change, which lets a fork share
 * them.
 */
public final class KeyValues {
    public static final int BLOCK = Kernels.LANES;

    private final Gpt2Config config;
    private final float[][][] keys;
    private final float[][][] values;
    private int length;

    public KeyValues(Gpt2Config config) {
        this.config = config;
        keys = new float[config.nLayers()][0][];
        values = new float[config.nLayers()][0][];
    }

    public Gpt2Config config() {
        return config;
    }

    public int length() {
        return length;
    }

    /** Positions up to {@code length} are now all written. */
    public void advance(int newLength) {
        length = newLength;
    }

    /** The first {@code positions} positions as a sequence of their own: whole blocks are shared, the one that either side may still write is copied. */
    public KeyValues fork(int positions) {
        KeyValues fork = new KeyValues(config);
        int shared = positions / BLOCK;
        for (int layer = 0; layer < keys.length; layer++) {
            fork.keys[layer] = Arrays.copyOf(keys[layer], blocks(positions));
            fork.values[layer] = Arrays.copyOf(values[layer], blocks(positions));
            if (positions % BLOCK != 0) {
                fork.keys[layer][shared] = keys[layer][shared].clone();
                fork.values[layer][shared] = values[layer][shared].clone();
            }
        }
        fork.length = positions;
        return fork;
    }

    /** Makes room for {@code positions} positions in all. */
    public void reserve(int positions) {
        int needed = blocks(positions);
        for (int layer = 0; layer < keys.length; layer++) {
            keys[layer] = reserve(keys[layer], needed);
            values[layer] = reserve(values[layer], needed);
        }
    }

    float[][] keys(int layer) {
        return keys[layer];
    }

    float[][] values(int layer) {
        return values[layer];
    }

    private float[][] reserve(float[][] blocks, int needed) {
        int present = blocks.length;
        if (present >= needed) {
            return blocks;
        }
        float[][] more = Arrays.copyOf(blocks, needed);
        for (int i = present; i < needed; i++) {
            more[i] = new float[config.dModel() * BLOCK];
        }
        return more;
    }

    static int blocks(int positions) {
        return (positions + BLOCK - 1) / BLOCK;
    }
}
