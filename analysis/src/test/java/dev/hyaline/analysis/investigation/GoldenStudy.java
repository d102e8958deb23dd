package dev.hyaline.analysis.investigation;

import dev.hyaline.analysis.Fable;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.investigation.ClaimComponent.HeadComponent;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.instrument.Prompts;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A whole study of fable's indirect objects, by PyTorch in float64. */
public final class GoldenStudy {
    /** The four strongest heads, of which values by prompt are kept. */
    public static final List<String> HEADS = List.of("1.3", "1.0", "2.6", "2.4");

    /** The seed of what was drawn. */
    public static final long SEED = 20261128;

    private static final JsonNode GOLDEN = read("fable-ioi.json");

    private GoldenStudy() {}

    /** A file of reference values. */
    public static JsonNode read(String name) {
        try (InputStream in = GoldenStudy.class.getResourceAsStream("/golden/investigation/" + name)) {
            return JsonMapper.shared().readTree(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The prompts, the circuit and values by prompt. */
    public static JsonNode values() {
        return GOLDEN;
    }

    public static List<PromptPair> pairs() {
        List<PromptPair> pairs = new ArrayList<>();
        for (JsonNode pair : GOLDEN.get("pairs")) {
            Map<String, Integer> roles = new LinkedHashMap<>();
            pair.get("positions")
                    .properties()
                    .forEach(role -> roles.put(role.getKey(), role.getValue().intValue()));
            int index = pairs.size();
            pairs.add(new PromptPair(
                            "pair " + index,
                            ints(pair.get("clean")),
                            ints(pair.get("corrupted")),
                            ints(pair.get("answer")),
                            ints(pair.get("distractor")),
                            roles)
                    .ofUnit(GOLDEN.get("unit").get(index).asString())
                    .ofStratum(GOLDEN.get("template").get(index).asString()));
        }
        return pairs;
    }

    /** The indices of a half, {@code discovery} or {@code held-out}. */
    public static int[] half(String name) {
        return IntStream.range(0, GOLDEN.get("pairs").size())
                .filter(pair -> GOLDEN.get("split").get(pair).asString().equals(name))
                .toArray();
    }

    public static int[] ints(JsonNode node) {
        return node.valueStream().mapToInt(JsonNode::intValue).toArray();
    }

    public static double[] doubles(JsonNode node) {
        return node.valueStream().mapToDouble(JsonNode::doubleValue).toArray();
    }

    /** Evidence of some of the pairs. */
    public static Evidence evidence(Gpt2 model, int[] chosen) {
        List<PromptPair> pairs = pairs();
        List<Prompts> groups = new ArrayList<>();
        List<Integer> groupOfPair = new ArrayList<>();
        for (JsonNode group : GOLDEN.get("groups")) {
            for (int i = 0; i < group.get("count").intValue(); i++) {
                groupOfPair.add(groups.size());
            }
            groups.add(Prompts.of(
                    model.config(),
                    group.get("reference").valueStream().map(GoldenStudy::ints).toArray(int[][]::new)));
        }
        int[] donors = ints(GOLDEN.get("resample_donor"));
        return Evidence.of(
                Experiment.start(
                        model,
                        PromptPairs.of(
                                model.config(),
                                Arrays.stream(chosen).mapToObj(pairs::get).toList()),
                        Metric.logitDifference()),
                ReferenceRuns.of(
                        model,
                        groups,
                        Arrays.stream(chosen).map(groupOfPair::get).toArray(),
                        Arrays.stream(chosen).map(pair -> donors[pair]).toArray()));
    }

    public static List<ClaimComponent> components(List<String> names) {
        return names.stream().map(ClaimComponent::parse).toList();
    }

    public static List<ClaimComponent> circuit() {
        return components(
                GOLDEN.get("circuit").valueStream().map(JsonNode::asString).toList());
    }

    /** The circuit's heads. */
    public static List<HeadComponent> circuitHeads() {
        return circuit().stream().map(HeadComponent.class::cast).toList();
    }

    public static Gpt2 model() {
        return Fable.open();
    }
}
