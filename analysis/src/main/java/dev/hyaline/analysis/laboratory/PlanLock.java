package dev.hyaline.analysis.laboratory;

import dev.hyaline.files.Digests;
import dev.hyaline.files.Json;
import dev.hyaline.files.JsonText;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * What was fixed before any prompt of a study but the pilot's was run: the SHA-256 of the model, the tokenizer, the
 * prompts, the hypothesis, the alternatives and the design, and the program.
 *
 * @param of digests by what they are of
 */
public record PlanLock(Map<String, String> of) {
    static final String FORMAT = "hyaline-plan-lock/1";

    public PlanLock {
        of = Collections.unmodifiableMap(new TreeMap<>(of));
    }

    static PlanLock read(Json json) {
        return new PlanLock(digests(json));
    }

    static Map<String, String> digests(Json json) {
        Map<String, String> digests = new TreeMap<>();
        Json of = json.require("of");
        of.names().forEach(name -> digests.put(name, of.require(name).string()));
        return digests;
    }

    /** The file. */
    byte[] toJson() {
        return lock(FORMAT, of);
    }

    static byte[] lock(String format, Map<String, String> of) {
        return JsonText.indented(json -> {
            json.writeStartObject();
            json.writeStringProperty("format", format);
            json.writeObjectPropertyStart("of");
            of.forEach(json::writeStringProperty);
            json.writeEndObject();
            json.writeEndObject();
        });
    }

    /** The digest of the lock itself. */
    public String sha256() {
        return Digests.sha256(toJson());
    }
}
