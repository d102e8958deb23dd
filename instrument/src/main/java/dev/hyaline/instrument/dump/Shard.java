package dev.hyaline.instrument.dump;

import dev.hyaline.files.Json;
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
    static Shard of(Json json) {
        return new Shard(
                json.require("file").string(),
                json.require("rows").whole(1),
                json.require("bytes").whole(1),
                json.require("sha256").string(),
                json.require("overflowed_values").whole(0));
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
