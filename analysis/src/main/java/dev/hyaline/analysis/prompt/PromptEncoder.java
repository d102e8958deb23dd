package dev.hyaline.analysis.prompt;

import dev.hyaline.engine.BadInputException;
import java.util.Arrays;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/**
 * Turns prompts and single words into tokens of one vocabulary.
 *
 * @param encoder text to token ids
 * @param begin the token put before every prompt, if any: TransformerLens prepends {@code <|endoftext|>} to GPT-2's
 * @param vocabularySize token ids run from 0 to one less than this
 */
public record PromptEncoder(TextEncoder encoder, OptionalInt begin, int vocabularySize) {
    /** Tokens of a prompt. */
    public int[] prompt(String text) {
        return IntStream.concat(begin.stream(), Arrays.stream(encoder.encode(text)))
                .toArray();
    }

    /**
     * The token of a text that is just one.
     *
     * @throws BadInputException if it is more
     */
    public int token(String text) {
        int[] tokens = encoder.encode(text);
        if (tokens.length != 1) {
            throw new BadInputException("'" + text + "' is " + tokens.length + " tokens where one is needed"
                    + (text.startsWith(" ") ? "" : " (a word inside a text begins with a blank)"));
        }
        return tokens[0];
    }

    boolean isToken(String text) {
        return encoder.encode(text).length == 1;
    }
}
