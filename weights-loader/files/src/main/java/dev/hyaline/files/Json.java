package dev.hyaline.files;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.hyaline.engine.error.HyalineException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;

/**
 * A value in a JSON file, which may be untrusted. It knows its file and its key, so that every error names both.
 *
 * <p>Duplicate keys, deep nesting, endless numbers, bytes that are not UTF-8 and anything after the value are refused.
 * {@code NaN} and {@code Infinity} are accepted, because Python writes them; {@link #number} then refuses them by key.
 */
public final class Json {
    private static final Pattern PLACE = Pattern.compile("line \\d+, column \\d+$");

    private static final String BYTE_ORDER_MARK = "\uFEFF";
    private static final int MAX_DEPTH = 32;
    private static final int MAX_NUMBER_LENGTH = 100;
    private static final int MAX_NAME_LENGTH = 1 << 16;
    private static final int MAX_STRING_LENGTH = 1 << 26;

    // Only Jackson's parser is used: setting up its object mapper takes longer than reading a checkpoint.
    private static final JsonFactory FACTORY = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH)
                    .maxNumberLength(MAX_NUMBER_LENGTH)
                    .maxNameLength(MAX_NAME_LENGTH)
                    .maxStringLength(MAX_STRING_LENGTH)
                    .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            // Names may be untrusted: they are not kept after a file is read.
            .disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES)
            .build();

    private final FileErrors errors;
    private final String file;
    private final String path;

    /** Null in a file that people do not write: errors name no line of it. */
    private final @Nullable JsonPlace place;

    /** A map, list, string, number, boolean or null. */
    private final @Nullable Object value;

    private Json(FileErrors errors, String file, String path, @Nullable JsonPlace place, @Nullable Object value) {
        this.errors = errors;
        this.file = file;
        this.path = path;
        this.place = place;
        this.value = value;
    }

    /**
     * Reads JSON whose value is an object.
     *
     * @param label its name in errors
     */
    public static Json readObject(FileErrors errors, String label, byte[] content) {
        return requireObject(read(errors, label, content, "a JSON object", /* lines= */ false));
    }

    /**
     * Reads an object that people write: errors name the line as well, and a byte order mark is passed over.
     *
     * @param label its name in errors
     */
    public static Json readWrittenObject(FileErrors errors, String label, byte[] content) {
        return requireObject(read(errors, label, content, "a JSON object", /* lines= */ true));
    }

    private static Json requireObject(Json json) {
        if (!json.isObject()) {
            throw json.expected("a JSON object");
        }
        return json;
    }

    /**
     * Reads JSON.
     *
     * @param label its name in errors
     */
    public static Json read(FileErrors errors, String label, byte[] content) {
        return read(errors, label, content, "JSON", /* lines= */ false);
    }

    private static Json read(FileErrors errors, String label, byte[] content, String expected, boolean lines) {
        String decoded = Utf8.strict(errors, label, content);
        String text = lines && decoded.startsWith(BYTE_ORDER_MARK) ? decoded.substring(1) : decoded;
        try (JsonParser parser = parser(text)) {
            if (parser.nextToken() == null) {
                throw errors.file(label, expected, "nothing");
            }
            Json json = new Json(errors, label, "", lines ? new JsonPlace(text, List.of()) : null, read(parser));
            requireEnd(errors, label, parser);
            return json;
        } catch (JacksonException e) {
            throw malformed(errors, label, e);
        }
    }

    /** A factory of streaming parsers with the same rules, except that they do not check what follows the value. */
    public static JsonFactory factory() {
        return FACTORY;
    }

    /** A streaming parser with the same rules, for a header too large to hold as a tree. */
    static JsonParser parser(String text) {
        return FACTORY.createParser(ObjectReadContext.empty(), text);
    }

    static void requireEnd(FileErrors errors, String label, JsonParser parser) {
        if (parser.nextToken() != null) {
            throw errors.file(label, "nothing after the JSON object", shown(parser));
        }
    }

    static HyalineException malformed(FileErrors errors, String label, JacksonException e) {
        // The place is in the parser's own message only for some sources.
        String message = JsonFault.inWords(e);
        TokenStreamLocation at = e.getLocation();
        String place =
                at == null || at.getLineNr() < 1 || PLACE.matcher(message).find()
                        ? ""
                        : " at line " + at.getLineNr() + ", column " + at.getColumnNr();
        return errors.file(label, "valid JSON", message + place, e);
    }

    /** The parser's current token, for an error. */
    static String shown(JsonParser parser) {
        return switch (parser.currentToken()) {
            case null -> "nothing";
            case START_OBJECT -> "an object";
            case START_ARRAY -> "an array";
            case VALUE_STRING -> Printable.quoted(parser.getString());
            default -> Printable.plain(parser.getString());
        };
    }

    private static @Nullable Object read(JsonParser parser) {
        return switch (parser.currentToken()) {
            case START_OBJECT -> {
                Map<String, Object> fields = new LinkedHashMap<>();
                while (parser.nextToken() != JsonToken.END_OBJECT) {
                    String key = parser.currentName();
                    parser.nextToken();
                    fields.put(key, read(parser));
                }
                yield fields;
            }
            case START_ARRAY -> {
                List<Object> elements = new ArrayList<>();
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    elements.add(read(parser));
                }
                yield elements;
            }
            case VALUE_STRING -> parser.getString();
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            case VALUE_NULL -> null;
            default -> parser.getNumberValue();
        };
    }

    /** The name of its file in errors. */
    public String file() {
        return file;
    }

    /** The name of its file in errors and, where people write the file, its line. */
    public String where() {
        return place == null ? file : file + ", line " + place.line();
    }

    /** The keys and indices that lead to it, such as {@code claims[2].name}; empty for the whole. */
    public String path() {
        return path;
    }

    /** The keys of this object; none if it is something else. */
    public List<String> names() {
        return value instanceof Map<?, ?> fields
                ? fields.keySet().stream().map(String.class::cast).toList()
                : List.of();
    }

    /** The value of a key of this object; empty when the key is absent. */
    public Optional<Json> get(String key) {
        return value instanceof Map<?, ?> fields && fields.containsKey(key)
                ? Optional.of(new Json(errors, file, child(key), place(key), fields.get(key)))
                : Optional.empty();
    }

    /** The value of a key of this object; empty when the key is absent or its value is null. */
    public Optional<Json> nullable(String key) {
        return get(key).filter(json -> json.value != null);
    }

    /** The value of a key that this object must have. */
    public Json require(String key) {
        return get(key).orElseThrow(() -> errors.file(where(), "a key " + child(key), "none"));
    }

    /** Calls the visitor with each key and value of this, which must be an object. */
    public void forEachField(BiConsumer<String, Json> visitor) {
        if (!(value instanceof Map<?, ?> fields)) {
            throw expected("an object");
        }
        fields.forEach((key, field) -> visitor.accept(
                (String) key,
                new Json(errors, file, child(Printable.quoted((String) key)), place((String) key), field)));
    }

    /** Writes this as the value of a key. */
    public void write(String key, JsonGenerator json) {
        json.writeName(key);
        write(value, json);
    }

    /** The elements of this, which must be an array. */
    public List<Json> elements() {
        if (!(value instanceof List<?> list)) {
            throw expected("an array");
        }
        List<Json> elements = new ArrayList<>(list.size());
        for (Object element : list) {
            int index = elements.size();
            elements.add(new Json(errors, file, path + "[" + index + "]", place(index), element));
        }
        return elements;
    }

    public boolean isObject() {
        return value instanceof Map<?, ?>;
    }

    public boolean isArray() {
        return value instanceof List<?>;
    }

    public boolean isString() {
        return value instanceof String;
    }

    public boolean isBoolean() {
        return value instanceof Boolean;
    }

    public boolean isNumber() {
        return value instanceof Number;
    }

    /** Returns whether this is a whole number, written as one, of any size. */
    public boolean isWhole() {
        return value instanceof Integer || value instanceof Long || value instanceof BigInteger;
    }

    /** Returns whether this is a whole number between two bounds, inclusive. */
    public boolean isWhole(long least, long most) {
        return (value instanceof Integer || value instanceof Long)
                && ((Number) value).longValue() >= least
                && ((Number) value).longValue() <= most;
    }

    public boolean isNull() {
        return value == null;
    }

    /** The value of this string, which must be well-formed Unicode. */
    public String string() {
        if (!(value instanceof String text)) {
            throw expected("a string");
        }
        // In keys the parser itself refuses halves of surrogate pairs.
        if (Utf8.loneSurrogate(text) >= 0) {
            throw expected("well-formed Unicode");
        }
        return text;
    }

    public boolean bool() {
        if (!(value instanceof Boolean bool)) {
            throw expected("true or false");
        }
        return bool;
    }

    /** The value of this whole number, written as one, between two bounds, inclusive. */
    public int integer(int least, int most) {
        if (!(value instanceof Integer number) || number < least || number > most) {
            throw expected("an integer from " + least + " to " + most);
        }
        return number;
    }

    /** The value of this whole number, written as one, which must be at least {@code least}. */
    public long whole(long least) {
        if (!isWhole(least, Long.MAX_VALUE)) {
            throw expected("a whole number of at least " + least);
        }
        return ((Number) Objects.requireNonNull(value)).longValue();
    }

    /** The value of this number, which must be finite. */
    public double number() {
        if (!(value instanceof Number number) || !Double.isFinite(number.doubleValue())) {
            throw expected("a finite number");
        }
        return number.doubleValue();
    }

    /** The exception that this is not as expected, such as {@code "an integer"}. */
    public HyalineException expected(String what) {
        return expected(what, shown());
    }

    /** The same, with what was found in words, where its kind alone says too little. */
    public HyalineException expected(String what, String found) {
        return errors.file(where(), path.isEmpty() ? what : path + " to be " + what, found);
    }

    private @Nullable JsonPlace place(Object step) {
        return place == null ? null : place.child(step);
    }

    private String child(String key) {
        return path.isEmpty() ? key : path + "." + key;
    }

    private String shown() {
        return switch (value) {
            case Map<?, ?> fields -> "an object";
            case List<?> elements -> "an array";
            case String text -> Printable.quoted(text);
            case null -> "null";
            case Double number -> decimal(number);
            default -> Printable.plain(value.toString());
        };
    }

    /** As a reader would write it, but never so that it looks like an integer. */
    private static String decimal(double number) {
        String text = Printable.number(number);
        return text.matches("-?\\d+") ? text + ".0" : text;
    }

    /** The value as JSON, without blanks. */
    @Override
    public String toString() {
        return new String(JsonText.compact(json -> write(value, json)), UTF_8);
    }

    private static void write(@Nullable Object value, JsonGenerator json) {
        switch (value) {
            case Map<?, ?> fields -> {
                json.writeStartObject();
                fields.forEach((key, field) -> {
                    json.writeName((String) key);
                    write(field, json);
                });
                json.writeEndObject();
            }
            case List<?> elements -> {
                json.writeStartArray();
                elements.forEach(element -> write(element, json));
                json.writeEndArray();
            }
            case String text -> json.writeString(text);
            case Boolean flag -> json.writeBoolean(flag);
            case null -> json.writeNull();
            default -> json.writeNumber(value.toString());
        }
    }
}
