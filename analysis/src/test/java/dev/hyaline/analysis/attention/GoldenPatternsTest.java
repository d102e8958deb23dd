package dev.hyaline.analysis.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.weights.Checkpoint;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Statistics of fable's attention against PyTorch's in float64. */
final class GoldenPatternsTest {
    private static final double TOLERANCE = 1e-5;

    private static JsonNode golden;
    private static Checkpoint checkpoint;
    private static Gpt2 model;
    private static Prompts prompts;

    @BeforeAll
    static void open() throws IOException {
        try (InputStream in = GoldenPatternsTest.class.getResourceAsStream("/golden/fable-ioi-patterns.json")) {
            golden = JsonMapper.shared().readTree(in);
        }
        checkpoint = Checkpoint.builtIn("fable");
        model = Gpt2.of(checkpoint.weights(), 2);
        prompts = Prompts.of(
                model.config(),
                golden.get("tokens")
                        .valueStream()
                        .map(tokens -> tokens.valueStream()
                                .mapToInt(JsonNode::intValue)
                                .toArray())
                        .toArray(int[][]::new));
    }

    @AfterAll
    static void close() {
        model.close();
        checkpoint.close();
    }

    private static double[] ofHead(String name, int head) {
        return golden.get(name)
                .get(head)
                .valueStream()
                .mapToDouble(JsonNode::doubleValue)
                .toArray();
    }

    private static void agrees(ResultTable table, String name) {
        assertThat(table.cells()).isEqualTo(32);
        for (int head = 0; head < 32; head++) {
            assertThat(table.values(head)).as(name + " " + head).containsExactly(ofHead(name, head), within(TOLERANCE));
        }
    }

    @Test
    void entropyLargestWeightAndShareOfCausalKeys() {
        AttentionStatistics statistics = AttentionStatistics.measure(model, prompts, 0.1);
        agrees(statistics.entropy(), "entropy");
        agrees(statistics.largestWeight(), "largest");
        agrees(statistics.shareAbove(), "share_above_0.1");
    }

    @Test
    void attentionToARole() {
        List<Map<String, Integer>> roles = golden.get("S2")
                .valueStream()
                .map(position -> Map.of("S2", position.intValue()))
                .toList();
        PatternEvidence evidence = PatternEvidence.measure(model, prompts, token -> false, roles);
        int type = evidence.types().indexOf("role:S2");
        for (int head = 0; head < 32; head++) {
            double[] expected = ofHead("attention_S2", head);
            double mean = IntStream.range(0, 6)
                    .mapToDouble(s -> expected[s])
                    .average()
                    .orElseThrow();
            double squares = IntStream.range(0, 6)
                    .mapToDouble(s -> (expected[s] - mean) * (expected[s] - mean))
                    .sum();
            PatternEvidence.Figure figure = evidence.figure(head, type);
            assertThat(figure.score()).isCloseTo(mean, within(TOLERANCE));
            assertThat(figure.standardError()).isCloseTo(Math.sqrt(squares / 5 / 6), within(TOLERANCE));
        }
    }
}
