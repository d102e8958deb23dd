package dev.hyaline.weights.internal.tokens;

/**
 * The pieces of text that tokens never cross, split as by GPT-2's regular expression:
 *
 * <pre>'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+</pre>
 *
 * <p>{@code \s} is Unicode's White_Space. Written by hand: one pass, no backtracking and no stack, whatever the text.
 */
final class Words {
    private enum Kind {
        LETTER,
        NUMBER,
        SPACE,
        OTHER
    }

    private Words() {}

    /** The end of the piece that starts at {@code start}, which must be in the text. */
    static int end(String text, int start) {
        int first = text.codePointAt(start);
        if (first == '\'') {
            int contraction = contraction(text, start + 1);
            if (contraction > 0) {
                return start + 1 + contraction;
            }
        }
        // " ?": a single ordinary space belongs to the word after it.
        int body = first == ' ' && start + 1 < text.length() ? start + 1 : start;
        Kind kind = kind(text.codePointAt(body));
        if (kind != Kind.SPACE) {
            return run(text, body, kind);
        }
        // "\s+(?!\S)": all the blanks, or all but the last when something follows; "\s+": the last one by itself.
        int after = run(text, start, Kind.SPACE);
        return after == text.length() || after - 1 == start ? after : after - 1;
    }

    /** The number of letters after an apostrophe in an English contraction; 0 if it is not one. */
    private static int contraction(String text, int start) {
        if (start >= text.length()) {
            return 0;
        }
        char next = start + 1 < text.length() ? text.charAt(start + 1) : 0;
        return switch (text.charAt(start)) {
            case 's', 't', 'm', 'd' -> 1;
            case 'r', 'v' -> next == 'e' ? 2 : 0;
            case 'l' -> next == 'l' ? 2 : 0;
            default -> 0;
        };
    }

    /** The end of the characters of one kind that begin at {@code start}. */
    private static int run(String text, int start, Kind kind) {
        int at = start;
        while (at < text.length()) {
            int c = text.codePointAt(at);
            if (kind(c) != kind) {
                break;
            }
            at += Character.charCount(c);
        }
        return at;
    }

    private static Kind kind(int c) {
        if (isSpace(c)) {
            return Kind.SPACE;
        }
        if (Character.isLetter(c)) {
            return Kind.LETTER;
        }
        return switch (Character.getType(c)) {
            case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER -> Kind.NUMBER;
            default -> Kind.OTHER;
        };
    }

    /** Returns whether a character has Unicode's White_Space property, which no method of Java tests. */
    static boolean isSpace(int c) {
        return c == ' '
                || (c >= 0x09 && c <= 0x0D)
                || c == 0x85
                || c == 0xA0
                || c == 0x1680
                || (c >= 0x2000 && c <= 0x200A)
                || c == 0x2028
                || c == 0x2029
                || c == 0x202F
                || c == 0x205F
                || c == 0x3000;
    }
}
