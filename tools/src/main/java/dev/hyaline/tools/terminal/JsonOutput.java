package dev.hyaline.tools.terminal;

import java.util.function.Consumer;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.StreamWriteFeature;
import tools.jackson.core.json.JsonFactory;

/**
 * What {@code --json} prints: one object and a line end. Written token by token, since data binding alone takes longer
 * to load than a dump to run.
 */
public final class JsonOutput {
    private JsonOutput() {}

    public static void print(Console console, Consumer<JsonGenerator> properties) {
        JsonFactory factory = JsonFactory.builder()
                .disable(StreamWriteFeature.AUTO_CLOSE_TARGET)
                .build();
        try (JsonGenerator json = factory.createGenerator(ObjectWriteContext.empty(), console.out())) {
            json.writeStartObject();
            properties.accept(json);
            json.writeEndObject();
        }
        console.out().println();
    }

    /** A number, or null where there is none. */
    public static void number(JsonGenerator json, String name, double value) {
        json.writeName(name);
        if (Double.isFinite(value)) {
            json.writeNumber(value);
        } else {
            json.writeNull();
        }
    }

    public static void numbers(JsonGenerator json, String name, int[] values) {
        json.writeName(name);
        json.writeArray(values, 0, values.length);
    }
}
