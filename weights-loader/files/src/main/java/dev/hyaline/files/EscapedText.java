package dev.hyaline.files;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.util.Locale;

/**
 * Text on one line with every character visible: quotes, backslashes, control characters and other invisible characters
 * are escaped, and so are bytes that do not form a character. No two texts look alike.
 */
public final class EscapedText {
    private EscapedText() {}

    /** Escapes text that is shown in quotes. */
    public static String text(String text) {
        return escaped(text, true);
    }

    /** Escapes text outside quotes: quotes and backslashes stay as they are. */
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

    /** Escapes UTF-8 that may be cut within a character: a lone {@code E2 80} becomes {@code \xE2\x80}. */
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

    /** @param first whether the text begins here, so that a combining mark has no character to combine with */
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
