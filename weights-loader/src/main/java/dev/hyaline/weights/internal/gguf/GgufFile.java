package dev.hyaline.weights.internal.gguf;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.files.Dtype;
import dev.hyaline.files.Printable;
import dev.hyaline.weights.StorageDtype;
import dev.hyaline.weights.internal.ByteCursor;
import dev.hyaline.weights.internal.MappedFile;
import dev.hyaline.weights.internal.TensorView;
import dev.hyaline.weights.internal.Widening;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A GGUF file, versions 2 and 3, checked against itself: metadata, and tensors that do not overlap.
 *
 * @see <a href="https://github.com/ggml-org/ggml/blob/master/docs/gguf.md">the format</a>
 */
final class GgufFile {
    private static final int MIN_VERSION = 2;
    private static final int VERSION = 3;
    private static final int MAX_DIMENSIONS = 4;
    private static final int MAX_NAME_LENGTH = 1 << 16;
    private static final int MAX_TEXT_LENGTH = 1 << 24;
    private static final int DEFAULT_ALIGNMENT = 32;

    /** Far larger than any vocabulary; keeps lists in proportion to the file. */
    private static final int MAX_LIST_LENGTH = 1 << 22;

    private final MappedFile file;
    private final ByteCursor cursor;
    private final Map<String, GgufValue> metadata = new LinkedHashMap<>();
    private final Map<String, TensorView> tensors = new LinkedHashMap<>();

    private record Listed(String name, List<Long> shape, Dtype dtype, long offset, long bytes) {}

    GgufFile(MappedFile file) {
        this.file = file;
        this.cursor = new ByteCursor(file.label(), file.bytes());
        cursor.skip(Integer.BYTES);
        int version = cursor.i32();
        if (version < MIN_VERSION || version > VERSION) {
            boolean swapped = Integer.reverseBytes(version) <= VERSION && version != 0;
            throw file.bad(
                    "GGUF of version 2 or 3, little-endian",
                    swapped ? "a big-endian file" : "version " + Integer.toUnsignedString(version));
        }
        long tensorCount = cursor.size();
        long valueCount = cursor.size();
        for (long i = 0; i < valueCount; i++) {
            readPair();
        }
        List<Listed> listed = new ArrayList<>();
        for (long i = 0; i < tensorCount; i++) {
            listed.add(readTensor());
        }
        locate(listed);
    }

    MappedFile file() {
        return file;
    }

    Optional<GgufValue> get(String key) {
        return Optional.ofNullable(metadata.get(key));
    }

    GgufValue require(String key) {
        return get(key).orElseThrow(() -> file.bad("a key " + key, "none"));
    }

    /** The tensors by name; shapes are in row-major order, the size of a row last, unlike ggml's. */
    Map<String, TensorView> tensors() {
        return tensors;
    }

    private void readPair() {
        String key = text(MAX_NAME_LENGTH);
        Object value = value(cursor.i32(), false);
        if (metadata.put(key, new GgufValue(file.label(), key, value)) != null) {
            throw file.bad("each key once", Printable.quoted(key) + " twice");
        }
    }

    private Object value(int type, boolean inList) {
        return switch (type) {
            case 0 -> (long) cursor.u8();
            case 1 -> (long) (byte) cursor.u8();
            case 2 -> (long) cursor.u16();
            case 3 -> (long) (short) cursor.u16();
            case 4 -> cursor.u32();
            case 5 -> (long) cursor.i32();
            case 6 -> (double) Float.intBitsToFloat(cursor.i32());
            case 7 -> bool();
            case 8 -> text(MAX_TEXT_LENGTH);
            case 9 -> {
                if (inList) {
                    throw file.bad("lists of plain values", "a list of lists");
                }
                yield list();
            }
            case 10 -> cursor.size();
            case 11 -> cursor.i64();
            case 12 -> Double.longBitsToDouble(cursor.i64());
            default -> throw file.bad("a value of type 0 to 12", "type " + Integer.toUnsignedString(type));
        };
    }

    private boolean bool() {
        int value = cursor.u8();
        if (value > 1) {
            throw file.bad("a truth value of 0 or 1", String.valueOf(value));
        }
        return value == 1;
    }

    private List<Object> list() {
        int type = cursor.i32();
        long length = cursor.size();
        if (length > MAX_LIST_LENGTH) {
            throw file.bad("lists of at most " + MAX_LIST_LENGTH + " values", length + " values");
        }
        List<Object> values = new ArrayList<>();
        for (long i = 0; i < length; i++) {
            values.add(value(type, true));
        }
        return values;
    }

    private String text(int longest) {
        long length = cursor.size();
        if (length > longest) {
            throw file.bad("text of at most " + longest + " bytes", length + " bytes");
        }
        return cursor.text(length);
    }

    private Listed readTensor() {
        String name = text(MAX_NAME_LENGTH);
        long dimensions = cursor.u32();
        if (dimensions > MAX_DIMENSIONS) {
            throw bad(name, "at most " + MAX_DIMENSIONS + " dimensions", String.valueOf(dimensions));
        }
        List<Long> shape = new ArrayList<>();
        for (int i = 0; i < dimensions; i++) {
            shape.addFirst(cursor.size());
        }
        Dtype dtype = dtype(name, cursor.i32());
        long offset = cursor.size();
        return new Listed(name, shape, dtype, offset, bytes(name, dtype, shape));
    }

    private Dtype dtype(String name, int type) {
        return switch (type) {
            case 0 -> Dtype.F32;
            case 1 -> Dtype.F16;
            case 2 -> Dtype.Q4_0;
            case 3 -> Dtype.Q4_1;
            case 6 -> Dtype.Q5_0;
            case 7 -> Dtype.Q5_1;
            case 8 -> Dtype.Q8_0;
            case 14 -> Dtype.Q6_K;
            case 30 -> Dtype.BF16;
            default ->
                throw bad(
                        name,
                        "F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1 or Q6_K",
                        "ggml type " + Integer.toUnsignedString(type));
        };
    }

    private long bytes(String name, Dtype dtype, List<Long> shape) {
        StorageDtype storage = Widening.storage(dtype).orElseThrow();
        long elements = 1;
        try {
            for (long size : shape) {
                elements = Math.multiplyExact(elements, size);
            }
            Math.multiplyExact(elements, Float.BYTES);
        } catch (ArithmeticException e) {
            throw bad(name, "a shape whose size fits 63 bits", Printable.plain(shape.toString()));
        }
        if (!shape.isEmpty() && shape.getLast() % storage.blockValues() != 0) {
            throw bad(name, "rows of whole blocks of " + storage.blockValues(), Printable.plain(shape.toString()));
        }
        if (elements % storage.blockValues() != 0) {
            throw bad(name, "whole blocks of " + storage.blockValues(), elements + " values");
        }
        return storage.bytes(elements);
    }

    private void locate(List<Listed> listed) {
        int alignment =
                get("general.alignment").map(value -> value.integer(1, 1 << 20)).orElse(DEFAULT_ALIGNMENT);
        long begin = (cursor.position() + alignment - 1) / alignment * alignment;
        long bytes = Math.max(0, file.size() - begin);
        long covered = 0;
        for (Listed tensor :
                listed.stream().sorted(Comparator.comparingLong(Listed::offset)).toList()) {
            if (tensor.offset < covered || tensor.offset % alignment != 0) {
                throw bad(
                        tensor.name,
                        "a tensor at a multiple of " + alignment + " from " + covered + " on",
                        "one at " + tensor.offset);
            }
            if (tensor.offset > bytes || tensor.bytes > bytes - tensor.offset) {
                throw bad(
                        tensor.name,
                        tensor.bytes + " bytes at " + tensor.offset,
                        "a file that ends after " + bytes + " bytes of tensors");
            }
            covered = tensor.offset + tensor.bytes;
        }
        for (Listed tensor : listed) {
            TensorView view = TensorView.dense(
                    file.label(),
                    tensor.name,
                    tensor.dtype,
                    tensor.shape,
                    file.bytes().asSlice(begin + tensor.offset, tensor.bytes));
            if (tensors.put(tensor.name, view) != null) {
                throw bad(tensor.name, "one tensor of that name", "two");
            }
        }
    }

    private BadCheckpointException bad(String tensor, String expected, String found) {
        return BadCheckpointException.tensor(file.label(), Printable.plain(tensor), expected, found);
    }
}
