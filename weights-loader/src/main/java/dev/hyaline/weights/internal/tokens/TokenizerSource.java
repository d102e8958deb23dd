package dev.hyaline.weights.internal.tokens;

import dev.hyaline.weights.Tokenizer;
import java.util.Map;

/** The source of a checkpoint's tokenizer. */
public interface TokenizerSource {
    /**
     * Reads the tokenizer.
     *
     * @param model the facts about tokens in its configuration
     */
    Tokenizer read(ModelTokens model);

    /** The same tokenizer as files that Hugging Face reads, by name. */
    Map<String, byte[]> huggingFaceFiles();
}
