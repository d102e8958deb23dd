package dev.hyaline.analysis.causal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.edit.Means;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.weights.Checkpoint;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Interactions and Shapley values of fable's heads, prompt by prompt, against PyTorch in float64. */
final class GoldenInteractionsTest {
    /** Of one logit difference; four make an interaction. */
    private static final double TOLERANCE = 1e-4;

    private static JsonNode golden;
    private static Checkpoint checkpoint;
    private static Gpt2 model;

    @BeforeAll
    static void open() throws IOException {
        try (InputStream in = GoldenInteractionsTest.class.getResourceAsStream("/golden/fable-ioi-interactions.json")) {
            golden = JsonMapper.shared().readTree(in);
        }
        checkpoint = Checkpoint.builtIn("fable");
        model = Gpt2.of(checkpoint.weights(), 2);
    }

    @AfterAll
    static void close() {
        model.close();
        checkpoint.close();
    }

    private static int[] ints(JsonNode node) {
        return node.valueStream().mapToInt(JsonNode::intValue).toArray();
    }

    private static double[] doubles(JsonNode node) {
        return node.valueStream().mapToDouble(JsonNode::doubleValue).toArray();
    }

    private static Experiment experiment(JsonNode group) {
        List<PromptPair> pairs = new ArrayList<>();
        for (JsonNode pair : group.get("pairs").values()) {
            pairs.add(new PromptPair(
                    "pair " + pairs.size(),
                    ints(pair.get("clean")),
                    ints(pair.get("corrupted")),
                    ints(pair.get("answer")),
                    ints(pair.get("distractor")),
                    Map.of()));
        }
        return Experiment.start(model, PromptPairs.of(model.config(), pairs), Metric.logitDifference());
    }

    /** The mean by position over the template's reference prompts. */
    private static Ablation ablation(JsonNode group) {
        Prompts reference = Prompts.of(
                model.config(),
                group.get("reference")
                        .valueStream()
                        .map(GoldenInteractionsTest::ints)
                        .toArray(int[][]::new));
        Means means = Means.byPosition(
                ActivationCache.record(model, reference, Capture.of(model.config(), Site.Z.localName()))
                        .source());
        return Ablation.mean("mean of reference prompts", site -> means);
    }

    private static List<Target> head(String name) {
        return List.of(Node.parse(model.config(), "a" + name.replace(".", ".h")).output());
    }

    private static Map<String, List<Target>> sets(String names) {
        Map<String, List<Target>> sets = new LinkedHashMap<>();
        golden.get(names).valueStream().map(JsonNode::asString).forEach(name -> sets.put(name, head(name)));
        return sets;
    }

    @Test
    void interactionsAndTheGapOfAllHeads() {
        for (JsonNode group : golden.get("groups").values()) {
            Experiment experiment = experiment(group);
            ResultTable table = Interactions.measure(experiment, ablation(group), sets("heads"));
            double[] clean = doubles(group.get("clean"));
            int cell = 0;
            for (int a = 0; a < 4; a++) {
                for (int b = a + 1; b < 4; b++, cell++) {
                    double[] both = doubles(group.get("both").get(cell));
                    double[] ofA = doubles(group.get("ablated").get(a));
                    double[] ofB = doubles(group.get("ablated").get(b));
                    for (int pair = 0; pair < clean.length; pair++) {
                        assertThat(table.values(cell)[pair])
                                .isCloseTo(both[pair] - ofA[pair] - ofB[pair] + clean[pair], within(4 * TOLERANCE));
                    }
                }
            }
            HeadGap gap = HeadGap.measure(experiment, ablation(group));
            double full = Arrays.stream(clean).average().orElseThrow();
            double empty = Arrays.stream(doubles(group.get("empty"))).average().orElseThrow();
            assertThat(gap.full()).isCloseTo(full, within(TOLERANCE));
            assertThat(gap.empty()).isCloseTo(empty, within(TOLERANCE));
            assertThat(gap.share(table).mean(0)).isCloseTo(table.mean(0) / (full - empty), within(TOLERANCE));
        }
    }

    @Test
    void shapleyValuesOfMembersOfACircuit() {
        Set<String> kept =
                golden.get("kept").valueStream().map(JsonNode::asString).collect(Collectors.toSet());
        Map<String, List<Target>> players = sets("players");
        List<Target> besides = new ArrayList<>();
        for (int cell = 0; cell < 32; cell++) {
            String name = cell / 8 + "." + cell % 8;
            if (!kept.contains(name) && !players.containsKey(name)) {
                besides.addAll(head(name));
            }
        }
        for (JsonNode group : golden.get("groups").values()) {
            ShapleyValues shapley =
                    ShapleyValues.measure(experiment(group), ablation(group), players, besides, /* seed= */ 1);
            for (int player = 0; player < 4; player++) {
                assertThat(shapley.values().values(player))
                        .containsExactly(doubles(group.get("shapley").get(player)), within(2 * TOLERANCE));
            }
        }
    }
}
