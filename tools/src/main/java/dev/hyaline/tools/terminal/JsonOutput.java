package dev.hyaline.tools.terminal;

import java.util.function.Consumer;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.StreamWriteFeature;
import tools.jackson.core.json.JsonFactory;

/**
 * The output of {@code --json}: one object and a line end. It is written token by token, because loading a data binding
 * takes longer than running a dump.
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

    /** Writes a number, or null if it is not finite. */
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
