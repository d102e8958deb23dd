package dev.hyaline.weights.internal.gguf;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.files.Printable;
import java.util.List;

/**
 * A value of a GGUF file's metadata.
 *
 * @param file for errors
 * @param value a Long (any integer), Double (either float), Boolean, String or List of one of these
 */
record GgufValue(String file, String key, Object value) {
    String text() {
        if (value instanceof String text) {
            return text;
        }
        throw expected("text");
    }

    int integer(int least, int most) {
        if (value instanceof Long number && number >= least && number <= most) {
            return number.intValue();
        }
        throw expected("an integer from " + least + " to " + most);
    }

    double number() {
        if (value instanceof Double number && Double.isFinite(number)) {
            return number;
        }
        throw expected("a finite number");
    }

    boolean bool() {
        if (value instanceof Boolean bool) {
            return bool;
        }
        throw expected("true or false");
    }

    /** The value as a list whose elements are all of one type. */
    <T> List<T> listOf(Class<T> type, String what) {
        if (value instanceof List<?> list && list.stream().allMatch(type::isInstance)) {
            return list.stream().map(type::cast).toList();
        }
        throw expected("a list of " + what);
    }

    BadCheckpointException expected(String what) {
        String shown = switch (value) {
            case String text -> Printable.quoted(text);
            case List<?> list -> "a list of " + list.size();
            default -> Printable.plain(value.toString());
        };
        return BadCheckpointException.file(file, Printable.plain(key) + " to be " + what, shown);
    }
}
