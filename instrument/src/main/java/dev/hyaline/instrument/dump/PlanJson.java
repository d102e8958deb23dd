package dev.hyaline.instrument.dump;

import dev.hyaline.files.Json;
import dev.hyaline.files.Printable;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import tools.jackson.core.JsonGenerator;

/** What the JSON of a plan and of its parts has in common. */
final class PlanJson {
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

    private PlanJson() {}

    /** Checks that an object has these keys, in this order, and no others. */
    static void requireKeys(Json json, String... keys) {
        if (!json.names().equals(List.of(keys))) {
            throw json.expected(
                    "an object with exactly the keys " + String.join(", ", keys),
                    json.names().isEmpty()
                            ? "none"
                            : json.names().stream().map(Printable::plain).collect(Collectors.joining(", ")));
        }
    }

    static String sha256(Json json) {
        if (!SHA256.matcher(json.string()).matches()) {
            throw json.expected("a SHA-256 of 64 hexadecimal digits");
        }
        return json.string();
    }

    static CorpusCounts counts(Json json) {
        return new CorpusCounts(
                json.require("documents").whole(0),
                json.require("tokens").whole(0),
                json.require("candidates").whole(0));
    }

    static void write(CorpusCounts counts, JsonGenerator json) {
        json.writeNumberProperty("documents", counts.documents());
        json.writeNumberProperty("tokens", counts.tokens());
        json.writeNumberProperty("candidates", counts.candidates());
    }
}
