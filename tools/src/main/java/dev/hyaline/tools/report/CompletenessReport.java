package dev.hyaline.tools.report;

import dev.hyaline.analysis.circuit.Circuit;
import dev.hyaline.analysis.circuit.CircuitEvaluation;
import dev.hyaline.analysis.circuit.CircuitExperiment;
import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.JsonOutput;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JsonGenerator;

/**
 * The effects that taking edges away has on a circuit and on the model: a complete circuit loses as much as the model.
 *
 * @param worst the edges whose removal, found greedily, tells most between the circuit and the model
 * @param roles all edges that leave the nodes of a role, by role
 * @param sets random sets of the circuit's edges
 */
public record CompletenessReport(
        CircuitEvaluation.Completeness worst,
        Map<String, CircuitEvaluation.Completeness> roles,
        List<CircuitEvaluation.Completeness> sets) {
    private static final int MAX_REMOVED = 2;
    private static final int RANDOM_SETS = 10;

    static CompletenessReport measure(CircuitExperiment judged, Circuit circuit, NodeRoles roles, long seed) {
        return new CompletenessReport(
                CircuitEvaluation.worst(judged, circuit, MAX_REMOVED),
                byRole(judged, circuit, roles),
                CircuitEvaluation.completeness(
                        judged, circuit, CircuitEvaluation.randomSets(circuit, RANDOM_SETS, seed)));
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
        Table table = new Table("complete: without what leaves", ">edges", ">circuit", ">model", ">distance");
        roles.forEach((role, found) -> row(table, role, found));
        sets.stream()
                .max(Comparator.comparingDouble(CircuitEvaluation.Completeness::incompleteness))
                .ifPresent(found -> row(table, "the worst of " + sets.size() + " random halves", found));
        row(
                table,
                worst.removed().isEmpty()
                        ? "nothing"
                        : worst.removed().getFirst()
                                + (worst.removed().size() > 1
                                        ? " and " + (worst.removed().size() - 1) + " more"
                                        : "")
                                + ", found greedily",
                worst);
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

    void writeJson(JsonGenerator json) {
        json.writeObjectPropertyStart("completeness");
        json.writeArrayPropertyStart("removed");
        worst.removed().forEach(edge -> json.writeString(edge.toString()));
        json.writeEndArray();
        without(json, worst);
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
    }

    private static void without(JsonGenerator json, CircuitEvaluation.Completeness found) {
        JsonOutput.number(json, "circuit_without", found.circuitWithout());
        JsonOutput.number(json, "model_without", found.modelWithout());
    }
}
