package dev.hyaline.weights;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** Writes safetensors files for tests: right ones, and by {@link #file} wrong ones. */
public final class SafetensorsBuilder {
    private final StringBuilder header = new StringBuilder("{");
    private final ByteArrayOutputStream data = new ByteArrayOutputStream();

    public SafetensorsBuilder metadata(String key, String value) {
        return entry("__metadata__", "{\"" + key + "\":\"" + value + "\"}");
    }

    /** A tensor of any type. */
    public SafetensorsBuilder add(String name, String dtype, List<Integer> shape, byte[] bytes) {
        int begin = data.size();
        data.writeBytes(bytes);
        return entry(
                name,
                "{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}".formatted(dtype, shape, begin, data.size()));
    }

    /** A tensor of floats, narrowed as it is stored. */
    public SafetensorsBuilder add(String name, StorageDtype dtype, List<Integer> shape, float... values) {
        return add(name, dtype.name(), shape, stored(dtype, values));
    }

    private SafetensorsBuilder entry(String name, String json) {
        header.append(header.length() == 1 ? "" : ",")
                .append('"')
                .append(name)
                .append("\":")
                .append(json);
        return this;
    }

    public byte[] bytes() {
        return file(header + "}", data.toByteArray());
    }

    /** Floats as a file stores them. */
    public static byte[] stored(StorageDtype dtype, float... values) {
        ByteBuffer bytes = ByteBuffer.allocate((int) dtype.bytes(values.length)).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : values) {
            switch (dtype) {
                case F32 -> bytes.putFloat(value);
                case F16 -> bytes.putShort(Float.floatToFloat16(value));
                case BF16 -> bytes.putShort((short) (Float.floatToRawIntBits(value) >>> 16));
                default -> throw new IllegalArgumentException("safetensors files hold no " + dtype);
            }
        }
        return bytes.array();
    }

    /** A file of that header, true or not, and that data. */
    public static byte[] file(String header, byte... data) {
        return file(header.getBytes(UTF_8).length, header.getBytes(UTF_8), data);
    }

    /** A file that says its header is {@code length} bytes long. */
    public static byte[] file(long length, byte[] header, byte... data) {
        return ByteBuffer.allocate(Long.BYTES + header.length + data.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(length)
                .put(header)
                .put(data)
                .array();
    }
}
