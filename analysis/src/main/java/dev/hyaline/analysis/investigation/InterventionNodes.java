package dev.hyaline.analysis.investigation;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.json.InterventionJson;
import java.nio.charset.StandardCharsets;

/** Interventions within an investigation's file, as a file of interventions has them. */
final class InterventionNodes {
    private InterventionNodes() {}

    /**
     * Reads one or a list; they come in order.
     *
     * @throws BadInputException if they are none
     */
    static Interventions read(Json node) {
        String format = Json.readObject(
                        InputErrors.INSTANCE,
                        "interventions",
                        InterventionJson.write(Interventions.of()).getBytes(StandardCharsets.UTF_8))
                .require("format")
                .string();
        Interventions edits = InterventionJson.parse("{\"format\": \"" + format
                + "\", \"in_order\": true, \"interventions\": " + (node.isArray() ? node : "[" + node + "]") + "}");
        if (edits.list().isEmpty()) {
            throw new BadInputException("a claim's experiment edits something, found no intervention");
        }
        return edits;
    }

    /** Refuses values from elsewhere. */
    static void requireInline(Json node) {
        if (node.isArray()) {
            node.elements().forEach(InterventionNodes::requireInline);
        }
        for (String key : node.names()) {
            if (key.equals("dump")) {
                throw node.expected("values written out, for a dump may change after the plan is locked");
            }
            requireInline(node.require(key));
        }
    }
}
