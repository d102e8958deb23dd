package dev.hyaline.tools.terminal;

import dev.hyaline.weights.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The text of tokens that arrive one by one. A character whose bytes are spread over several tokens is held back until
 * it is complete.
 */
public final class DecodedText {
    /** Bytes of the longest UTF-8 character, and so the most tokens that one character can take. */
    private static final int MAX_CHARACTER_LENGTH = 4;

    private static final String BROKEN = "\uFFFD";

    private final Tokenizer tokenizer;
    private final List<Integer> waiting = new ArrayList<>();

    public DecodedText(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    /** Adds the next token and returns the text that is now complete, which may be empty. */
    public String add(int token) {
        waiting.add(token);
        String text = decode(waiting);
        if (!text.endsWith(BROKEN) || isWhole(text)) {
            waiting.clear();
            return text;
        }
        return waiting.size() < MAX_CHARACTER_LENGTH ? "" : firstTokens(text);
    }

    /**
     * Returns the text of as few of the first tokens as can be parted from the rest, which may be the beginning of a
     * character, and no longer waits with them.
     */
    private String firstTokens(String text) {
        for (int count = 1; count < waiting.size(); count++) {
            String first = decode(waiting.subList(0, count));
            if (text.equals(first + decode(waiting.subList(count, waiting.size())))) {
                waiting.subList(0, count).clear();
                return first;
            }
        }
        waiting.clear();
        return text;
    }

    /** Returns the remaining text when no more tokens follow. */
    public String end() {
        String text = decode(waiting);
        waiting.clear();
        return text;
    }

    /**
     * Returns whether the text itself contains the replacement character, rather than a broken one: then encoding it
     * gives the same tokens.
     */
    private boolean isWhole(String text) {
        return waiting.equals(Arrays.stream(tokenizer.encode(text)).boxed().toList());
    }

    private String decode(List<Integer> tokens) {
        return tokenizer.decode(tokens.stream().mapToInt(Integer::intValue).toArray());
    }
}
