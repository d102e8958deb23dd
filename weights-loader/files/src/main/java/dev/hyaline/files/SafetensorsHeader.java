package dev.hyaline.files;

import dev.hyaline.engine.error.HyalineException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
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
 * The header of a safetensors file, checked against the file: every tensor has a known type and as many bytes as its
 * shape needs, and together the tensors cover the data without overlap, gap or remainder.
 *
 * @param dataStart offset of the data in the file
 * @param tensors by name, in the header's order
 * @param metadata of the file, such as {@code format}
 * @see <a href="https://github.com/huggingface/safetensors#format">the format</a>
 */
public record SafetensorsHeader(long dataStart, Map<String, StoredTensor> tensors, Map<String, String> metadata) {
    /** The reference implementation's limit. */
    static final long MAX_LENGTH = 100_000_000;

    /** More dimensions than any real tensor has; keeps a hostile shape small. */
    private static final int MAX_DIMENSIONS = 64;

    /**
     * Returns whether a file that begins with these bytes, at least nine, is safetensors and not text: a text's first
     * eight bytes are a length beyond any header's.
     */
    public static boolean isBegunBy(byte[] bytes) {
        if (bytes.length <= Long.BYTES || bytes[Long.BYTES] != '{') {
            return false;
        }
        long length = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
        return length > 0 && length <= MAX_LENGTH;
    }

    /** Reads and checks the header of a file. Nothing is allocated from a length beyond the file's. */
    public static SafetensorsHeader read(FileInput file) {
        FileErrors errors = file.errors();
        if (file.size() < Long.BYTES) {
            throw errors.file(file.label(), "a safetensors file of at least 8 bytes", file.size() + " bytes");
        }
        long length = ByteBuffer.wrap(file.read(0, Long.BYTES))
                .order(ByteOrder.LITTLE_ENDIAN)
                .getLong();
        long longest = Math.min(MAX_LENGTH, file.size() - Long.BYTES);
        if (length < 0 || length > longest) {
            throw errors.file(
                    file.label(),
                    "a safetensors header of at most " + longest + " bytes",
                    "a header length of " + Long.toUnsignedString(length));
        }
        return parse(errors, file.label(), file.read(Long.BYTES, (int) length), file.size() - Long.BYTES - length);
    }

    private static SafetensorsHeader parse(FileErrors errors, String file, byte[] bytes, long dataBytes) {
        String json = Utf8.strict(errors, file, bytes);
        if (!json.startsWith("{")) {
            throw errors.file(
                    file,
                    "a safetensors header that starts with {",
                    Printable.quoted(json.substring(0, Math.min(8, json.length()))));
        }
        try (JsonParser parser = Json.parser(json)) {
            SafetensorsHeader header = new Reader(errors, file, parser, dataBytes).header(Long.BYTES + bytes.length);
            header.checkCoverage(errors, file, dataBytes);
            return header;
        } catch (JacksonException e) {
            throw Json.malformed(errors, file, e);
        }
    }

    private void checkCoverage(FileErrors errors, String file, long dataBytes) {
        List<StoredTensor> inOrder = new ArrayList<>(tensors.values());
        inOrder.sort(Comparator.comparingLong(StoredTensor::begin).thenComparingLong(StoredTensor::end));
        long covered = 0;
        String previous = "the header";
        for (StoredTensor tensor : inOrder) {
            if (tensor.begin() != covered) {
                throw errors.tensor(
                        file,
                        Printable.plain(tensor.name()),
                        "data_offsets that begin at " + covered + ", where " + previous + " ends",
                        (tensor.begin() < covered ? "an overlap at " : "a gap up to ") + tensor.begin());
            }
            covered = tensor.end();
            previous = Printable.plain(tensor.name());
        }
        if (covered != dataBytes) {
            throw errors.file(file, covered + " bytes of data, where " + previous + " ends", dataBytes + " bytes");
        }
    }

    /** A single pass over the JSON. */
    private static final class Reader {
        private final FileErrors errors;
        private final String file;
        private final JsonParser parser;
        private final long dataBytes;
        private final Map<String, StoredTensor> tensors = new LinkedHashMap<>();
        private final Map<String, String> metadata = new LinkedHashMap<>();

        Reader(FileErrors errors, String file, JsonParser parser, long dataBytes) {
            this.errors = errors;
            this.file = file;
            this.parser = parser;
            this.dataBytes = dataBytes;
        }

        SafetensorsHeader header(long dataStart) {
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
            Json.requireEnd(errors, file, parser);
            return new SafetensorsHeader(
                    dataStart, Collections.unmodifiableMap(tensors), Collections.unmodifiableMap(metadata));
        }

        private void readMetadata() {
            if (parser.currentToken() == JsonToken.VALUE_NULL) {
                return; // As the reference implementation reads it: none.
            }
            if (parser.currentToken() != JsonToken.START_OBJECT) {
                throw errors.file(file, "__metadata__ to be an object", Json.shown(parser));
            }
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                String key = parser.currentName();
                if (parser.nextToken() != JsonToken.VALUE_STRING) {
                    throw errors.file(
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

        private HyalineException bad(String name, String expected, String found) {
            return errors.tensor(file, Printable.plain(name), expected, found);
        }
    }
}
