package dev.hyaline.files;

import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A value of a JSON file that another file has otherwise.
 *
 * @param path the keys and indices that lead to it, such as {@code model.config.n_layer}
 * @param was its JSON, {@code absent} if there is none
 * @param now the JSON of the other
 */
public record JsonDifference(String path, String was, String now) {
    private static final String ABSENT = "absent";

    /** The first value of an object that was recorded otherwise than it is wanted; more may be recorded. */
    public static Optional<JsonDifference> find(Json recorded, Json wanted) {
        return find("", recorded, wanted, path -> false);
    }

    /**
     * The first value of which two objects differ, those included that only one has.
     *
     * @param ignored the paths that are not compared
     */
    public static Optional<JsonDifference> between(Json was, Json now, Predicate<String> ignored) {
        return find("", was, now, ignored)
                .or(() -> find("", now, was, ignored)
                        .map(other -> new JsonDifference(other.path, /* was= */ other.now, /* now= */ other.was)));
    }

    private static Optional<JsonDifference> find(
            String path, @Nullable Json recorded, Json wanted, Predicate<String> ignored) {
        if (ignored.test(path)) {
            return Optional.empty();
        }
        if (recorded != null && recorded.isObject() && wanted.isObject()) {
            for (String name : wanted.names()) {
                Optional<JsonDifference> found = find(
                        path.isEmpty() ? name : path + "." + name,
                        recorded.get(name).orElse(null),
                        wanted.require(name),
                        ignored);
                if (found.isPresent()) {
                    return found;
                }
            }
            return Optional.empty();
        }
        if (recorded != null && recorded.isArray() && wanted.isArray()) {
            List<Json> before = recorded.elements();
            List<Json> now = wanted.elements();
            if (before.size() == now.size()) {
                for (int i = 0; i < now.size(); i++) {
                    Optional<JsonDifference> found = find(path + "[" + i + "]", before.get(i), now.get(i), ignored);
                    if (found.isPresent()) {
                        return found;
                    }
                }
                return Optional.empty();
            }
        }
        String was = recorded == null ? ABSENT : recorded.toString();
        return was.equals(wanted.toString())
                ? Optional.empty()
                : Optional.of(new JsonDifference(path, was, wanted.toString()));
    }

    @Override
    public String toString() {
        return path + " was " + Printable.plain(was) + " and is now " + Printable.plain(now);
    }
}
