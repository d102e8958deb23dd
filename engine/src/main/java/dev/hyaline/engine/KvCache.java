package dev.hyaline.engine;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.internal.forward.KeyValues;

/**
 * Keys and values of the positions a sequence has been through, for all layers. Passes append to it
 * ({@link Sequence#append}) or read it ({@link Sequence#after}). Any number of passes may read it at once, but none
 * while one appends.
 */
public final class KvCache {
    private final KeyValues keyValues;

    KvCache(KeyValues keyValues) {
        this.keyValues = keyValues;
    }

    /** Bytes that the keys and values of a number of positions take. */
    public static long bytes(Gpt2Config config, int positions) {
        return 2L * Float.BYTES * config.nLayers() * config.dModel() * KeyValues.room(positions);
    }

    /** Positions held. */
    public int length() {
        return keyValues.length();
    }

    /**
     * A cache of the first {@code positions} positions, which can be appended to independently of this one. Memory is
     * shared as far as possible.
     */
    public KvCache fork(int positions) {
        if (positions < 0 || positions > length()) {
            throw new BadInputException(
                    "a fork must lie within the cache's " + length() + " positions, found " + positions);
        }
        return new KvCache(keyValues.fork(positions));
    }

    /**
     * A cache of the first {@code positions} positions whose keys and values from {@code from} on can be written again
     * ({@link Sequence#amend}) independently of this one. Memory is shared as far as possible.
     */
    public KvCache amendable(int from, int positions) {
        if (from < 0 || from > positions || positions > length()) {
            throw new BadInputException("what is to be amended must lie within the cache's " + length()
                    + " positions, found " + from + " to " + positions);
        }
        return new KvCache(keyValues.amendable(from, positions));
    }

    /** Makes room for {@code positions} positions in all, so that appending up to there allocates nothing. */
    public void reserve(int positions) {
        if (positions > keyValues.config().nCtx()) {
            throw new BadInputException(
                    "the model has " + keyValues.config().nCtx() + " positions, found a request for " + positions);
        }
        keyValues.reserve(positions);
    }

    KeyValues keyValues() {
        return keyValues;
    }

    /** Its length. */
    @Override
    public String toString() {
        return "keys and values of " + length() + " tokens";
    }
}
