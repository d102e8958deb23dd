package dev.hyaline.weights.internal.tokens;

/** An encoder of text between added tokens. Thread-safe. */
@FunctionalInterface
interface PieceEncoder {
    /** Appends the tokens of a well-formed text. */
    void encode(String text, IntList tokens);
}
