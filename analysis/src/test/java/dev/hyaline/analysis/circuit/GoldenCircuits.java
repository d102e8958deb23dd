package dev.hyaline.analysis.circuit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.GoldenIoi;
import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.statistics.association.Correlation;
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
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Reference scores, circuits and curves, in float64. */
record GoldenCircuits(Path folder, String name) {
    static final GoldenCircuits FABLE = new GoldenCircuits(Path.of("src/test/resources/golden/circuits"), "fable-ioi");
    static final GoldenCircuits GREATER_THAN =
            new GoldenCircuits(Path.of("src/test/resources/golden/circuits"), "fable-greater-than");
    static final GoldenCircuits PLANTED =
            new GoldenCircuits(Path.of("src/test/resources/golden/circuits/planted"), "golden");

    private ByteBuffer file() {
        try {
            return ByteBuffer.wrap(Files.readAllBytes(folder.resolve(name + ".safetensors")))
                    .order(ByteOrder.LITTLE_ENDIAN);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static JsonNode header(ByteBuffer file) {
        ByteBuffer json = file.slice(Long.BYTES, (int) file.getLong(0));
        return JsonMapper.shared().readTree(StandardCharsets.UTF_8.decode(json).toString());
    }

    /** Returns whether there is such a tensor. */
    boolean has(String tensor) {
        return header(file()).has(tensor);
    }

    /** A tensor, row-major. */
    double[] tensor(String tensor) {
        ByteBuffer file = file();
        JsonNode entry = header(file).get(tensor);
        int first = 8 + (int) file.getLong(0);
        int from = first + entry.get("data_offsets").get(0).asInt();
        int to = first + entry.get("data_offsets").get(1).asInt();
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

    /** A tensor as scores of a model's edges. */
    EdgeScores scores(Gpt2Config config, String tensor) {
        return EdgeScores.of(config, tensor, tensor(tensor));
    }

    /**
     * Compares a method's scores: their means, those of each pair and the sums by node, where the reference has them.
     */
    void requireScores(CircuitExperiment circuits, String tensor) {
        EdgeScores scores = scoring(tensor).score(circuits);
        requireClose(tensor, scores.values(), 1e-5);
        if (has(tensor + "_per_pair")) {
            requireClose(
                    tensor + "_per_pair",
                    IntStream.range(0, scores.pairs())
                            .mapToObj(scores::pair)
                            .flatMapToDouble(Arrays::stream)
                            .toArray(),
                    1e-5);
        }
        if (has("node_" + tensor)) {
            requireClose("node_" + tensor, scores.bySender(), 1e-5);
        }
    }

    /** Compares values with a tensor, the largest distance as a share of the tensor's largest value. */
    void requireClose(String tensor, double[] found, double share) {
        double[] expected = tensor(tensor);
        double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
        assertThat(found).hasSameSizeAs(expected);
        double error = 0;
        for (int i = 0; i < expected.length; i++) {
            error = Math.max(error, Math.abs(expected[i] - found[i]));
        }
        assertThat(error).as(name + " " + tensor).isLessThan(share * largest);
    }

    /** Compares the sums of the input's edges by integrated gradients, which come to the whole effect. */
    void requireCompleteness(CircuitExperiment circuits) {
        JsonNode expected = json().get("completeness_of_input_edges");
        double whole = expected.get("total_effect").asDouble();
        assertThat(circuits.mean(circuits.full()) - circuits.mean(circuits.empty()))
                .isCloseTo(whole, within(GoldenIoi.TOLERANCE));
        for (int steps : new int[] {5, 20}) {
            for (EdgeScoring.PathRule rule : List.of(EdgeScoring.PathRule.LEFT, EdgeScoring.PathRule.MIDPOINT)) {
                assertThat(new EdgeScoring.InputGradients(steps, rule)
                                .score(circuits)
                                .bySender()[0])
                        .isCloseTo(expected.get(rule + "_" + steps).asDouble(), within(1e-5 * Math.abs(whole)));
            }
        }
        assertThat(Math.abs(expected.get("midpoint_20").asDouble() - whole))
                .isLessThan(Math.abs(expected.get("left_5").asDouble() - whole));
    }

    /** Compares rank correlations of the reference's own scores with its exact ones. */
    void requireSpearman() {
        json().get("spearman_with_exact").forEachEntry((scores, expected) -> {
            int dot = scores.indexOf('.');
            assertThat(Correlation.spearman(tensor(scores), tensor(dot < 0 ? "exact" : "exact" + scores.substring(dot)))
                            .orElseThrow()
                            .rho())
                    .as(scores)
                    .isCloseTo(expected.asDouble(), within(1e-9));
        });
    }

    /** Compares every metric of every pair. */
    void requireMetrics(Experiment experiment) {
        json().get("metrics").forEachEntry((name, expected) -> {
            Experiment measured = Experiment.start(experiment.runs(), metric(name));
            GoldenCircuitTest.assertClose(
                    expected.get("on").asString().equals("clean")
                            ? measured.baselines().clean()
                            : measured.baselines().corrupted(),
                    doubles(expected.get("values")),
                    GoldenIoi.TOLERANCE);
        });
    }

    static Metric metric(String name) {
        return Metric.all(PromptPair.END).stream()
                .filter(metric -> metric.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    /** Compares the derivative of the divergence with respect to every mask, all of them half open. */
    void requireHalfOpenMasks(Experiment experiment) {
        CircuitExperiment byKl = CircuitExperiment.of(
                Experiment.start(experiment.runs(), Metric.klToClean(PromptPair.END)), Ablation.counterfactual());
        double[] derivative = LearnedMasks.gradient(byKl, 0.5).values();
        requireClose(
                "mask_gradient.kl.half",
                Arrays.stream(derivative).map(value -> -value).toArray(),
                5e-6);
        double[] half = new double[byKl.index().size()];
        Arrays.fill(half, 0.5);
        assertThat(new MaskedRun(byKl).addGradient(half, new double[half.length]))
                .isCloseTo(json().get("kl.half").asDouble(), within(2e-5));
    }

    /** Compares the circuit that the reference evaluates in every way. */
    void requireEvaluation(CircuitExperiment circuits) {
        JsonNode expected = json().get("circuit");
        Circuit circuit = CircuitSelection.TOP
                .select(
                        scores(circuits.config(), "eap_ig_inputs_5"),
                        expected.get("n").asInt())
                .pruned();
        assertThat(circuit.edges()).map(Object::toString).isEqualTo(strings(expected.get("edges")));
        CircuitEvaluation evaluation = CircuitEvaluation.measure(circuits, circuit);
        assertThat(evaluation.meanKept()).isCloseTo(expected.get("keep_only").asDouble(), within(GoldenIoi.TOLERANCE));
        assertThat(evaluation.meanComplement())
                .isCloseTo(expected.get("complement").asDouble(), within(GoldenIoi.TOLERANCE));
        GoldenCircuitTest.assertClose(evaluation.kept(), doubles(expected.get("per_pair")), GoldenIoi.TOLERANCE);
        List<Edge> removed = strings(expected.at("/completeness/knocked_out")).stream()
                .map(name -> Edge.parse(circuits.config(), name))
                .toList();
        CircuitEvaluation.Completeness completeness = CircuitEvaluation.completeness(
                        circuits, circuit, List.of(removed))
                .getFirst();
        assertThat(completeness.circuitWithout())
                .isCloseTo(expected.at("/completeness/circuit_without").asDouble(), within(GoldenIoi.TOLERANCE));
        assertThat(completeness.modelWithout())
                .isCloseTo(expected.at("/completeness/model_without").asDouble(), within(GoldenIoi.TOLERANCE));
        CircuitEvaluation.minimality(circuits, circuit)
                .forEach((edge, change) -> assertThat(change)
                        .as(edge.toString())
                        .isCloseTo(
                                Math.abs(expected.get("minimality")
                                        .get(edge.toString())
                                        .asDouble()),
                                within(GoldenIoi.TOLERANCE)));
    }

    /** Compares the stability of circuits from the pairs that the reference drew. */
    void requireStability(Gpt2Config config) {
        JsonNode expected = json().get("bootstrap");
        int[][] drawn = expected.get("indices")
                .valueStream()
                .map(list -> list.valueStream().mapToInt(JsonNode::asInt).toArray())
                .toArray(int[][]::new);
        int n = expected.get("n").asInt();
        assertThat(ScoreStability.ofDraws(perPair(config), of -> CircuitSelection.TOP.select(of, n), drawn)
                        .meanPairwise())
                .isCloseTo(expected.get("mean").asDouble(), within(1e-9));
    }

    /** The reference's scores of every pair by attribution patching. */
    EdgeScores perPair(Gpt2Config config) {
        double[] all = tensor("eap_per_pair");
        double[][] pairs = new double[json().get("pairs").asInt()][];
        Arrays.setAll(
                pairs,
                pair -> Arrays.copyOfRange(
                        all, pair * all.length / pairs.length, (pair + 1) * all.length / pairs.length));
        return EdgeScores.ofPairs(config, "eap", pairs);
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

    /** Compares the loss of the circuit that the reference's search kept, without the search. */
    void requireLossOfSearch(CircuitExperiment circuits, int number) {
        JsonNode expected = json().get("acdc").get(number);
        double[] flags = tensor("acdc." + number);
        Circuit kept = Circuit.of(
                circuits.config(),
                IntStream.range(0, flags.length)
                        .filter(e -> flags[e] != 0)
                        .mapToObj(circuits.index().edges()::get)
                        .toList());
        assertThat(kept.size()).isEqualTo(expected.get("edges").asInt());
        assertThat(kept.pruned().size())
                .isEqualTo(expected.get("edges_after_pruning").asInt());
        assertThat(circuits.mean(kept)).isCloseTo(expected.get("task_metric").asDouble(), within(GoldenIoi.TOLERANCE));
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

    /** The pairs of the greater-than task. */
    static PromptPairs greaterThan(Gpt2Config config) {
        return pairs(
                config,
                JsonMapper.shared()
                        .readTree(GREATER_THAN.folder.resolve("fable-greater-than.pairs.json"))
                        .get("pairs"));
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
