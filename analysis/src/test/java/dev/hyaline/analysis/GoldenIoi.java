package dev.hyaline.analysis;

import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.engine.config.Gpt2Config;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * TransformerLens's analysis of fable on eight indirect-object pairs, in float64.
 *
 * <p>Hyaline computes in float32, where logits of these prompts, up to 30 in size, are 2e-6 apart; each carries the
 * roundings of a residual stream that four layers have added to. {@link #TOLERANCE} is twenty such steps for the
 * difference of two. The largest distance found is 1.4e-5.
 */
public final class GoldenIoi {
    /** Largest allowed distance of a logit difference from float64's. */
    public static final double TOLERANCE = 4e-5;

    private static final Path FOLDER = Path.of("src/test/resources/golden");

    private GoldenIoi() {}

    /** The eight pairs. */
    public static PromptPairs pairs(Gpt2Config config) {
        List<PromptPair> pairs = new ArrayList<>();
        for (JsonNode pair : json("fable-ioi.pairs.json").get("pairs")) {
            pairs.add(new PromptPair(
                    pair.get("text").asString(),
                    integers(pair.get("clean")),
                    integers(pair.get("corrupted")),
                    new int[] {pair.get("answer").asInt()},
                    new int[] {pair.get("distractor").asInt()},
                    Map.of("S2", 10)));
        }
        return PromptPairs.of(config, pairs);
    }

    /** Labels of the first axis of {@code lens} or {@code dla} tables. */
    public static List<String> labels(String table) {
        return json("fable-ioi.labels.json")
                .get(table)
                .valueStream()
                .map(JsonNode::asString)
                .toList();
    }

    /** A float32 tensor, row-major. */
    public static double[] tensor(String name) {
        return tensor("fable-ioi.safetensors", name);
    }

    /**
     * The gradient of a metric of each pair at a site, {@code metric.M.grad.S}: by a program of its own, in float64.
     */
    public static double[] metricGradient(String name) {
        return tensor("fable-ioi-metric-gradients.safetensors", name);
    }

    private static double[] tensor(String fileName, String name) {
        try {
            ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(FOLDER.resolve(fileName)))
                    .order(ByteOrder.LITTLE_ENDIAN);
            int header = (int) file.getLong(0);
            JsonNode entry = JsonMapper.shared()
                    .readTree(new String(file.array(), 8, header, StandardCharsets.UTF_8))
                    .get(name);
            int from = entry.get("data_offsets").get(0).asInt();
            int to = entry.get("data_offsets").get(1).asInt();
            double[] values = new double[(to - from) / Float.BYTES];
            for (int i = 0; i < values.length; i++) {
                values[i] = file.getFloat(8 + header + from + i * Float.BYTES);
            }
            return values;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static JsonNode json(String file) {
        return JsonMapper.shared().readTree(FOLDER.resolve(file));
    }

    private static int[] integers(JsonNode list) {
        return list.valueStream().mapToInt(JsonNode::asInt).toArray();
    }
}
