package dev.hyaline.analysis.investigation;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.files.EditDistance;
import dev.hyaline.files.Json;
import dev.hyaline.files.Printable;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The keys of an object in an investigation's file. What is wrong is named with its place: where a key may be left out,
 * its fault is noted and reading goes on as if it were; else an exception says it.
 */
final class FileKeys {
    private final Json node;
    private final String where;
    private final Faults faults;
    private final Set<String> known = new LinkedHashSet<>();

    /** @param where the place in the file; empty for the whole */
    FileKeys(Json node, String where, Faults faults) {
        this.node = node;
        this.where = where;
        this.faults = faults;
        if (!node.isObject()) {
            throw node.expected("an object");
        }
    }

    Optional<Json> get(String key) {
        known.add(key);
        return node.get(key);
    }

    Json require(String key, String what) {
        return get(key).orElseThrow(() -> EditDistance.nearest(
                        key,
                        node.names().stream()
                                .filter(name -> !known.contains(name))
                                .toList())
                .map(this::unknown)
                .orElseGet(() -> bad(place(key) + " is missing; it is " + what)));
    }

    /** A value that may be left out; null if it is, or is wrong. */
    <T> @Nullable T optional(String key, Function<Json, @Nullable T> read) {
        Json value = get(key).orElse(null);
        return value == null ? null : faults.attempt(() -> read.apply(value));
    }

    /** The same, with what stands for it if it is left out or wrong. */
    <T> T optional(String key, Function<Json, T> read, T otherwise) {
        T value = optional(key, read);
        return value == null ? otherwise : value;
    }

    String text(String key, String otherwise) {
        return optional(key, Json::string, otherwise);
    }

    /** A number from {@code least} to {@code most}. */
    double number(String key, double least, double most, double otherwise) {
        return optional(key, value -> between(value, least, most), otherwise);
    }

    static double between(Json value, double least, double most) {
        double number = value.number();
        if (number < least || number > most) {
            throw value.expected("a number from " + Printable.number(least) + " to " + Printable.number(most));
        }
        return number;
    }

    int integer(String key, int least, int most, int otherwise) {
        return optional(key, value -> value.integer(least, most), otherwise);
    }

    /** One of some values, by the name that it has in words. */
    <T> T choice(String key, List<T> values, T otherwise) {
        return optional(key, value -> choice(value, values), otherwise);
    }

    static <T> T choice(Json value, List<T> values) {
        if (!value.isString()) {
            throw value.expected(oneOf("", values));
        }
        String name = value.string();
        return values.stream()
                .filter(known -> known.toString().equals(name))
                .findFirst()
                .orElseThrow(() -> value.expected(oneOf(name, values)));
    }

    /** The values in words, the nearest to an unknown one first. */
    static String oneOf(String unknown, List<?> values) {
        List<String> names = values.stream().map(Object::toString).toList();
        String all = "one of " + String.join(", ", names);
        return EditDistance.nearest(unknown, names)
                .map(near -> all + " (perhaps " + near + ")")
                .orElse(all);
    }

    /** An object as the value of a key; null where it is left out or wrong. */
    <T> @Nullable T section(String key, Function<FileKeys, T> read) {
        return optional(key, value -> {
            FileKeys keys = new FileKeys(value, place(key), faults);
            T section = read.apply(keys);
            keys.refuseOthers();
            return section;
        });
    }

    List<String> strings(String key) {
        return require(key, "a list").elements().stream().map(Json::string).toList();
    }

    boolean flag(String key, boolean otherwise) {
        return optional(key, Json::bool, otherwise);
    }

    /** The place of a key. */
    String place(String key) {
        return where.isEmpty() ? key : where + "." + key;
    }

    /** What is wrong with the object says where it stands. */
    <T> T checked(String key, Supplier<T> read) {
        return checked(node.get(key).orElse(node), read);
    }

    /** The same of a value. */
    static <T> T checked(Json value, Supplier<T> read) {
        try {
            return read.get();
        } catch (HyalineException e) {
            throw new BadInputException(value.where() + ": " + value.path() + ": " + e.getMessage());
        }
    }

    /** Notes the keys that nothing has asked for, and returns whether there are any. */
    boolean refuseOthers() {
        List<String> others =
                node.names().stream().filter(key -> !known.contains(key)).toList();
        others.forEach(key -> faults.add(unknown(key)));
        return !others.isEmpty();
    }

    private BadInputException unknown(String key) {
        return badAt(
                key,
                Printable.plain(place(key)) + " means nothing; "
                        + EditDistance.nearest(key, known)
                                .map(near -> "perhaps " + near + " is meant")
                                .orElseGet(() -> "there are " + String.join(", ", known)));
    }

    /** What is wrong with the object as a whole. */
    BadInputException bad(String what) {
        return new BadInputException((where.isEmpty() ? node.file() : node.where()) + ": " + what);
    }

    /** What is wrong with the value of a key. */
    BadInputException badAt(String key, String what) {
        return node.get(key)
                .map(value -> new BadInputException(value.where() + ": " + what))
                .orElseGet(() -> bad(what));
    }

    /** The text of a value, which must not be blank. */
    static String nonBlank(Json value) {
        String text = value.string();
        if (text.isBlank()) {
            throw value.expected("a text that is not blank");
        }
        return text;
    }
}
