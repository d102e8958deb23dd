package dev.hyaline.tools.terminal;

import dev.hyaline.weights.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Text of tokens that come one by one. A character whose bytes are spread over tokens is held back until it is whole.
 */
public final class DecodedText {
    /** Bytes of the longest UTF-8 character: more tokens than this cannot be waiting for each other. */
    private static final int MAX_CHARACTER_LENGTH = 4;

    private static final String BROKEN = "\uFFFD";

    private final Tokenizer tokenizer;
    private final List<Integer> waiting = new ArrayList<>();

    public DecodedText(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    /** Takes the next token and gives the text that is now certain, perhaps none. */
    public String add(int token) {
        waiting.add(token);
        String text = decode();
        if (text.endsWith(BROKEN) && !isWhole(text) && waiting.size() < MAX_CHARACTER_LENGTH) {
            return "";
        }
        waiting.clear();
        return text;
    }

    /** The rest, when no token follows. */
    public String end() {
        String text = decode();
        waiting.clear();
        return text;
    }

    /**
     * Whether what looks broken is the replacement character itself, which a text may hold as well: its own tokens give
     * it back.
     */
    private boolean isWhole(String text) {
        return waiting.equals(Arrays.stream(tokenizer.encode(text)).boxed().toList());
    }

    private String decode() {
        return tokenizer.decode(waiting.stream().mapToInt(Integer::intValue).toArray());
    }
}
