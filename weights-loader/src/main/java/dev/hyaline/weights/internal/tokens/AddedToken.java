package dev.hyaline.weights.internal.tokens;

/**
 * A token that is found in the text itself, before the rest is encoded.
 *
 * @param singleWord whether it counts only where no letter or digit touches it
 * @param lstrip whether blanks to its left belong to it
 * @param rstrip whether blanks to its right belong to it
 * @param normalized whether it is searched for only in the text between the others
 * @param special whether it is ignored if {@code split_special_tokens} is set
 */
record AddedToken(
        int id,
        String content,
        boolean singleWord,
        boolean lstrip,
        boolean rstrip,
        boolean normalized,
        boolean special) {
    /** The most characters of a token. */
    static final int MAX_LENGTH = 512;

    /** A special token without conditions, such as {@code <|endoftext|>}. */
    static AddedToken plain(int id, String content) {
        return new AddedToken(id, content, false, false, false, false, true);
    }

    AddedToken asSpecial() {
        return new AddedToken(id, content, singleWord, lstrip, rstrip, normalized, true);
    }
}
