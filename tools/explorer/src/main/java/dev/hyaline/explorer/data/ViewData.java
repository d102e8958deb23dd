package dev.hyaline.explorer.data;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.JsonText;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.regex.Pattern;

/**
 * What a view shows. Its bytes are the length of a JSON header, 32 bits; the header in UTF-8; zeros up to a multiple of
 * 8; and the arrays that the header names by type, shape and offset. All numbers are little-endian.
 *
 * @param view the name of the module that draws it: {@code heads}
 */
public record ViewData(String view, ViewHeading heading, DataObject data) {
    /** The name of the format in the header. */
    public static final String FORMAT = "hyaline-view/1";

    /** The media type of the bytes. */
    public static final String MEDIA_TYPE = "application/vnd.hyaline.view";

    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9]*");

    public ViewData {
        if (!NAME.matcher(view).matches()) {
            throw new BadInputException(
                    "the name of a view is small letters and digits, such as heads; found '" + view + "'");
        }
    }

    /** The bytes. */
    public byte[] body() {
        DataLayout layout = new DataLayout();
        byte[] header = JsonText.compact(json -> {
            json.writeStartObject();
            json.writeStringProperty("format", FORMAT);
            json.writeStringProperty("view", view);
            json.writeStringProperty("title", heading.title());
            json.writeStringProperty("model", heading.model());
            json.writeObjectPropertyStart("prompt");
            json.writeStringProperty("text", heading.prompt());
            json.writeArrayPropertyStart("tokens");
            heading.tokens().forEach(token -> DataObject.write(json, token));
            json.writeEndArray();
            json.writeEndObject();
            json.writeStringProperty("basis", heading.basis());
            if (heading.seed() != null) {
                // As text: a page's numbers hold 53 bits.
                json.writeStringProperty("seed", String.valueOf(heading.seed()));
            }
            json.writeStringProperty("command", heading.command());
            json.writeStringProperty("java", heading.java());
            json.writeName("data");
            data.write(json, layout);
            json.writeEndObject();
        });
        int start = DataLayout.aligned(Integer.BYTES + header.length);
        ByteBuffer bytes =
                ByteBuffer.allocate(Math.addExact(start, layout.size())).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(header.length).put(header);
        layout.write(bytes, start);
        return bytes.array();
    }
}
