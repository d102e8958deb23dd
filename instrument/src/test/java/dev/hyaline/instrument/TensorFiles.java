package dev.hyaline.instrument;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Readers of safetensors and npz files that share nothing with the writers. */
public final class TensorFiles {
    private static final Pattern NPY_HEADER =
            Pattern.compile("\\{'descr': '(<\\w\\d)', 'fortran_order': False, 'shape': \\(([\\d, ]*)\\), \\} *\\n");

    private TensorFiles() {}

    /** A tensor as it lies in the file. */
    public record Tensor(String type, List<Integer> shape, ByteBuffer bytes) {
        public long[] integers() {
            long[] values = new long[bytes.remaining() / 8];
            bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN).asLongBuffer().get(values);
            return values;
        }

        public float[] floats() {
            ByteBuffer values = bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
            float[] floats = new float[values.remaining() / (type.equals("F32") ? 4 : 2)];
            for (int i = 0; i < floats.length; i++) {
                floats[i] = switch (type) {
                    case "F32" -> values.getFloat();
                    case "F16" -> Float.float16ToFloat(values.getShort());
                    case "BF16" -> Float.intBitsToFloat(values.getShort() << 16);
                    default -> throw new AssertionError(type);
                };
            }
            return floats;
        }
    }

    public static Map<String, Tensor> read(Path file) throws IOException {
        if (file.toString().endsWith(".npz")) {
            return npz(file);
        }
        assertThat(header(file).get("__metadata__").isObject()).isTrue();
        return safetensors(file);
    }

    /** A safetensors file's header. */
    public static JsonNode header(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        int length = Math.toIntExact(
                ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(0));
        assertThat(length % 8).isZero();
        return JsonMapper.shared().readTree(new String(bytes, 8, length, StandardCharsets.UTF_8));
    }

    public static Map<String, Tensor> safetensors(Path file) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        int header = Math.toIntExact(bytes.getLong(0));
        JsonNode json = header(file);
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        int end = 0;
        for (Map.Entry<String, JsonNode> entry : json.properties()) {
            if (entry.getKey().equals("__metadata__")) {
                continue;
            }
            JsonNode info = entry.getValue();
            int first = info.get("data_offsets").get(0).asInt();
            assertThat(first).as("no gap before " + entry.getKey()).isEqualTo(end);
            end = info.get("data_offsets").get(1).asInt();
            String type = info.get("dtype").asString();
            List<Integer> shape = new ArrayList<>();
            info.get("shape").forEach(size -> shape.add(size.asInt()));
            int width = Map.of("F32", 4, "F16", 2, "BF16", 2, "I64", 8).get(type);
            assertThat((8 + header + first) % width).as("alignment").isZero();
            add(tensors, entry.getKey(), new Tensor(type, shape, bytes.slice(8 + header + first, end - first)), width);
        }
        assertThat(bytes.capacity()).isEqualTo(8 + header + end);
        return tensors;
    }

    public static Map<String, Tensor> npz(Path file) throws IOException {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        try (ZipFile zip = new ZipFile(file.toFile())) {
            for (ZipEntry entry : zip.stream().toList()) {
                assertThat(entry.getMethod()).isEqualTo(ZipEntry.STORED);
                assertThat(entry.getName()).endsWith(".npy");
                byte[] bytes;
                try (var in = zip.getInputStream(entry)) {
                    bytes = in.readAllBytes();
                }
                java.util.zip.CRC32 crc = new java.util.zip.CRC32();
                crc.update(bytes);
                assertThat(entry.getCrc()).isEqualTo(crc.getValue());
                assertThat(Arrays.copyOf(bytes, 8)).containsExactly(0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0);
                int header = (bytes[8] & 0xFF) + 256 * (bytes[9] & 0xFF);
                assertThat((10 + header) % 64).isZero();
                Matcher fields = NPY_HEADER.matcher(new String(bytes, 10, header, StandardCharsets.US_ASCII));
                assertThat(fields.matches()).isTrue();
                String type = Map.of("<f4", "F32", "<f2", "F16", "<i8", "I64").get(fields.group(1));
                List<Integer> shape = Arrays.stream(fields.group(2).split(","))
                        .map(String::strip)
                        .filter(size -> !size.isEmpty())
                        .map(Integer::valueOf)
                        .toList();
                String name = entry.getName().substring(0, entry.getName().length() - 4);
                ByteBuffer values = ByteBuffer.wrap(bytes, 10 + header, bytes.length - 10 - header)
                        .slice();
                add(
                        tensors,
                        name,
                        new Tensor(type, shape, values),
                        Integer.parseInt(fields.group(1).substring(2)));
            }
        }
        return tensors;
    }

    private static void add(Map<String, Tensor> tensors, String name, Tensor tensor, int width) {
        int elements = tensor.shape.stream().flatMapToInt(IntStream::of).reduce(1, Math::multiplyExact);
        assertThat(tensor.bytes.remaining()).as(name).isEqualTo(elements * width);
        tensors.put(name, tensor);
    }
}
