package dev.hyaline.explorer.data;

import dev.hyaline.engine.error.BadShapeException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.function.Consumer;
import tools.jackson.core.JsonGenerator;

/**
 * Names and values of a view's data, in order: text, numbers, lists, objects, and arrays of numbers, whose bits arrive
 * in the page as they are here. Immutable, but arrays are not copied: change none after it was given.
 */
public final class DataObject {
    /** A value, which is written when the places of all arrays before it are known. */
    @FunctionalInterface
    private interface Value {
        void write(JsonGenerator json, DataLayout layout);
    }

    private static final DataObject EMPTY = new DataObject(new LinkedHashMap<>());

    private final SequencedMap<String, Value> values;

    private DataObject(SequencedMap<String, Value> values) {
        this.values = values;
    }

    /** An object without values. */
    public static DataObject empty() {
        return EMPTY;
    }

    private DataObject with(String name, Value value) {
        SequencedMap<String, Value> more = new LinkedHashMap<>(values);
        more.put(name, value);
        return new DataObject(more);
    }

    public DataObject with(String name, String text) {
        return with(name, (json, layout) -> json.writeString(text));
    }

    public DataObject with(String name, long number) {
        return with(name, (json, layout) -> json.writeNumber(number));
    }

    /** The same object with a number; what is not finite is null in the page. */
    public DataObject with(String name, double number) {
        return with(name, (json, layout) -> {
            if (Double.isFinite(number)) {
                json.writeNumber(number);
            } else {
                json.writeNull();
            }
        });
    }

    public DataObject with(String name, boolean flag) {
        return with(name, (json, layout) -> json.writeBoolean(flag));
    }

    public DataObject with(String name, DataObject object) {
        return with(name, object::write);
    }

    /** The same object with a list of texts. */
    public DataObject withTexts(String name, List<String> texts) {
        List<String> copy = List.copyOf(texts);
        return with(name, (json, layout) -> list(json, copy, json::writeString));
    }

    /** The same object with a list of objects. */
    public DataObject withObjects(String name, List<DataObject> objects) {
        List<DataObject> copy = List.copyOf(objects);
        return with(name, (json, layout) -> list(json, copy, object -> object.write(json, layout)));
    }

    /** The same object with a list of tokens. */
    public DataObject withTokens(String name, List<ViewToken> tokens) {
        List<ViewToken> copy = List.copyOf(tokens);
        return with(name, (json, layout) -> list(json, copy, token -> write(json, token)));
    }

    /**
     * The same object with an array of 32-bit floats.
     *
     * @throws BadShapeException if the shape is of more or fewer values
     */
    public DataObject with(String name, float[] array, int... shape) {
        return with(name, DataArray.of(array), shape);
    }

    /**
     * The same object with an array of 64-bit floats.
     *
     * @throws BadShapeException if the shape is of more or fewer values
     */
    public DataObject with(String name, double[] array, int... shape) {
        return with(name, DataArray.of(array), shape);
    }

    /**
     * The same object with an array of whole numbers.
     *
     * @throws BadShapeException if the shape is of more or fewer values
     */
    public DataObject with(String name, int[] array, int... shape) {
        return with(name, DataArray.of(array), shape);
    }

    /**
     * The same object with an array of unsigned 16-bit numbers.
     *
     * @throws BadShapeException if the shape is of more or fewer values
     */
    public DataObject with(String name, short[] array, int... shape) {
        return with(name, DataArray.of(array), shape);
    }

    /**
     * The same object with an array of unsigned bytes, for pictures alone.
     *
     * @throws BadShapeException if the shape is of more or fewer values
     */
    public DataObject with(String name, byte[] array, int... shape) {
        return with(name, DataArray.of(array), shape);
    }

    private DataObject with(String name, DataArray array, int... shape) {
        long values = 1;
        for (int size : shape) {
            values = Math.multiplyExact(values, size);
        }
        if (values != array.length()) {
            throw new BadShapeException("the array " + name, values + " values", String.valueOf(array.length()));
        }
        int[] sizes = shape.clone();
        return with(name, (json, layout) -> {
            json.writeStartObject();
            json.writeStringProperty("dtype", array.dtype());
            json.writeArrayPropertyStart("shape");
            for (int size : sizes) {
                json.writeNumber(size);
            }
            json.writeEndArray();
            json.writeNumberProperty("offset", layout.place(array));
            json.writeEndObject();
        });
    }

    void write(JsonGenerator json, DataLayout layout) {
        json.writeStartObject();
        for (Map.Entry<String, Value> value : values.entrySet()) {
            json.writeName(value.getKey());
            value.getValue().write(json, layout);
        }
        json.writeEndObject();
    }

    static void write(JsonGenerator json, ViewToken token) {
        json.writeStartObject();
        json.writeNumberProperty("id", token.id());
        json.writeStringProperty("text", token.text());
        if (!token.bytes().isEmpty()) {
            json.writeArrayPropertyStart("bytes");
            token.bytes().forEach(json::writeNumber);
            json.writeEndArray();
        }
        json.writeEndObject();
    }

    private static <T> void list(JsonGenerator json, List<T> items, Consumer<T> item) {
        json.writeStartArray();
        items.forEach(item);
        json.writeEndArray();
    }

    @Override
    public String toString() {
        return values.keySet().toString();
    }
}
