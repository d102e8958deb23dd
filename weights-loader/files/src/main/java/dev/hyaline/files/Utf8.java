package dev.hyaline.files;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;

/** Decoding of UTF-8 in ways that Java's own decoder does not offer. */
public final class Utf8 {
    private Utf8() {}

    /** Decodes a file that must be UTF-8. */
    public static String strict(FileErrors errors, String label, byte[] bytes) {
        try {
            return UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            throw errors.file(label, "UTF-8 text", "bytes that are not UTF-8", e);
        }
    }

    /**
     * Decodes any bytes, one U+FFFD for each longest prefix of a character that breaks off, as the Unicode standard
     * (section 3.9) recommends and Rust's {@code from_utf8_lossy} does. Java's own decoder makes one U+FFFD of an
     * encoded surrogate's three bytes, where this makes three.
     */
    public static String lossy(byte[] bytes) {
        StringBuilder text = new StringBuilder(bytes.length);
        for (int i = 0; i < bytes.length; ) {
            int lead = bytes[i++] & 0xFF;
            if (lead < 0x80) {
                text.append((char) lead);
                continue;
            }
            int more = lead < 0xC2 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : lead < 0xF5 ? 3 : 0;
            int code = lead & (0x3F >> more);
            // Only the second byte's range depends on the lead: no overlong forms, no surrogates, nothing past
            // U+10FFFF.
            int least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
            int most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
            int left = more;
            while (left > 0 && i < bytes.length && (bytes[i] & 0xFF) >= least && (bytes[i] & 0xFF) <= most) {
                code = code << 6 | (bytes[i++] & 0x3F);
                least = 0x80;
                most = 0xBF;
                left--;
            }
            text.appendCodePoint(more > 0 && left == 0 ? code : 0xFFFD);
        }
        return text.toString();
    }

    /** The index of the first unpaired surrogate; -1 if the text is well-formed. */
    public static int loneSurrogate(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (Character.isSurrogate(text.charAt(i))) {
                if (Character.isBmpCodePoint(text.codePointAt(i))) {
                    return i;
                }
                i++;
            }
        }
        return -1;
    }
}
