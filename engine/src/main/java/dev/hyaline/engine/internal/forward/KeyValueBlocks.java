package dev.hyaline.engine.internal.forward;

import dev.hyaline.engine.config.Gpt2Config;
import java.util.Arrays;

/**
 * Keys and values of a sequence in arrays, in blocks of {@link #BLOCK} positions for each layer. Keys of a block are
 * {@code [dModel][BLOCK]}, so that scores vectorise across positions; values are {@code [nHeads][BLOCK][dHead]}. A
 * position is written once: blocks before {@link #writableFrom} never change, which lets a fork share them.
 */
final class KeyValueBlocks implements KeyValues {
    private final Gpt2Config config;
    private final float[][][] keys;
    private final float[][][] values;
    private final KeptPositions kept;

    KeyValueBlocks(Gpt2Config config) {
        this(config, new KeptPositions());
    }

    private KeyValueBlocks(Gpt2Config config, KeptPositions kept) {
        this.config = config;
        this.kept = kept;
        keys = new float[config.nLayers()][0][];
        values = new float[config.nLayers()][0][];
    }

    @Override
    public Gpt2Config config() {
        return config;
    }

    @Override
    public KeptPositions kept() {
        return kept;
    }

    @Override
    public KeyValueBlocks amendable(int from, int positions) {
        KeyValueBlocks copy = new KeyValueBlocks(config, new KeptPositions(positions, from));
        int shared = from / BLOCK;
        for (int layer = 0; layer < keys.length; layer++) {
            copy.keys[layer] = Arrays.copyOf(keys[layer], blocks(positions));
            copy.values[layer] = Arrays.copyOf(values[layer], blocks(positions));
            for (int block = shared; block < blocks(positions); block++) {
                copy.keys[layer][block] = keys[layer][block].clone();
                copy.values[layer][block] = values[layer][block].clone();
            }
        }
        kept.share();
        return copy;
    }

    @Override
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
