package dev.hyaline.tools.report;

import dev.hyaline.analysis.circuit.Circuit;
import dev.hyaline.analysis.circuit.CircuitClaims;
import dev.hyaline.analysis.circuit.CircuitEvaluation;
import dev.hyaline.analysis.circuit.CircuitExperiment;
import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.statistics.Proportion;
import dev.hyaline.analysis.statistics.association.Hsic;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.JsonOutput;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JsonGenerator;

/**
 * Tests of what a circuit claims. Those against random circuits and edges are there if any were drawn.
 *
 * @param minimality p values by edge
 * @param worst the edges whose removal, found greedily, tells most between the circuit and the model
 * @param roles what taking away all edges that leave the nodes of a role does, by role
 * @param sets the same of random sets of the circuit's edges
 */
public record ClaimsReport(
        CircuitClaims.ModelEquivalence equivalence,
        Optional<Hsic> independence,
        Optional<CircuitClaims.AgainstRandom> random,
        Map<Edge, Double> minimality,
        Optional<CircuitEvaluation.Completeness> worst,
        Map<String, CircuitEvaluation.Completeness> roles,
        List<CircuitEvaluation.Completeness> sets) {
    private static final double MARGIN = 0.1;
    private static final double LEVEL = 0.05;
    private static final int MOST_REMOVED = 2;
    private static final int RANDOM_SETS = 10;

    /**
     * Tests a circuit.
     *
     * @param roles of the circuit's nodes
     * @param draws random circuits and edges; with none, what takes many runs is left out
     */
    public static ClaimsReport of(
            CircuitExperiment judged, CircuitEvaluation evaluation, NodeRoles roles, int draws, long seed) {
        Circuit circuit = evaluation.circuit();
        boolean drawn = draws > 0 && circuit.size() > 0 && circuit.size() < circuit.graphSize();
        return new ClaimsReport(
                CircuitClaims.equivalence(evaluation, MARGIN),
                judged.pairs().size() > 1
                        ? Optional.of(CircuitClaims.independence(evaluation, seed))
                        : Optional.empty(),
                drawn ? Optional.of(CircuitClaims.againstRandom(judged, circuit, draws, seed)) : Optional.empty(),
                drawn
                        ? CircuitClaims.minimality(
                                judged,
                                circuit,
                                Math.max(draws, CircuitClaims.minDraws(circuit.size(), LEVEL)),
                                seed)
                        : Map.of(),
                drawn ? Optional.of(CircuitEvaluation.worst(judged, circuit, MOST_REMOVED)) : Optional.empty(),
                drawn ? byRole(judged, circuit, roles) : Map.of(),
                drawn
                        ? CircuitEvaluation.completeness(
                                judged, circuit, CircuitEvaluation.randomSets(circuit, RANDOM_SETS, seed))
                        : List.of());
    }

    private static Map<String, CircuitEvaluation.Completeness> byRole(
            CircuitExperiment judged, Circuit circuit, NodeRoles roles) {
        Map<String, List<Edge>> edges = new LinkedHashMap<>();
        roles.groups()
                .forEach((role, nodes) -> edges.put(
                        role,
                        circuit.edges().stream()
                                .filter(edge -> nodes.contains(edge.sender()))
                                .toList()));
        edges.values().removeIf(List::isEmpty);
        List<CircuitEvaluation.Completeness> measured =
                CircuitEvaluation.completeness(judged, circuit, List.copyOf(edges.values()));
        Map<String, CircuitEvaluation.Completeness> found = new LinkedHashMap<>();
        edges.keySet().forEach(role -> found.put(role, measured.get(found.size())));
        return found;
    }

    void show(Console console) {
        Table table = new Table("claim", "measured", ">p");
        table.row(
                "the circuit differs from the model",
                "better on " + equivalence.better().successes() + " of "
                        + equivalence.better().trials() + " pairs",
                TableView.figure(equivalence.differenceP()));
        table.row(
                "the circuit is as good as the model",
                "chance of better within " + equivalence.margin() + " of a half",
                TableView.figure(equivalence.equivalenceP()));
        independence.ifPresent(test -> table.row(
                "what is left depends on the model's metric",
                "HSIC " + TableView.figure(test.value()),
                TableView.figure(test.p())));
        random.ifPresent(against -> {
            table.row(
                    "sufficient: nearer to the model than random ones",
                    of(against.sufficiency(), "random circuits"),
                    TableView.figure(against.sufficiencyP()));
            table.row(
                    "necessary: missed more than random ones",
                    of(against.necessity(), "random circuits"),
                    TableView.figure(against.necessityP()));
            table.row(
                    "minimal: edges that matter more than random ones",
                    minimality.values().stream().filter(p -> p < LEVEL).count() + " of " + minimality.size()
                            + " edges (Holm, " + LEVEL + ")",
                    "-");
        });
        table.print(console);
        console.out().println(console.dim("a small p speaks for the claim; random: more than nine tenths of them"));
        worst.ifPresent(found -> showCompleteness(console, found));
    }

    private void showCompleteness(Console console, CircuitEvaluation.Completeness farthest) {
        Table table = new Table("complete: without what leaves", ">edges", ">circuit", ">model", ">distance");
        roles.forEach((role, found) -> row(table, role, found));
        sets.stream()
                .max(Comparator.comparingDouble(CircuitEvaluation.Completeness::incompleteness))
                .ifPresent(found -> row(table, "the worst of " + sets.size() + " random halves", found));
        row(
                table,
                farthest.removed().isEmpty()
                        ? "nothing"
                        : farthest.removed().getFirst()
                                + (farthest.removed().size() > 1
                                        ? " and " + (farthest.removed().size() - 1) + " more"
                                        : "")
                                + ", found greedily",
                farthest);
        console.out().println();
        table.print(console);
        console.out()
                .println(console.dim("a circuit that has all that matters does as badly without them as the model;"
                        + " mean distance of random halves "
                        + TableView.figure(meanDistance())));
    }

    private double meanDistance() {
        return sets.stream()
                .mapToDouble(CircuitEvaluation.Completeness::incompleteness)
                .average()
                .orElse(Double.NaN);
    }

    private static void row(Table table, String without, CircuitEvaluation.Completeness found) {
        table.row(
                without,
                String.valueOf(found.removed().size()),
                TableView.figure(found.circuitWithout()),
                TableView.figure(found.modelWithout()),
                TableView.figure(found.incompleteness()));
    }

    private static String of(Proportion proportion, String what) {
        return "than " + proportion.successes() + " of " + proportion.trials() + " " + what;
    }

    void writeJson(JsonGenerator json) {
        json.writeObjectPropertyStart("claims");
        JsonOutput.number(json, "equivalence_margin", equivalence.margin());
        json.writeNumberProperty("pairs_better", equivalence.better().successes());
        JsonOutput.number(json, "difference_p", equivalence.differenceP());
        JsonOutput.number(json, "equivalence_p", equivalence.equivalenceP());
        independence.ifPresent(test -> {
            JsonOutput.number(json, "independence_hsic", test.value());
            JsonOutput.number(json, "independence_p", test.p());
        });
        random.ifPresent(against -> {
            json.writeNumberProperty("random_draws", against.sufficiency().trials());
            json.writeNumberProperty(
                    "random_less_sufficient", against.sufficiency().successes());
            json.writeNumberProperty(
                    "random_less_necessary", against.necessity().successes());
            JsonOutput.number(json, "sufficiency_p", against.sufficiencyP());
            JsonOutput.number(json, "necessity_p", against.necessityP());
            json.writeObjectPropertyStart("minimality_p");
            minimality.forEach((edge, p) -> JsonOutput.number(json, edge.toString(), p));
            json.writeEndObject();
        });
        worst.ifPresent(found -> {
            json.writeObjectPropertyStart("completeness");
            json.writeArrayPropertyStart("removed");
            found.removed().forEach(edge -> json.writeString(edge.toString()));
            json.writeEndArray();
            without(json, found);
            json.writeEndObject();
            json.writeObjectPropertyStart("completeness_by_role");
            roles.forEach((role, of) -> {
                json.writeObjectPropertyStart(role);
                json.writeNumberProperty("edges", of.removed().size());
                without(json, of);
                json.writeEndObject();
            });
            json.writeEndObject();
            json.writeObjectPropertyStart("completeness_of_random_sets");
            json.writeNumberProperty("sets", sets.size());
            JsonOutput.number(json, "mean_distance", meanDistance());
            JsonOutput.number(
                    json,
                    "largest_distance",
                    sets.stream()
                            .mapToDouble(CircuitEvaluation.Completeness::incompleteness)
                            .max()
                            .orElse(Double.NaN));
            json.writeEndObject();
        });
        json.writeEndObject();
    }

    private static void without(JsonGenerator json, CircuitEvaluation.Completeness found) {
        JsonOutput.number(json, "circuit_without", found.circuitWithout());
        JsonOutput.number(json, "model_without", found.modelWithout());
    }
}
