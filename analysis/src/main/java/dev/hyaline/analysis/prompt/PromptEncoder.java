package dev.hyaline.analysis.prompt;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.EscapedText;
import dev.hyaline.files.Printable;
import dev.hyaline.weights.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * Turns prompts and single words into tokens of one vocabulary.
 *
 * @param encoder text to token ids
 * @param before tokens put before every prompt: TransformerLens prepends {@code <|endoftext|>} to GPT-2's
 * @param after tokens put after every prompt; the tokenizers of most models want none
 * @param vocabularySize token ids run from 0 to one less than this
 */
public record PromptEncoder(TextEncoder encoder, List<Integer> before, List<Integer> after, int vocabularySize) {
    public PromptEncoder {
        before = List.copyOf(before);
        after = List.copyOf(after);
    }

    /**
     * The encoder of a model's tokenizer.
     *
     * @param begins whether prompts get the tokens that mark a text's bounds: for GPT-2 the end-of-text token before
     *     it, as TransformerLens puts it there
     */
    public static PromptEncoder of(Tokenizer tokenizer, boolean begins) {
        if (!begins) {
            return new PromptEncoder(tokenizer::encode, List.of(), tokenizer.vocabularySize());
        }
        List<Integer> marks = Arrays.stream(tokenizer.encodePrompt("")).boxed().toList();
        return new PromptEncoder(
                tokenizer::encode, marks.subList(0, 1), marks.subList(1, marks.size()), tokenizer.vocabularySize());
    }

    /** Tokens as labels name them: {@link PromptPairs#label}. */
    static IntFunction<String> labels(Tokenizer tokenizer) {
        return token -> tokenizer
                .bytes(token)
                .map(bytes -> EscapedText.bytes(bytes).strip())
                .orElse("#" + token);
    }

    /** One that puts nothing after a prompt. */
    public PromptEncoder(TextEncoder encoder, List<Integer> before, int vocabularySize) {
        this(encoder, before, List.of(), vocabularySize);
    }

    /** Tokens of a prompt. */
    public int[] prompt(String text) {
        return IntStream.concat(Arrays.stream(begun(text)), after.stream().mapToInt(Integer::intValue))
                .toArray();
    }

    /** Tokens of a prompt's start, without those that come after it. */
    int[] begun(String text) {
        return IntStream.concat(beginning(), Arrays.stream(encoder.encode(text)))
                .toArray();
    }

    IntStream beginning() {
        return before.stream().mapToInt(Integer::intValue);
    }

    /**
     * The token of a text that is just one.
     *
     * @throws BadInputException if it is more
     */
    public int token(String text) {
        int[] tokens = encoder.encode(text);
        if (tokens.length != 1) {
            throw new BadInputException(
                    "'" + Printable.plain(text) + "' is " + tokens.length + " tokens where one is needed"
                            + (text.startsWith(" ")
                                    ? ""
                                    : isToken(" " + text)
                                            ? " (with a blank before it, as inside a text, it is one)"
                                            : " (a word inside a text begins with a blank)"));
        }
        return tokens[0];
    }

    boolean isToken(String text) {
        return encoder.encode(text).length == 1;
    }
}
