package dev.hyaline.engine.internal.forward;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.internal.kernel.Kernels;

/**
 * Keys and values of the positions a sequence has been through, for all layers, where the {@link Backend} that made
 * them keeps them.
 */
public interface KeyValues {
    /** Positions that are kept together: room grows by as many. */
    int BLOCK = Kernels.KEYS_PER_BLOCK;

    /** Positions that there is room for once {@code positions} are kept. */
    static long room(int positions) {
        return (positions + BLOCK - 1L) / BLOCK * BLOCK;
    }

    Gpt2Config config();

    KeptPositions kept();

    default int length() {
        return kept().length();
    }

    /** Positions from here on belong to this alone and may be written again. */
    default int writableFrom() {
        return kept().writableFrom();
    }

    /** Positions up to {@code newLength} are now all written. */
    default void advance(int newLength) {
        kept().advance(newLength);
    }

    /**
     * The first {@code positions} positions as a sequence of their own, which shares what neither side will write
     * again.
     */
    default KeyValues fork(int positions) {
        return amendable(positions, positions);
    }

    /**
     * The first {@code positions} positions as a sequence of their own that may write those from {@code from} on again:
     * the blocks before are shared.
     */
    KeyValues amendable(int from, int positions);

    /** Makes room for {@code positions} positions in all. */
    void reserve(int positions);
}
