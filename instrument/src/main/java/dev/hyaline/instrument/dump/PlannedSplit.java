package dev.hyaline.instrument.dump;

import dev.hyaline.files.Json;
import tools.jackson.core.JsonGenerator;

/**
 * Whole lines of an input file of a plan, where a part can begin to read.
 *
 * @param file index of the file
 * @param offset of the first byte in the file's text
 * @param bytes of the lines
 * @param sha256 of the lines, in hexadecimal
 * @param lines of the file before these
 * @param before counts of all that comes before, in this file and those before it
 */
record PlannedSplit(int file, long offset, int bytes, String sha256, long lines, CorpusCounts before) {
    static PlannedSplit of(Json json) {
        PlanJson.requireKeys(json, "file", "offset", "bytes", "sha256", "lines", "documents", "tokens", "candidates");
        return new PlannedSplit(
                json.require("file").integer(0, Integer.MAX_VALUE),
                json.require("offset").whole(0),
                json.require("bytes").integer(1, Integer.MAX_VALUE),
                PlanJson.sha256(json.require("sha256")),
                json.require("lines").whole(0),
                PlanJson.counts(json));
    }

    void write(JsonGenerator json) {
        json.writeStartObject();
        json.writeNumberProperty("file", file);
        json.writeNumberProperty("offset", offset);
        json.writeNumberProperty("bytes", bytes);
        json.writeStringProperty("sha256", sha256);
        json.writeNumberProperty("lines", lines);
        PlanJson.write(before, json);
        json.writeEndObject();
    }
}
