package dev.hyaline.engine.internal.forward;

import dev.hyaline.engine.Gpt2Config;
import dev.hyaline.engine.internal.kernel.Kernels;
import java.util.Arrays;

/**
 * Keys and values of a sequence, in blocks of {@link #BLOCK} positions for each layer. Keys of a block are {@code [dModel][BLOCK]}, so that scores vectorise
 * across positions; values are {@code [nHeads][BLOCK][dHead]}. A position is written once: blocks before {@link #writableFrom} never change, which lets a fork
 * share them.
 */
public final class KeyValues {
    public static final int BLOCK = Kernels.LANES;

    private final Gpt2Config config;
    private final float[][][] keys;
    private final float[][][] values;
    private int length;
    /** Positions from here on belong to this alone and may be written again. */
    private int writableFrom;

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

    public int writableFrom() {
        return writableFrom;
    }

    /** Positions up to {@code length} are now all written. */
    public void advance(int newLength) {
        length = newLength;
        writableFrom = newLength;
    }

    /** The first {@code positions} positions as a sequence of their own: whole blocks are shared, the one that either side may still write is copied. */
    public KeyValues fork(int positions) {
        return amendable(positions, positions);
    }

    /** The first {@code positions} positions as a sequence of their own that may write those from {@code from} on again: the blocks before are shared. */
    public KeyValues amendable(int from, int positions) {
        KeyValues copy = new KeyValues(config);
        int shared = from / BLOCK;
        for (int layer = 0; layer < keys.length; layer++) {
            copy.keys[layer] = Arrays.copyOf(keys[layer], blocks(positions));
            copy.values[layer] = Arrays.copyOf(values[layer], blocks(positions));
            for (int block = shared; block < blocks(positions); block++) {
                copy.keys[layer][block] = keys[layer][block].clone();
                copy.values[layer][block] = values[layer][block].clone();
            }
        }
        copy.length = positions;
        copy.writableFrom = from;
        writableFrom = length;
        return copy;
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
