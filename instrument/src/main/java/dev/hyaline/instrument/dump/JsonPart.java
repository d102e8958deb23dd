package dev.hyaline.instrument.dump;

import dev.hyaline.files.Printable;
import dev.hyaline.instrument.FileException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A value in a JSON file of a dump, which may be a stranger's: every complaint names the file and the key. */
record JsonPart(Path file, String key, JsonNode node) {
    private static final long MAX_LENGTH = 1L << 30;
    private static final JsonMapper STRICT = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    static JsonPart read(Path file) {
        try {
            if (Files.size(file) > MAX_LENGTH) {
                throw FileException.corrupt(file, "at most " + MAX_LENGTH + " bytes", Files.size(file) + " bytes");
            }
            return parse(file, "", Files.readAllBytes(file));
        } catch (IOException e) {
            throw FileException.reading(file, e);
        }
    }

    /**
     * Reads one value.
     *
     * @param key what it is called in errors
     */
    static JsonPart parse(Path file, String key, byte[] json) {
        try {
            return new JsonPart(file, key, STRICT.readTree(new String(json, StandardCharsets.UTF_8)));
        } catch (JacksonException e) {
            throw FileException.corrupt(file, key + "valid JSON", Printable.parserMessage(e.getMessage()));
        }
    }

    JsonPart get(String name) {
        JsonNode value = node.get(name);
        if (value == null) {
            throw FileException.corrupt(file, "a key " + path(name), "none");
        }
        return new JsonPart(file, path(name), value);
    }

    List<JsonPart> elements(String name) {
        JsonPart array = get(name);
        if (!array.node.isArray()) {
            throw array.expected("an array");
        }
        List<JsonPart> elements = new ArrayList<>();
        for (JsonNode element : array.node) {
            elements.add(new JsonPart(file, array.key + "[" + elements.size() + "]", element));
        }
        return elements;
    }

    String text(String name) {
        JsonPart text = get(name);
        if (!text.node.isString()) {
            throw text.expected("a string");
        }
        return text.node.asString();
    }

    long number(String name, long least) {
        return get(name).number(least);
    }

    /** This whole number. */
    long number(long least) {
        if (!node.isIntegralNumber() || !node.canConvertToLong() || node.asLong() < least) {
            throw expected("a whole number of at least " + least);
        }
        return node.asLong();
    }

    FileException expected(String what) {
        return FileException.corrupt(file, key + " to be " + what, Printable.plain(node.toString()));
    }

    private String path(String name) {
        return key.isEmpty() ? name : key + "." + name;
    }
}
