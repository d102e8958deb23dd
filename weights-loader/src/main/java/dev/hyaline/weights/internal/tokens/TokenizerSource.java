package dev.hyaline.weights.internal.tokens;

import dev.hyaline.weights.Tokenizer;
import java.util.Map;
import java.util.OptionalInt;

/** Where a checkpoint's tokenizer is read from. */
public interface TokenizerSource {
    /**
     * Reads the tokenizer.
     *
     * @param endOfText id that ends a text if the vocabulary has no {@code <|endoftext|>}
     */
    Tokenizer read(OptionalInt endOfText);

    /** The same tokenizer as files that Hugging Face reads, by name. */
    Map<String, byte[]> huggingFaceFiles();
}
