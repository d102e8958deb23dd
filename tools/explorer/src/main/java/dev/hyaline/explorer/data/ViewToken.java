package dev.hyaline.explorer.data;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A token of a view.
 *
 * @param text empty if the model has no tokenizer; with U+FFFD for each broken character
 * @param bytes of a token that is not text by itself, such as half a character; empty if it is
 */
public record ViewToken(int id, String text, List<Integer> bytes) {
    public ViewToken {
        bytes = List.copyOf(bytes);
    }

    /** A token whose text is not known. */
    public static ViewToken of(int id) {
        return new ViewToken(id, "", List.of());
    }

    /** A token of a text. */
    public static ViewToken of(int id, String text) {
        return new ViewToken(id, text, List.of());
    }

    /** A token of some bytes. */
    public static ViewToken of(int id, byte[] bytes) {
        try {
            return of(
                    id,
                    StandardCharsets.UTF_8
                            .newDecoder()
                            .decode(ByteBuffer.wrap(bytes))
                            .toString());
        } catch (CharacterCodingException e) {
            return new ViewToken(
                    id,
                    new String(bytes, StandardCharsets.UTF_8),
                    IntStream.range(0, bytes.length)
                            .mapToObj(i -> bytes[i] & 0xFF)
                            .toList());
        }
    }
}
