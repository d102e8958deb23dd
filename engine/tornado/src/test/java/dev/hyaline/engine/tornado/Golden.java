package dev.hyaline.engine.tornado;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A safetensors file of reference values that PyTorch or TransformerLens computed in float64; its folder's README says
 * how.
 */
record Golden(JsonNode header, ByteBuffer data) {
    static Golden read(Path file) throws IOException {
        ByteBuffer all = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        int length = Math.toIntExact(all.getLong());
        String header =
                StandardCharsets.UTF_8.decode(all.slice(Long.BYTES, length)).toString();
        int begin = Long.BYTES + length;
        return new Golden(
                JsonMapper.shared().readTree(header),
                all.slice(begin, all.capacity() - begin).order(ByteOrder.LITTLE_ENDIAN));
    }

    private ByteBuffer bytes(String name) {
        JsonNode offsets = header.path(name).path("data_offsets");
        int begin = offsets.path(0).asInt();
        return data.slice(begin, offsets.path(1).asInt() - begin).order(ByteOrder.LITTLE_ENDIAN);
    }

    Set<String> names() {
        return header.propertyNames().stream().collect(Collectors.toSet());
    }

    float[] floats(String name) {
        float[] values = new float[bytes(name).remaining() / Float.BYTES];
        bytes(name).asFloatBuffer().get(values);
        return values;
    }

    /** The prompts, of equal length. */
    int[][] tokens() {
        ByteBuffer bytes = bytes("tokens");
        int prompts = header.path("tokens").path("shape").path(0).asInt();
        int length = bytes.remaining() / Long.BYTES / prompts;
        return IntStream.range(0, prompts)
                .mapToObj(s -> IntStream.range(0, length)
                        .map(i -> (int) bytes.getLong((s * length + i) * Long.BYTES))
                        .toArray())
                .toArray(int[][]::new);
    }
}
