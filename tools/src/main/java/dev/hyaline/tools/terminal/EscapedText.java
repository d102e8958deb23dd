package dev.hyaline.tools.terminal;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.util.Locale;

/**
 * Text on one line in which everything is seen for what it is: quotes, backslashes, control characters and whatever has
 * no shape of its own are escaped, and so are bytes that are no whole character. No two texts look alike.
 */
public final class EscapedText {
    private EscapedText() {}

    /** Text as such. */
    public static String text(String text) {
        return escaped(text, true);
    }

    /** Text outside quotes: quotes and backslashes stay as they are. */
    public static String plain(String text) {
        return escaped(text, false);
    }

    private static String escaped(String text, boolean quotes) {
        StringBuilder escaped = new StringBuilder(text.length() + 8);
        for (int i = 0; i < text.length(); ) {
            int c = text.codePointAt(i);
            switch (c) {
                case '"', '\\' -> escaped.append(quotes ? "\\" : "").appendCodePoint(c);
                case '\n' -> escaped.append("\\n");
                case '\r' -> escaped.append("\\r");
                case '\t' -> escaped.append("\\t");
                default -> {
                    if (isShown(c, i == 0)) {
                        escaped.appendCodePoint(c);
                    } else {
                        escaped.append(String.format(Locale.ROOT, c < 0x10000 ? "\\u%04x" : "\\U%08x", c));
                    }
                }
            }
            i += Character.charCount(c);
        }
        return escaped.toString();
    }

    /** UTF-8, perhaps cut within characters: a lone {@code E2 80} reads {@code \xE2\x80}. */
    public static String bytes(byte[] utf8) {
        CharsetDecoder decoder = UTF_8.newDecoder();
        ByteBuffer in = ByteBuffer.wrap(utf8);
        CharBuffer out = CharBuffer.allocate(utf8.length);
        StringBuilder escaped = new StringBuilder();
        while (true) {
            CoderResult result = decoder.decode(in, out, true);
            escaped.append(text(out.flip().toString()));
            if (result.isUnderflow()) {
                return escaped.toString();
            }
            for (int i = 0; i < result.length(); i++) {
                escaped.append(String.format(Locale.ROOT, "\\x%02X", in.get() & 0xFF));
            }
            out.clear();
            decoder.reset();
        }
    }

    /** @param first whether nothing is before it that a mark could stand on */
    private static boolean isShown(int c, boolean first) {
        return switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.UNASSIGNED,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR -> false;
            case Character.SPACE_SEPARATOR -> c == ' ';
            case Character.NON_SPACING_MARK, Character.ENCLOSING_MARK -> !first;
            default -> true;
        };
    }
}
