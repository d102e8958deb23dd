package dev.hyaline.instrument.dump;

import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * A complete shard, as journal and manifest list it.
 *
 * @param sha256 of the file, in hexadecimal
 * @param overflowed finite values that became infinite because the type has none so large
 */
record Shard(String file, long rows, long bytes, String sha256, long overflowed) {
    /** Reads what {@link #json} wrote. */
    static Shard of(JsonPart json) {
        return new Shard(
                json.text("file"),
                json.number("rows", 1),
                json.number("bytes", 1),
                json.text("sha256"),
                json.number("overflowed_values", 0));
    }

    ObjectNode json() {
        return JsonNodeFactory.instance
                .objectNode()
                .put("file", file)
                .put("rows", rows)
                .put("bytes", bytes)
                .put("sha256", sha256)
                .put("overflowed_values", overflowed);
    }
}
