package dev.hyaline.weights.internal.tokens;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Arrays;

/**
 * GPT-2's encoding of any bytes as text without blanks: a printable Latin-1 character is itself, and each other byte a
 * character from U+0100 on. Vocabulary files spell their tokens in it, so that {@code " the"} is {@code Ġthe}.
 *
 * @see <a href="https://github.com/openai/gpt-2/blob/master/src/encoder.py">bytes_to_unicode in GPT-2's encoder.py</a>
 */
final class ByteAlphabet {
    private static final char[] CHAR_OF = new char[256];
    private static final short[] BYTE_OF = new short[0x100 + 256];

    static {
        Arrays.fill(BYTE_OF, (short) -1);
        char next = 0x100;
        for (int b = 0; b < 256; b++) {
            boolean printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
            CHAR_OF[b] = printable ? (char) b : next++;
            BYTE_OF[CHAR_OF[b]] = (short) b;
        }
    }

    private ByteAlphabet() {}

    /** The character that stands for a byte, 0 to 255. */
    static char charOf(int b) {
        return CHAR_OF[b];
    }

    /** Spells bytes as text. */
    static String spell(byte[] bytes) {
        StringBuilder text = new StringBuilder(bytes.length);
        for (byte b : bytes) {
            text.append(CHAR_OF[b & 0xFF]);
        }
        return text.toString();
    }

    /** The bytes of a token; a token with a character outside the alphabet stands for its own text in UTF-8. */
    static byte[] bytesOf(String token) {
        byte[] bytes = new byte[token.length()];
        for (int i = 0; i < bytes.length; i++) {
            char c = token.charAt(i);
            if (c >= BYTE_OF.length || BYTE_OF[c] < 0) {
                return token.getBytes(UTF_8);
            }
            bytes[i] = (byte) BYTE_OF[c];
        }
        return bytes;
    }
}
