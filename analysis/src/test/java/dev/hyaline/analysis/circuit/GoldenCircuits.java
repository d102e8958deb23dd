package dev.hyaline.analysis.circuit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Reference scores, circuits and curves, in float64. */
record GoldenCircuits(Path folder, String name) {
    static final GoldenCircuits FABLE = new GoldenCircuits(Path.of("src/test/resources/golden/circuits"), "fable-ioi");
    static final GoldenCircuits PLANTED =
            new GoldenCircuits(Path.of("src/test/resources/golden/circuits/planted"), "golden");

    /** A tensor, row-major. */
    double[] tensor(String tensor) {
        try {
            ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(folder.resolve(name + ".safetensors")))
                    .order(ByteOrder.LITTLE_ENDIAN);
            int header = (int) file.getLong(0);
            JsonNode entry = JsonMapper.shared()
                    .readTree(new String(file.array(), 8, header, StandardCharsets.UTF_8))
                    .get(tensor);
            int from = 8 + header + entry.get("data_offsets").get(0).asInt();
            int to = 8 + header + entry.get("data_offsets").get(1).asInt();
            String type = entry.get("dtype").asString();
            int width = type.equals("F64") ? 8 : type.equals("F32") ? 4 : 1;
            double[] values = new double[(to - from) / width];
            Arrays.setAll(values, i -> switch (width) {
                case 8 -> file.getDouble(from + 8 * i);
                case 4 -> file.getFloat(from + 4 * i);
                default -> file.get(from + i);
            });
            if (Arrays.stream(values).allMatch(value -> value == 0)) {
                throw new AssertionError("the reference " + tensor + " is all zeros");
            }
            return values;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    JsonNode json() {
        return JsonMapper.shared().readTree(folder.resolve(name + ".json"));
    }

    static double[] doubles(JsonNode list) {
        return list.valueStream().mapToDouble(JsonNode::asDouble).toArray();
    }

    static List<String> strings(JsonNode list) {
        return list.valueStream().map(JsonNode::asString).toList();
    }
}
