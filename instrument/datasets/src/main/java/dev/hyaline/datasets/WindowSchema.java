package dev.hyaline.datasets;

import com.google.flatbuffers.FlatBufferBuilder;
import dev.hyaline.files.JsonText;
import java.nio.charset.StandardCharsets;
import org.apache.arrow.flatbuf.Endianness;
import org.apache.arrow.flatbuf.Field;
import org.apache.arrow.flatbuf.FixedSizeList;
import org.apache.arrow.flatbuf.FloatingPoint;
import org.apache.arrow.flatbuf.Int;
import org.apache.arrow.flatbuf.KeyValue;
import org.apache.arrow.flatbuf.List;
import org.apache.arrow.flatbuf.Precision;
import org.apache.arrow.flatbuf.Schema;
import org.apache.arrow.flatbuf.Type;
import tools.jackson.core.JsonGenerator;

/**
 * The columns of windows of activations: the values {@code [context, width]} under the name of their site, and
 * {@code token_ids}. As {@code datasets} has them, the values are lists of lists with an extension type.
 *
 * @param context tokens of a window
 * @param width values a token
 * @param half whether values are 16-bit floats, else they are 32-bit ones
 */
record WindowSchema(String site, int context, int width, boolean half) {
    static final String TOKENS = "token_ids";

    private static final String ARRAY_2D = "datasets.features.features.Array2DExtensionType";

    String type() {
        return half ? "float16" : "float32";
    }

    int bytesPerValue() {
        return half ? Short.BYTES : Float.BYTES;
    }

    /** Writes the features as an object of JSON. */
    void features(JsonGenerator json) {
        json.writeStartObject();
        json.writeObjectPropertyStart(site);
        json.writeArrayPropertyStart("shape");
        json.writeNumber(context);
        json.writeNumber(width);
        json.writeEndArray();
        json.writeStringProperty("dtype", type());
        json.writeStringProperty("_type", "Array2D");
        json.writeEndObject();
        json.writeObjectPropertyStart(TOKENS);
        json.writeObjectPropertyStart("feature");
        json.writeStringProperty("dtype", "int32");
        json.writeStringProperty("_type", "Value");
        json.writeEndObject();
        json.writeNumberProperty("length", context);
        // Older versions of the library know no other name of it, and newer ones know this, too.
        json.writeStringProperty("_type", "Sequence");
        json.writeEndObject();
        json.writeEndObject();
    }

    /** Adds the schema to a message. */
    int write(FlatBufferBuilder to) {
        int item = field(
                to,
                "item",
                Type.FloatingPoint,
                FloatingPoint.createFloatingPoint(to, half ? Precision.HALF : Precision.SINGLE),
                new int[0],
                0);
        int inner = field(to, "item", Type.List, list(to), new int[] {item}, 0);
        int metadata = Field.createCustomMetadataVector(to, new int[] {
            pair(to, "ARROW:extension:metadata", "[[" + context + ", " + width + "], \"" + type() + "\"]"),
            pair(to, "ARROW:extension:name", ARRAY_2D)
        });
        int values = field(to, site, Type.List, list(to), new int[] {inner}, metadata);
        int token = field(to, "item", Type.Int, Int.createInt(to, Integer.SIZE, true), new int[0], 0);
        int tokens = field(
                to, TOKENS, Type.FixedSizeList, FixedSizeList.createFixedSizeList(to, context), new int[] {token}, 0);
        int fields = Schema.createFieldsVector(to, new int[] {values, tokens});
        byte[] info = JsonText.compact(json -> {
            json.writeStartObject();
            json.writeObjectPropertyStart("info");
            json.writeName("features");
            features(json);
            json.writeEndObject();
            json.writeEndObject();
        });
        int huggingface = Schema.createCustomMetadataVector(to, new int[] {
            pair(to, "huggingface", new String(info, StandardCharsets.UTF_8))
        });
        Schema.startSchema(to);
        Schema.addEndianness(to, Endianness.Little);
        Schema.addFields(to, fields);
        Schema.addCustomMetadata(to, huggingface);
        return Schema.endSchema(to);
    }

    private static int list(FlatBufferBuilder to) {
        List.startList(to);
        return List.endList(to);
    }

    private static int pair(FlatBufferBuilder to, String key, String value) {
        return KeyValue.createKeyValue(to, to.createString(key), to.createString(value));
    }

    private static int field(FlatBufferBuilder to, String name, byte kind, int type, int[] children, int metadata) {
        int nameAt = to.createString(name);
        int childrenAt = Field.createChildrenVector(to, children);
        Field.startField(to);
        Field.addName(to, nameAt);
        Field.addNullable(to, true);
        Field.addTypeType(to, kind);
        Field.addType(to, type);
        Field.addChildren(to, childrenAt);
        if (metadata != 0) {
            Field.addCustomMetadata(to, metadata);
        }
        return Field.endField(to);
    }
}
