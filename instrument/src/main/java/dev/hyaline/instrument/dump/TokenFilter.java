package dev.hyaline.instrument.dump;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.IndexSelection;
import org.jspecify.annotations.Nullable;

/**
 * A choice of the tokens of a corpus that get a row in a dump. The model reads all that come before a chosen one,
 * whatever is chosen.
 *
 * @param positions in each document by itself, or in each piece of one that is split
 * @param skippedFirst a token that gets no row where a document begins with it: the beginning-of-text token. Null for
 *     none
 * @param every of the tokens that are left, counted across documents, only the first and every {@code every}-th after
 *     it
 */
public record TokenFilter(
        IndexSelection positions, @Nullable Integer skippedFirst, int every) {
    public TokenFilter {
        if (every < 1) {
            throw new BadInputException("every n-th token needs an n of at least 1, found " + every);
        }
    }

    /** Every token. */
    public static TokenFilter all() {
        return new TokenFilter(IndexSelection.all(), null, 1);
    }

    /** The same, at these positions only. */
    public TokenFilter positions(IndexSelection chosen) {
        return new TokenFilter(chosen, skippedFirst, every);
    }

    /** The same, without this token where a document begins with it. */
    public TokenFilter skippingFirst(int token) {
        return new TokenFilter(positions, token, every);
    }

    /** The same, thinned out. */
    public TokenFilter every(int n) {
        return new TokenFilter(positions, skippedFirst, n);
    }
}
