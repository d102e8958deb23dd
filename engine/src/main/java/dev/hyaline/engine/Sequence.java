package dev.hyaline.engine;

import dev.hyaline.engine.error.BadInputException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One sequence of a batch: tokens, where the first of them stands, and the keys and values of the positions before it.
 *
 * <p>Prefill starts at 0 without a past; decoding appends to its own cache; a patched suffix starts inside a base run
 * and shares its past.
 */
public final class Sequence {
    private final int[] tokens;
    private final int start;
    private final @Nullable KvCache cache;
    private final boolean append;

    private Sequence(int[] tokens, int start, @Nullable KvCache cache, boolean append) {
        this.tokens = tokens;
        this.start = start;
        this.cache = cache;
        this.append = append;
    }

    /** Tokens from position 0; keys and values are forgotten after the pass. */
    public static Sequence of(int... tokens) {
        return new Sequence(tokens.clone(), 0, null, false);
    }

    /** Tokens from position {@code cache.length()}, whose keys and values the pass appends to the cache. */
    public static Sequence append(KvCache cache, int... tokens) {
        return new Sequence(tokens.clone(), cache.length(), cache, true);
    }

    /**
     * Tokens from position {@code start} to the end of a cache, whose keys and values the pass writes again in the
     * layers that it runs. The pass may begin at a boundary; in the layers before, the cache stays as it is.
     *
     * @param cache from {@link KvCache#amendable}, for {@code start} or earlier
     */
    public static Sequence amend(KvCache cache, int start, int... tokens) {
        if (start < cache.keyValues().writableFrom() || start + tokens.length != cache.length()) {
            throw new BadInputException("positions " + start + " to " + (start + tokens.length)
                    + " are not the last of a cache of " + cache.length() + " that can be amended from "
                    + cache.keyValues().writableFrom() + " on");
        }
        return new Sequence(tokens.clone(), start, cache, true);
    }

    /** Tokens from position {@code start}, reading the first {@code start} positions of a past that stays as it is. */
    public static Sequence after(KvCache past, int start, int... tokens) {
        if (start < 0 || start > past.length()) {
            throw new BadInputException(
                    "a sequence must start within its past of " + past.length() + " positions, found " + start);
        }
        return new Sequence(tokens.clone(), start, past, false);
    }

    /** Number of tokens. */
    public int length() {
        return tokens.length;
    }

    /** A token, by its index from the start of the sequence's tokens. */
    public int token(int index) {
        return tokens[BadInputException.requireIndex("token", index, tokens.length)];
    }

    /** Position of the first token. */
    public int start() {
        return start;
    }

    /** Position after the last token. */
    public int end() {
        return start + tokens.length;
    }

    /** Keys and values of earlier positions, or the cache to append to. */
    public Optional<KvCache> cache() {
        return Optional.ofNullable(cache);
    }

    /** Returns whether the pass writes keys and values again that the cache has. */
    boolean amends() {
        return append && cache != null && start < cache.length();
    }

    /** Returns whether the pass writes this sequence's keys and values into its cache. */
    public boolean appends() {
        return append;
    }

    @Override
    public String toString() {
        return tokens.length
                + (tokens.length == 1 ? " token" : " tokens")
                + (start == 0 ? "" : " from position " + start);
    }
}
