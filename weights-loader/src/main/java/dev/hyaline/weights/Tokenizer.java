package dev.hyaline.weights;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.weights.internal.tokens.Gpt2Vocabulary;
import java.util.List;
import java.util.Optional;

/**
 * Text to token ids and back, the same ids as Hugging Face's {@code tokenizers} give. Immutable and thread-safe.
 *
 * <p>{@link #encode} puts nothing before or after a text; {@link #encodePrompt} puts what marks a text's bounds there.
 * A special or otherwise added token that stands in the text, {@code <|endoftext|>} for one, becomes its id.
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
     * The tokens of a text as a model is given it: {@link #beginOfText}, those of the text, and whatever the
     * tokenizer's files want after each text, which for most is nothing.
     *
     * @throws BadInputException as {@link #encode} and {@link #beginOfText} do
     */
    int[] encodePrompt(String text);

    /**
     * The text of tokens. Bytes that are no UTF-8, as in half a character, read as U+FFFD, and so does an id that has
     * no token, as the last ones of a model's vocabulary padded to a round size.
     *
     * @throws BadInputException if an id is outside the vocabulary
     */
    String decode(int... ids);

    /**
     * The bytes that a token stands for, UTF-8 perhaps cut within a character; empty for an id that has no token.
     *
     * @throws BadInputException if the id is outside the vocabulary
     */
    Optional<byte[]> bytes(int id);

    /**
     * One token as text: U+FFFD for each broken character.
     *
     * @throws BadInputException if the id is outside the vocabulary
     */
    default String token(int id) {
        return decode(id);
    }

    /**
     * The token before a text: the one that the tokenizer's template puts there, else the {@code bos_token} of its
     * files, else the {@code bos_token_id} of the model's configuration, else {@code <|endoftext|>}, else
     * {@link #endOfText}.
     *
     * @throws BadInputException if there is none
     */
    int beginOfText();

    /**
     * The token between texts: the {@code eos_token} of the tokenizer's files, else the {@code eos_token_id} of the
     * model's configuration, else {@code <|endoftext|>}.
     *
     * @throws BadInputException if there is none
     */
    int endOfText();

    /** All tokens after which a text is over, {@link #endOfText} first; empty if there are none. */
    List<Integer> endsOfText();

    /** The ids of tokens run from 0 to one less than this. */
    int vocabularySize();
}
