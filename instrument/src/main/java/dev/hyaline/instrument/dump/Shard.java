package dev.hyaline.instrument.dump;

import dev.hyaline.files.Json;
import dev.hyaline.files.JsonText;
import java.nio.charset.StandardCharsets;
import tools.jackson.core.JsonGenerator;

/**
 * A complete shard, as journal and manifest list it.
 *
 * @param sha256 of the file, in hexadecimal
 * @param overflowed finite values that became infinite because the type has none so large
 */
record Shard(String file, long rows, long bytes, String sha256, long overflowed) {
    /** Reads what {@link #write} writes. */
    static Shard of(Json json) {
        return new Shard(
                json.require("file").string(),
                json.require("rows").whole(1),
                json.require("bytes").whole(1),
                json.require("sha256").string(),
                json.require("overflowed_values").whole(0));
    }

    /** As a line of the journal, without its end. */
    String json() {
        return new String(JsonText.compact(this::write), StandardCharsets.UTF_8);
    }

    void write(JsonGenerator json) {
        json.writeStartObject();
        json.writeStringProperty("file", file);
        json.writeNumberProperty("rows", rows);
        json.writeNumberProperty("bytes", bytes);
        json.writeStringProperty("sha256", sha256);
        json.writeNumberProperty("overflowed_values", overflowed);
        json.writeEndObject();
    }
}
