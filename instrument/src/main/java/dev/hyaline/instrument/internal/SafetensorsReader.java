package dev.hyaline.instrument.internal;

import dev.hyaline.engine.BadInputException;
import dev.hyaline.instrument.FileException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads tensors from a safetensors file, which may be a stranger's: nothing it says is believed before it is checked.
 */
public final class SafetensorsReader {
    private static final long MAX_HEADER_LENGTH = 100_000_000;

    /** Where a tensor lies; {@code begin} counts from the start of the file. */
    private record Stored(String dtype, long[] shape, long elements, long begin) {}

    private final Path file;
    private final Map<String, Stored> tensors = new LinkedHashMap<>();

    private SafetensorsReader(Path file) {
        this.file = file;
    }

    /** Reads a file's header. */
    public static SafetensorsReader open(Path file) {
        SafetensorsReader reader = new SafetensorsReader(file);
        try (FileChannel channel = FileChannel.open(file)) {
            reader.readHeader(channel);
            return reader;
        } catch (IOException e) {
            throw FileException.reading(file, e);
        }
    }

    private void readHeader(FileChannel channel) throws IOException {
        long size = channel.size();
        long length = size < 8 ? -1 : read(channel, 0, 8).getLong();
        if (length < 2 || length > MAX_HEADER_LENGTH || length > size - 8) {
            throw bad("is not a safetensors file: no header of a length that fits it");
        }
        String json =
                StandardCharsets.UTF_8.decode(read(channel, 8, (int) length)).toString();
        try {
            for (Map.Entry<String, JsonNode> entry :
                    JsonMapper.shared().readTree(json).properties()) {
                if (!entry.getKey().equals("__metadata__")) {
                    tensors.put(entry.getKey(), stored(entry.getKey(), entry.getValue(), 8 + length, size));
                }
            }
        } catch (JacksonException e) {
            throw bad("is not a safetensors file: its header is not JSON");
        }
    }

    private Stored stored(String name, JsonNode json, long dataBegin, long fileSize) {
        String dtype = json.path("dtype").asString("");
        JsonNode sizes = json.path("shape");
        long[] shape = new long[sizes.size()];
        long elements = 1;
        for (int i = 0; i < shape.length; i++) {
            shape[i] = whole(name, sizes.get(i));
            if (shape[i] > 0 && elements > Long.MAX_VALUE / 16 / shape[i]) {
                throw bad("holds tensor " + name + " of an impossible shape");
            }
            elements *= shape[i];
        }
        JsonNode offsets = json.path("data_offsets");
        long begin = whole(name, offsets.path(0));
        long end = whole(name, offsets.path(1));
        if (end < begin || end > fileSize - dataBegin || end - begin != elements * bytes(name, dtype)) {
            throw bad("holds tensor " + name + ", whose bytes do not fit its shape or the file");
        }
        return new Stored(dtype, shape, elements, dataBegin + begin);
    }

    private long whole(String name, JsonNode json) {
        if (!json.isIntegralNumber() || !json.canConvertToLong() || json.asLong() < 0) {
            throw bad("describes tensor " + name + " by what is not a whole number");
        }
        return json.asLong();
    }

    private int bytes(String name, String dtype) {
        return switch (dtype) {
            case "F64", "I64" -> 8;
            case "F32" -> 4;
            case "F16", "BF16" -> 2;
            default -> throw bad("holds tensor " + name + " of type '" + dtype + "', not F64, F32, F16, BF16 or I64");
        };
    }

    public boolean has(String name) {
        return tensors.containsKey(name);
    }

    public List<Long> shape(String name) {
        List<Long> shape = new ArrayList<>();
        for (long size : stored(name).shape) {
            shape.add(size);
        }
        return shape;
    }

    /** Floats from {@code from} on, in the tensor's order. */
    public float[] floats(String name, long from, long count) {
        Stored tensor = stored(name);
        if (tensor.dtype.equals("I64")) {
            throw bad("holds whole numbers as " + name + ", not floats");
        }
        ByteBuffer bytes = bytes(name, tensor, from, count);
        float[] values = new float[(int) count];
        for (int i = 0; i < values.length; i++) {
            values[i] = switch (tensor.dtype) {
                case "F64" -> (float) bytes.getDouble();
                case "F32" -> bytes.getFloat();
                case "F16" -> Float.float16ToFloat(bytes.getShort());
                default -> BFloat16.toFloat(bytes.getShort());
            };
        }
        return values;
    }

    /** All of a tensor of whole numbers. */
    public int[] integers(String name) {
        Stored tensor = stored(name);
        if (!tensor.dtype.equals("I64")) {
            throw bad("holds " + tensor.dtype + " as " + name + ", not whole numbers");
        }
        ByteBuffer bytes = bytes(name, tensor, 0, tensor.elements);
        int[] values = new int[(int) tensor.elements];
        for (int i = 0; i < values.length; i++) {
            long value = bytes.getLong();
            if (value < 0 || value > Integer.MAX_VALUE) {
                throw bad("holds " + value + " in " + name + ", where positions and offsets stand");
            }
            values[i] = (int) value;
        }
        return values;
    }

    private ByteBuffer bytes(String name, Stored tensor, long from, long count) {
        int width = bytes(name, tensor.dtype);
        if (from < 0 || count < 0 || count > (Integer.MAX_VALUE - 8) / width || from > tensor.elements - count) {
            throw bad("has no values " + from + " to " + (from + count) + " in " + name);
        }
        try (FileChannel channel = FileChannel.open(file)) {
            return read(channel, tensor.begin + from * width, (int) count * width);
        } catch (IOException e) {
            throw FileException.reading(file, e);
        }
    }

    private Stored stored(String name) {
        Stored tensor = tensors.get(name);
        if (tensor == null) {
            throw bad("holds no tensor '" + name + "'");
        }
        return tensor;
    }

    private BadInputException bad(String what) {
        return new BadInputException(file + " " + what);
    }

    private static ByteBuffer read(FileChannel channel, long at, int length) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        while (buffer.hasRemaining()) {
            if (channel.read(buffer, at + buffer.position()) < 0) {
                throw new IOException("it ends early");
            }
        }
        return buffer.flip();
    }
}
