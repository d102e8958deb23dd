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

/** The keys of an object in an investigation's file. What is wrong is named with its place. */
final class FileKeys {
    private final Json node;
    private final String where;
    private final Set<String> known = new LinkedHashSet<>();

    /** @param where the place in the file; empty for the whole */
    FileKeys(Json node, String where) {
        this.node = node;
        this.where = where;
        if (!node.isObject()) {
            throw node.expected("an object");
        }
    }

    Optional<Json> get(String key) {
        known.add(key);
        return node.get(key);
    }

    Json require(String key, String what) {
        return get(key).orElseThrow(() -> bad(place(key) + " is missing; it is " + what));
    }

    String text(String key, String otherwise) {
        return get(key).map(Json::string).orElse(otherwise);
    }

    /** A number from {@code least} to {@code most}. */
    double number(String key, double least, double most, double otherwise) {
        return get(key).map(value -> between(value, least, most)).orElse(otherwise);
    }

    static double between(Json value, double least, double most) {
        double number = value.number();
        if (number < least || number > most) {
            throw value.expected("a number from " + least + " to " + most);
        }
        return number;
    }

    int integer(String key, int least, int most, int otherwise) {
        return get(key).map(value -> value.integer(least, most)).orElse(otherwise);
    }

    /** One of some values, by the name that it has in words. */
    <T> T choice(String key, List<T> values, T otherwise) {
        return get(key).map(value -> choice(value, values)).orElse(otherwise);
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

    /** An object as the value of a key; an empty one where it is absent is read as such. */
    <T> Optional<T> section(String key, Function<FileKeys, T> read) {
        return get(key).map(value -> {
            FileKeys keys = new FileKeys(value, place(key));
            T section = read.apply(keys);
            keys.requireNoMore();
            return section;
        });
    }

    List<String> strings(String key, List<String> otherwise) {
        return get(key).map(value -> value.elements().stream().map(Json::string).toList())
                .orElse(otherwise);
    }

    boolean flag(String key, boolean otherwise) {
        return get(key).map(Json::bool).orElse(otherwise);
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

    void requireNoMore() {
        for (String key : node.names()) {
            if (!known.contains(key)) {
                throw badAt(
                        key,
                        Printable.plain(place(key)) + " means nothing; "
                                + EditDistance.nearest(key, known)
                                        .map(near -> "perhaps " + near + " is meant")
                                        .orElseGet(() -> "there are " + String.join(", ", known)));
            }
        }
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
}
