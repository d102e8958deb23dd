package dev.hyaline.instrument.json;

import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.HyalineException;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.IndexSelection;
import java.util.Collection;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.Supplier;
import tools.jackson.databind.JsonNode;

/** The values of a JSON object that may be a stranger's, and which have been asked for. What is wrong is named. */
final class JsonFields {
    private final String where;
    private final JsonNode node;
    private final Set<String> known = new HashSet<>();

    JsonFields(String where, JsonNode node) {
        this.where = where;
        this.node = node;
        if (!node.isObject()) {
            throw new BadInputException(where + " must be a JSON object, found " + Printable.plain(node.toString()));
        }
    }

    /** What it is called in errors. */
    String where() {
        return where;
    }

    /** The keys it has, whatever they mean. */
    Collection<String> names() {
        return node.propertyNames();
    }

    boolean has(String key) {
        known.add(key);
        return node.has(key);
    }

    JsonNode required(String key, String what, Predicate<JsonNode> kind) {
        known.add(key);
        JsonNode value = node.get(key);
        if (value == null) {
            throw new BadInputException(where + " needs \"" + key + "\", " + what);
        }
        if (!kind.test(value)) {
            throw bad(key, what, value.toString());
        }
        return value;
    }

    String text(String key) {
        return required(key, "a string", JsonNode::isString).asString();
    }

    boolean flag(String key) {
        return has(key) && required(key, "true or false", JsonNode::isBoolean).asBoolean();
    }

    float number(String key) {
        return (float) required(key, "a number", JsonNode::isNumber).asDouble();
    }

    float number(String key, float otherwise) {
        return has(key) ? number(key) : otherwise;
    }

    long whole(String key, long most) {
        JsonNode value = required(key, "a whole number of at least 0", JsonNode::isIntegralNumber);
        if (!value.canConvertToLong() || value.asLong() < 0 || value.asLong() > most) {
            throw bad(key, "a whole number from 0 to " + most, value.toString());
        }
        return value.asLong();
    }

    long seed() {
        JsonNode value = required("seed", "a whole number", JsonNode::isIntegralNumber);
        if (!value.canConvertToLong()) {
            throw bad("seed", "a whole number of 64 bits", value.toString());
        }
        return value.asLong();
    }

    Optional<IndexSelection> selection(String key) {
        if (!has(key)) {
            return Optional.empty();
        }
        JsonNode value =
                required(key, "indices such as \"0,3-5,-1\"", given -> given.isString() || given.isIntegralNumber());
        return Optional.of(checked(key, () -> IndexSelection.parse(value.asString())));
    }

    float[] floats(String key) {
        return floats(key, required(key, "an array of numbers", JsonNode::isArray));
    }

    /** A number or an array of them; what is not finite stands as a string. */
    float[] floats(String key, JsonNode values) {
        if (!values.isArray()) {
            return new float[] {number(key, values)};
        }
        float[] floats = new float[values.size()];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = number(key, values.get(i));
        }
        return floats;
    }

    private float number(String key, JsonNode value) {
        if (value.isNumber()) {
            return (float) value.asDouble();
        }
        return switch (value.asString("")) {
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
        for (String key : node.propertyNames()) {
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
