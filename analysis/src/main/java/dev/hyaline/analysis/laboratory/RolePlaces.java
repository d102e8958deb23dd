package dev.hyaline.analysis.laboratory;

import dev.hyaline.files.FileInput;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Where an investigation's file names a role. */
final class RolePlaces {
    private static final int MAX_BYTES = 1 << 24;
    private final Json root;

    RolePlaces(Path file) {
        try (FileInput input = FileInput.open(file, InputErrors.INSTANCE)) {
            root = Json.readWrittenObject(InputErrors.INSTANCE, input.label(), input.readAll(MAX_BYTES));
        }
    }

    /** A fault of the role that a key of a section names. */
    String inSection(String section, String key, String role, String fault) {
        Json value = root.require(section).require(key);
        return fault(find(value, role).orElse(value), fault);
    }

    /** A fault of a role that a claim names. */
    String inClaim(int claim, String role, String fault) {
        Json within = root.require("claims").elements().get(claim);
        Json place = within.names().stream()
                .filter(key -> !key.equals("name"))
                .flatMap(key -> find(within.require(key), role).stream())
                .findFirst()
                .orElse(within);
        return fault(place, fault);
    }

    private static String fault(Json place, String fault) {
        return place.where() + ": " + place.path() + ": " + fault;
    }

    /** The value that is the role, or a component at it. */
    private static Optional<Json> find(Json value, String role) {
        List<Json> values = value.isArray() ? value.elements() : List.of(value);
        return values.stream()
                .flatMap(item -> item.isArray() ? find(item, role).stream() : Stream.of(item))
                .filter(Json::isString)
                .filter(item -> item.string().equals(role) || item.string().endsWith("@" + role))
                .findFirst();
    }
}
