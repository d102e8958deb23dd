package dev.hyaline.weights.internal.tokens;

import dev.hyaline.weights.Tokenizer;
import java.util.Map;

/** Where a checkpoint's tokenizer is read from. */
public interface TokenizerSource {
    /**
     * Reads the tokenizer.
     *
     * @param model what its configuration says of tokens
     */
    Tokenizer read(ModelTokens model);

    /** The same tokenizer as files that Hugging Face reads, by name. */
    Map<String, byte[]> huggingFaceFiles();
}
