package dev.hyaline.weights;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.weights.internal.tokens.Gpt2Vocabulary;
import java.util.List;
import java.util.Optional;

/**
 * Conversion of text to token ids and back, with the same ids as Hugging Face's {@code tokenizers}. Immutable and
 * thread-safe.
 *
 * <p>{@link #encode} puts nothing before or after a text; {@link #encodePrompt} adds the tokens that mark a text's
 * bounds. A special or otherwise added token in the text, such as {@code <|endoftext|>}, becomes its id.
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
     * The tokens of a text as a model's input: {@link #beginOfText}, those of the text, and those that the tokenizer's
     * files put after each text, which for most is none.
     *
     * @throws BadInputException as {@link #encode} and {@link #beginOfText} do
     */
    int[] encodePrompt(String text);

    /**
     * The text of tokens. Bytes that are not UTF-8, such as half a character, become U+FFFD, and so does an id without
     * a token, such as the last ones of a vocabulary padded to a round size.
     *
     * @throws BadInputException if an id is outside the vocabulary
     */
    String decode(int... ids);

    /**
     * The bytes of a token, which may be UTF-8 cut within a character; empty for an id without a token.
     *
     * @throws BadInputException if the id is outside the vocabulary
     */
    Optional<byte[]> bytes(int id);

    /**
     * The text of one token, with U+FFFD for each broken character.
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

    /** All tokens that end a text, {@link #endOfText} first; empty if there are none. */
    List<Integer> endsOfText();

    /** The size of the vocabulary: ids run from 0 to one less than this. */
    int vocabularySize();
}
