package dev.hyaline.tools.option;

import dev.hyaline.engine.error.BadInputException;
import java.util.Arrays;
import java.util.List;

/** Token ids on the command line. */
public final class TokenIds {
    private TokenIds() {}

    /**
     * Parses numbers separated by commas or blanks, optionally in brackets.
     *
     * @throws BadInputException if there is anything else
     */
    public static List<Integer> parse(String text) {
        String bare = text.strip().replaceAll("^\\[|\\]$", "").strip();
        if (bare.isEmpty()) {
            return List.of();
        }
        return Arrays.stream(bare.split("\\s*,\\s*|\\s+", -1)).map(TokenIds::id).toList();
    }

    private static int id(String text) {
        if (!text.matches("\\d{1,9}")) {
            throw new BadInputException("'" + text + "' is not a token id; write ids with commas or blanks between");
        }
        return Integer.parseInt(text);
    }
}
