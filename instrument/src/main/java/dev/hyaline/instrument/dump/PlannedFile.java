package dev.hyaline.instrument.dump;

import dev.hyaline.files.Json;
import tools.jackson.core.JsonGenerator;

/**
 * An input file of a plan.
 *
 * @param bytes its size
 * @param sha256 of the file, in hexadecimal
 */
record PlannedFile(String name, long bytes, String sha256) {
    static PlannedFile of(Json json) {
        PlanJson.requireKeys(json, "name", "bytes", "sha256");
        return new PlannedFile(
                json.require("name").string(), json.require("bytes").whole(0), PlanJson.sha256(json.require("sha256")));
    }

    void write(JsonGenerator json) {
        json.writeStartObject();
        json.writeStringProperty("name", name);
        json.writeNumberProperty("bytes", bytes);
        json.writeStringProperty("sha256", sha256);
        json.writeEndObject();
    }
}
