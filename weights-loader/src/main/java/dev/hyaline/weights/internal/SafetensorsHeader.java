package dev.hyaline.weights.internal;

import dev.hyaline.engine.BadCheckpointException;
import dev.hyaline.engine.Printable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * What the header of a safetensors file says, once all of it has been found true of the file: every tensor has a known
 * type, its bytes are as many as its shape needs, and together the tensors cover the data without overlap, gap or
 * remainder.
 *
 * @param tensors by name, in the header's order
 * @param metadata of the file, such as {@code format}
 * @see <a href="https://github.com/huggingface/safetensors#format">the format</a>
 */
public record SafetensorsHeader(Map<String, StoredTensor> tensors, Map<String, String> metadata) {
    /** Dimensions no real tensor exceeds; keeps a hostile shape small. */
    private static final int MAX_DIMENSIONS = 64;

    /**
     * Reads and checks a header.
     *
     * @param file for errors
     * @param bytes the JSON, spaces after it included
     * @param dataBytes that follow the header in the file
     */
    static SafetensorsHeader parse(String file, byte[] bytes, long dataBytes) {
        String json = Utf8.strict(file, bytes);
        if (!json.startsWith("{")) {
            throw BadCheckpointException.file(
                    file,
                    "a safetensors header that starts with {",
                    Printable.quoted(json.substring(0, Math.min(8, json.length()))));
        }
        try (JsonParser parser = Json.parser(json)) {
            SafetensorsHeader header = new Reader(file, parser, dataBytes).header();
            header.checkCoverage(file, dataBytes);
            return header;
        } catch (JacksonException e) {
            throw Json.malformed(file, e);
        }
    }

    private void checkCoverage(String file, long dataBytes) {
        List<StoredTensor> inOrder = new ArrayList<>(tensors.values());
        inOrder.sort(Comparator.comparingLong(StoredTensor::begin).thenComparingLong(StoredTensor::end));
        long covered = 0;
        String previous = "the header";
        for (StoredTensor tensor : inOrder) {
            if (tensor.begin() != covered) {
                throw BadCheckpointException.tensor(
                        file,
                        Printable.plain(tensor.name()),
                        "data_offsets that begin at " + covered + ", where " + previous + " ends",
                        (tensor.begin() < covered ? "an overlap at " : "a gap up to ") + tensor.begin());
            }
            covered = tensor.end();
            previous = Printable.plain(tensor.name());
        }
        if (covered != dataBytes) {
            throw BadCheckpointException.file(
                    file, covered + " bytes of data, where " + previous + " ends", dataBytes + " bytes");
        }
    }

    /** One pass over the JSON. */
    private static final class Reader {
        private final String file;
        private final JsonParser parser;
        private final long dataBytes;
        private final Map<String, StoredTensor> tensors = new LinkedHashMap<>();
        private final Map<String, String> metadata = new LinkedHashMap<>();

        Reader(String file, JsonParser parser, long dataBytes) {
            this.file = file;
            this.parser = parser;
            this.dataBytes = dataBytes;
        }

        SafetensorsHeader header() {
            parser.nextToken();
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                String name = parser.currentName();
                parser.nextToken();
                if (name.equals("__metadata__")) {
                    readMetadata();
                } else {
                    tensors.put(name, readTensor(name));
                }
            }
            Json.requireEnd(file, parser);
            return new SafetensorsHeader(Collections.unmodifiableMap(tensors), Collections.unmodifiableMap(metadata));
        }

        private void readMetadata() {
            if (parser.currentToken() != JsonToken.START_OBJECT) {
                throw BadCheckpointException.file(file, "__metadata__ to be an object", Json.shown(parser));
            }
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                String key = parser.currentName();
                if (parser.nextToken() != JsonToken.VALUE_STRING) {
                    throw BadCheckpointException.file(
                            file, "__metadata__ " + Printable.quoted(key) + " to be a string", Json.shown(parser));
                }
                metadata.put(key, parser.getString());
            }
        }

        private StoredTensor readTensor(String name) {
            if (parser.currentToken() != JsonToken.START_OBJECT) {
                throw bad(name, "an object with dtype, shape and data_offsets", Json.shown(parser));
            }
            Dtype dtype = null;
            List<Long> shape = null;
            List<Long> offsets = null;
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                String key = parser.currentName();
                parser.nextToken();
                switch (key) {
                    case "dtype" -> dtype = readDtype(name);
                    case "shape" -> shape = readSizes(name, key);
                    case "data_offsets" -> offsets = readSizes(name, key);
                    default -> parser.skipChildren();
                }
            }
            if (dtype == null || shape == null || offsets == null) {
                String missing = dtype == null ? "dtype" : shape == null ? "shape" : "data_offsets";
                throw bad(name, "dtype, shape and data_offsets", "no " + missing);
            }
            if (offsets.size() != 2 || offsets.get(0) > offsets.get(1) || offsets.get(1) > dataBytes) {
                throw bad(
                        name,
                        "data_offsets [begin, end] with begin <= end <= " + dataBytes + ", the bytes after the header",
                        Printable.plain(offsets.toString()));
            }
            StoredTensor tensor = new StoredTensor(name, dtype, shape, offsets.get(0), offsets.get(1));
            checkSize(tensor);
            return tensor;
        }

        private Dtype readDtype(String name) {
            if (parser.currentToken() != JsonToken.VALUE_STRING) {
                throw bad(name, "dtype to be a string", Json.shown(parser));
            }
            String dtype = parser.getString();
            return Dtype.of(dtype).orElseThrow(() -> bad(name, "a known dtype such as F32", Printable.quoted(dtype)));
        }

        private List<Long> readSizes(String name, String key) {
            if (parser.currentToken() != JsonToken.START_ARRAY) {
                throw bad(name, key + " to be an array", Json.shown(parser));
            }
            List<Long> sizes = new ArrayList<>();
            while (parser.nextToken() != JsonToken.END_ARRAY) {
                if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT
                        || parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER
                        || parser.getLongValue() < 0) {
                    throw bad(name, key + " of integers from 0 to 2^63 - 1", Json.shown(parser));
                }
                if (sizes.size() == MAX_DIMENSIONS) {
                    throw bad(name, key + " of at most " + MAX_DIMENSIONS + " integers", "more");
                }
                sizes.add(parser.getLongValue());
            }
            return sizes;
        }

        private void checkSize(StoredTensor tensor) {
            long bits;
            try {
                bits = tensor.dtype().bits();
                for (long size : tensor.shape()) {
                    bits = Math.multiplyExact(bits, size);
                }
            } catch (ArithmeticException e) {
                throw bad(
                        tensor.name(),
                        "a shape whose size fits 63 bits",
                        Printable.plain(tensor.shape().toString()));
            }
            if (bits % Byte.SIZE != 0 || bits / Byte.SIZE != tensor.bytes()) {
                throw bad(
                        tensor.name(),
                        (bits % Byte.SIZE == 0 ? bits / Byte.SIZE + " bytes" : bits + " bits") + " for "
                                + tensor.dtype() + " "
                                + Printable.plain(tensor.shape().toString()),
                        tensor.bytes() + " bytes between its data_offsets");
            }
        }

        private BadCheckpointException bad(String name, String expected, String found) {
            return BadCheckpointException.tensor(file, Printable.plain(name), expected, found);
        }
    }
}
