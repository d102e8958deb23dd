package dev.hyaline.weights.internal.tokens;

/** Turns text in which no added token is sought into tokens. Thread-safe. */
@FunctionalInterface
interface PieceEncoder {
    /** Appends the tokens of a well-formed text. */
    void encode(String text, IntList tokens);
}
