package dev.hyaline.instrument.dump;

import java.util.Locale;

/** The treatment of a document of more tokens than the model has positions. */
public enum LongDocuments {
    /** It is an error that names the document. */
    ERROR,
    /**
     * It is cut into pieces of as many tokens as the model has positions; the last may be shorter. The model reads each
     * piece by itself from its position 0, with no token put before. A token's position is its place in the document.
     */
    SPLIT,
    /** Tokens past the model's last position are left out. */
    TRUNCATE;

    /** Its name in lower case. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
