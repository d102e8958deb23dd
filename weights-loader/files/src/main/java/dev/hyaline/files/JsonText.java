package dev.hyaline.files;

import java.io.ByteArrayOutputStream;
import java.util.function.Consumer;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.PrettyPrinter;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.util.DefaultIndenter;
import tools.jackson.core.util.DefaultPrettyPrinter;

/** JSON text, the same bytes on every system. */
public final class JsonText {
    private static final JsonFactory FACTORY = new JsonFactory();

    private static final ObjectWriteContext INDENTED = new ObjectWriteContext.Base() {
        @Override
        public PrettyPrinter getPrettyPrinter() {
            return indentation();
        }

        @Override
        public boolean hasPrettyPrinter() {
            return true;
        }
    };

    private JsonText() {}

    /** Writes JSON in UTF-8, without blanks or line feeds. */
    public static byte[] compact(Consumer<JsonGenerator> content) {
        return write(ObjectWriteContext.empty(), content).toByteArray();
    }

    /** Writes JSON in UTF-8, indented, with a line feed at the end. */
    public static byte[] indented(Consumer<JsonGenerator> content) {
        ByteArrayOutputStream bytes = write(INDENTED, content);
        bytes.write('\n');
        return bytes.toByteArray();
    }

    private static ByteArrayOutputStream write(ObjectWriteContext context, Consumer<JsonGenerator> content) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (JsonGenerator json = FACTORY.createGenerator(context, bytes)) {
            content.accept(json);
        }
        return bytes;
    }

    /** An indentation of two spaces and a line feed on every system. */
    public static PrettyPrinter indentation() {
        return new DefaultPrettyPrinter().withObjectIndenter(new DefaultIndenter("  ", "\n"));
    }
}
