package dev.hyaline.analysis.circuit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.GoldenIoi;
import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.metric.Metric;
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
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Reference scores, circuits and curves, in float64. */
record GoldenCircuits(Path folder, String name) {
    static final GoldenCircuits FABLE = new GoldenCircuits(Path.of("src/test/resources/golden/circuits"), "fable-ioi");
    static final GoldenCircuits GREATER_THAN =
            new GoldenCircuits(Path.of("src/test/resources/golden/circuits"), "fable-greater-than");
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

    /** The ablation of a name in keys of the references. */
    static Ablation ablation(String name) {
        return switch (name) {
            case "counterfactual" -> Ablation.counterfactual();
            case "zero" -> Ablation.zero();
            case "mean" -> Ablation.mean();
            default -> Ablation.meanByPosition();
        };
    }

    /** The method of a tensor's name. */
    static EdgeScoring scoring(String name) {
        return switch (name.replaceAll("[.].*", "")) {
            case "exact" -> new EdgeScoring.Exact();
            case "information_flow" -> new EdgeScoring.InformationFlow();
            case "eap" -> new EdgeScoring.AttributionPatching(PatchingDirection.NOISING);
            case "eap_ig_inputs_5" -> new EdgeScoring.InputGradients(5, EdgeScoring.PathRule.LEFT);
            case "eap_ig_inputs_20" -> new EdgeScoring.InputGradients(20, EdgeScoring.PathRule.LEFT);
            case "eap_ig_inputs_5_right" -> new EdgeScoring.InputGradients(5, EdgeScoring.PathRule.RIGHT);
            case "eap_ig_inputs_5_midpoint" -> new EdgeScoring.InputGradients(5, EdgeScoring.PathRule.MIDPOINT);
            case "eap_ig_activations_5" -> new EdgeScoring.ActivationGradients(5, false);
            case "ig_activations_own_5" -> new EdgeScoring.ActivationGradients(5, true);
            default -> new EdgeScoring.CleanCorrupted();
        };
    }

    /** Compares every curve, of circuits that are selected from the reference's own scores. */
    void requireCurves(Function<String, CircuitExperiment> circuits) {
        json().get("curves").forEachEntry((key, expected) -> {
            String[] parts = key.split("\\|", -1);
            CircuitSelection selection = switch (parts[2]) {
                case "signed" -> CircuitSelection.TOP;
                case "absolute" -> CircuitSelection.TOP_ABSOLUTE;
                default -> CircuitSelection.GREEDY_ABSOLUTE;
            };
            CircuitCurve curve = CircuitCurve.measure(
                    circuits.apply(parts[1]),
                    EdgeScores.of(circuits.apply(parts[1]).config(), key, tensor(parts[0])),
                    selection,
                    expected.get("prune").asBoolean(),
                    CircuitCurve.fractions());
            assertThat(curve.points())
                    .as(key)
                    .extracting(CircuitCurve.Point::asked)
                    .isEqualTo(
                            expected.get("n").valueStream().map(JsonNode::asInt).toList());
            assertThat(curve.points())
                    .as(key)
                    .extracting(CircuitCurve.Point::kept)
                    .isEqualTo(expected.get("kept")
                            .valueStream()
                            .map(JsonNode::asInt)
                            .toList());
            GoldenCircuitTest.assertClose(
                    curve.points().stream()
                            .mapToDouble(CircuitCurve.Point::metric)
                            .toArray(),
                    doubles(expected.get("metric")),
                    GoldenIoi.TOLERANCE);
            GoldenCircuitTest.assertClose(
                    curve.points().stream()
                            .mapToDouble(CircuitCurve.Point::faithfulness)
                            .toArray(),
                    doubles(expected.get("faithfulness")),
                    1e-5);
            assertThat(curve.area()).isCloseTo(expected.get("area_under").asDouble(), within(1e-5));
            assertThat(curve.areaFromOne())
                    .isCloseTo(expected.get("area_from_1").asDouble(), within(1e-5));
            assertThat(curve.full()).isCloseTo(expected.get("full").asDouble(), within(GoldenIoi.TOLERANCE));
            assertThat(curve.empty()).isCloseTo(expected.get("empty").asDouble(), within(GoldenIoi.TOLERANCE));
        });
    }

    /** Compares one search of ACDC: its circuit, its loss and its nearest decision. */
    void requireSearch(Experiment experiment, int number) {
        JsonNode expected = json().get("acdc").get(number);
        Metric metric = expected.get("metric").asString().equals("kl")
                ? Metric.klToClean(PromptPair.END)
                : Metric.logitDifference();
        CircuitExperiment circuits =
                CircuitExperiment.of(Experiment.start(experiment.runs(), metric), Ablation.counterfactual());
        Acdc found = Acdc.search(circuits, expected.get("tau").asDouble(), false);
        double[] kept = tensor("acdc." + number);
        List<String> edges = new ArrayList<>();
        for (int e = 0; e < kept.length; e++) {
            if (kept[e] != 0) {
                edges.add(circuits.index().edges().get(e).toString());
            }
        }
        assertThat(found.circuit().edges()).map(Object::toString).isEqualTo(edges);
        assertThat(found.tested()).isEqualTo(expected.get("tested").asInt());
        assertThat(found.loss()).isCloseTo(expected.get("loss").asDouble(), within(GoldenIoi.TOLERANCE));
        assertThat(found.loss())
                .isCloseTo(
                        (metric.isLowerBetter() ? 1 : -1) * circuits.mean(found.circuit()),
                        within(GoldenIoi.TOLERANCE));
        assertThat(found.closestDecision())
                .isCloseTo(expected.get("closest_decision").asDouble(), within(GoldenIoi.TOLERANCE));
        assertThat(found.circuit().pruned().size())
                .isEqualTo(expected.get("edges_after_pruning").asInt());
    }

    /** Prompts of a reference, a token of an answer or several. */
    static PromptPairs pairs(Gpt2Config config, JsonNode list) {
        List<PromptPair> pairs = new ArrayList<>();
        for (JsonNode pair : list) {
            pairs.add(new PromptPair(
                    "pair " + pairs.size(),
                    integers(pair.get("clean")),
                    integers(pair.get("corrupted")),
                    integers(pair.get("answer")),
                    integers(pair.get("distractor")),
                    Map.of()));
        }
        return PromptPairs.of(config, pairs);
    }

    private static int[] integers(JsonNode node) {
        return node.isArray() ? node.valueStream().mapToInt(JsonNode::asInt).toArray() : new int[] {node.asInt()};
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
