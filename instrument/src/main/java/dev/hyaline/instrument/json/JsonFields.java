package dev.hyaline.instrument.json;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.files.Json;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.IndexSelection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** The values of a JSON object that may be a stranger's, and which have been asked for. What is wrong is named. */
final class JsonFields {
    private final String where;
    private final Json node;
    private final Set<String> known = new HashSet<>();

    JsonFields(String where, Json node) {
        this.where = where;
        this.node = node;
        if (!node.isObject()) {
            throw new BadInputException(where + " must be a JSON object, found " + Printable.plain(node.toString()));
        }
    }

    /** The name of this object in errors. */
    String where() {
        return where;
    }

    /** The keys it has, whatever they mean. */
    List<String> names() {
        return node.names();
    }

    boolean has(String key) {
        known.add(key);
        return node.get(key).isPresent();
    }

    Json required(String key, String what, Predicate<Json> kind) {
        known.add(key);
        Json value = node.get(key).orElseThrow(() -> new BadInputException(where + " needs \"" + key + "\", " + what));
        if (!kind.test(value)) {
            throw bad(key, what, value.toString());
        }
        return value;
    }

    String text(String key) {
        return required(key, "a string", Json::isString).string();
    }

    boolean flag(String key) {
        return has(key) && required(key, "true or false", Json::isBoolean).bool();
    }

    float number(String key) {
        return number(key, required(key, "a number", Json::isNumber));
    }

    float number(String key, float otherwise) {
        return has(key) ? number(key) : otherwise;
    }

    long whole(String key, long most) {
        Json value = required(key, "a whole number of at least 0", Json::isWhole);
        if (!value.isWhole(0, most)) {
            throw bad(key, "a whole number from 0 to " + most, value.toString());
        }
        return value.whole(0);
    }

    long seed() {
        Json value = required("seed", "a whole number", Json::isWhole);
        if (!value.isWhole(Long.MIN_VALUE, Long.MAX_VALUE)) {
            throw bad("seed", "a whole number of 64 bits", value.toString());
        }
        return value.whole(Long.MIN_VALUE);
    }

    Optional<IndexSelection> selection(String key) {
        if (!has(key)) {
            return Optional.empty();
        }
        Json value = required(
                key,
                "indices such as \"0,3-5,-1\"",
                given -> given.isString() || given.isWhole() || (given.isArray() && areWhole(given.elements())));
        String text = value.isString()
                ? value.string()
                : value.isArray()
                        ? value.elements().stream().map(Json::toString).collect(Collectors.joining(","))
                        : value.toString();
        return Optional.of(checked(key, () -> IndexSelection.parse(text)));
    }

    private static boolean areWhole(List<Json> elements) {
        return !elements.isEmpty() && elements.stream().allMatch(Json::isWhole);
    }

    float[] floats(String key) {
        return floats(key, required(key, "an array of numbers", Json::isArray));
    }

    /** A number or an array of them; what is not finite stands as a string. */
    float[] floats(String key, Json values) {
        if (!values.isArray()) {
            return new float[] {number(key, values)};
        }
        List<Json> elements = values.elements();
        float[] floats = new float[elements.size()];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = number(key, elements.get(i));
        }
        return floats;
    }

    private float number(String key, Json value) {
        if (value.isNumber()) {
            float number = (float) value.number();
            if (Float.isInfinite(number)) {
                throw bad(key, "numbers that float32 has", value.toString());
            }
            return number;
        }
        return switch (value.isString() ? value.string() : "") {
            case "Infinity" -> Float.POSITIVE_INFINITY;
            case "-Infinity" -> Float.NEGATIVE_INFINITY;
            case "NaN" -> Float.NaN;
            default -> throw bad(key, "numbers", value.toString());
        };
    }

    /** What is wrong with a value says where it stands. */
    <T> T checked(String key, Supplier<T> read) {
        try {
            return read.get();
        } catch (HyalineException e) {
            throw new BadInputException(where + ", \"" + key + "\": " + e.getMessage());
        }
    }

    void requireNoMore() {
        for (String key : node.names()) {
            if (!known.contains(key)) {
                throw new BadInputException(where + " has \"" + key + "\", which means nothing there");
            }
        }
    }

    BadInputException bad(String key, String expected, String found) {
        return new BadInputException(
                where + ", \"" + key + "\": expected " + expected + ", found " + Printable.plain(found));
    }
}
