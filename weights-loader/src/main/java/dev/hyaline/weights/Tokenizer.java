package dev.hyaline.weights;

import dev.hyaline.engine.BadInputException;
import dev.hyaline.weights.internal.tokens.Gpt2Vocabulary;
import java.util.Optional;

/**
 * Text to token ids and back, the same ids as Hugging Face's {@code tokenizers} give. Immutable and thread-safe.
 *
 * <p>Nothing is put before or after a text: whether a prompt begins with {@link #endOfText} is the caller's choice. An
 * added token that stands in the text, {@code <|endoftext|>} for one, becomes its id.
 */
public interface Tokenizer {
    /** GPT-2's own vocabulary of 50,257 tokens. */
    static Tokenizer gpt2() {
        return Gpt2Vocabulary.tokenizer();
    }

    /**
     * The tokens of a text.
     *
     * @throws BadInputException if the text holds half a surrogate pair, or a byte for which the vocabulary has no
     *     token
     */
    int[] encode(String text);

    /**
     * The text of tokens. Bytes that are no UTF-8, as in half a character, read as U+FFFD, and so does an id that has
     * no token, as the last ones of a vocabulary padded to a round size.
     *
     * @throws BadInputException if an id is negative
     */
    String decode(int... ids);

    /**
     * The bytes that a token stands for, UTF-8 perhaps cut within a character; empty for an id that has no token.
     *
     * @throws BadInputException if the id is negative
     */
    Optional<byte[]> bytes(int id);

    /**
     * One token as text: U+FFFD for each broken character.
     *
     * @throws BadInputException if the id is negative
     */
    default String token(int id) {
        return decode(id);
    }

    /**
     * The id that stands between texts, {@code <|endoftext|>} in GPT-2's vocabulary; where a vocabulary has no such
     * token, the {@code eos_token_id} of the checkpoint's {@code config.json}.
     *
     * @throws BadInputException if there is none
     */
    int endOfText();

    /** Ids run from 0 to one less than this. */
    int vocabularySize();
}
