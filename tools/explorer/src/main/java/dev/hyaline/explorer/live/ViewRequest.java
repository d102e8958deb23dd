package dev.hyaline.explorer.live;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import dev.hyaline.files.Printable;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** What a page asks for, read from JSON that anyone may have written. */
record ViewRequest(Json json) {
    private static final Set<String> COMMON = Set.of("view", "prompt", "tokens");

    static ViewRequest parse(byte[] body) {
        return new ViewRequest(Json.readObject(InputErrors.INSTANCE, "the request", body));
    }

    String view() {
        return json.require("view").string();
    }

    /** Refuses names that no view, or not this one, has. */
    void requireOptions(Set<String> known) {
        for (String name : json.names()) {
            if (!COMMON.contains(name) && !known.contains(name)) {
                throw new BadInputException("the view " + view() + " has no option \"" + name + "\"");
            }
        }
    }

    Optional<Json> option(String name) {
        return json.nullable(name);
    }

    boolean flag(String name) {
        return option(name).map(Json::bool).orElse(false);
    }

    int integer(String name, int least, int most, int otherwise) {
        return option(name).map(value -> value.integer(least, most)).orElse(otherwise);
    }

    /** One of some words, the first if the request has none. */
    String choice(String name, List<String> words) {
        String chosen = option(name).map(Json::string).orElse(words.getFirst());
        if (!words.contains(chosen)) {
            throw new BadInputException("\"" + name + "\" is one of " + String.join(", ", words) + "; found '"
                    + Printable.plain(chosen) + "'");
        }
        return chosen;
    }

    /** A list of whole numbers, each below a bound. */
    static int[] integers(Json list, int bound) {
        List<Json> elements = list.elements();
        return elements.stream()
                .mapToInt(element -> element.integer(0, bound - 1))
                .toArray();
    }
}
