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
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JsonGenerator;

/**
 * Tests of what a circuit claims. Those against random circuits and edges are there if any were drawn.
 *
 * @param minimality p values by edge
 * @param worst the edges whose removal, found greedily, tells most between the circuit and the model
 */
public record ClaimsReport(
        CircuitClaims.ModelEquivalence equivalence,
        Optional<Hsic> independence,
        Optional<CircuitClaims.AgainstRandom> random,
        Map<Edge, Double> minimality,
        Optional<CircuitEvaluation.Completeness> worst) {
    private static final double MARGIN = 0.1;
    private static final double LEVEL = 0.05;
    private static final int MOST_REMOVED = 2;

    /**
     * Tests a circuit.
     *
     * @param draws random circuits and edges; with none, what takes many runs is left out
     */
    public static ClaimsReport of(CircuitExperiment judged, CircuitEvaluation evaluation, int draws, long seed) {
        Circuit circuit = evaluation.circuit();
        boolean drawn = draws > 0 && circuit.size() > 0 && circuit.size() < circuit.graphSize();
        return new ClaimsReport(
                CircuitClaims.equivalence(evaluation, MARGIN),
                judged.pairs().size() > 1
                        ? Optional.of(CircuitClaims.independence(evaluation, seed))
                        : Optional.empty(),
                drawn ? Optional.of(CircuitClaims.againstRandom(judged, circuit, draws, seed)) : Optional.empty(),
                drawn ? CircuitClaims.minimality(judged, circuit, draws, seed) : Map.of(),
                drawn ? Optional.of(CircuitEvaluation.worst(judged, circuit, MOST_REMOVED)) : Optional.empty());
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
        worst.ifPresent(found -> table.row(
                "complete: without "
                        + (found.removed().isEmpty()
                                ? "nothing"
                                : found.removed().getFirst()
                                        + (found.removed().size() > 1
                                                ? " and " + (found.removed().size() - 1) + " more"
                                                : "")),
                "circuit " + TableView.figure(found.circuitWithout()) + ", model "
                        + TableView.figure(found.modelWithout()),
                "-"));
        table.print(console);
        console.out().println(console.dim("a small p speaks for the claim; random: more than nine tenths of them"));
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
            JsonOutput.number(json, "circuit_without", found.circuitWithout());
            JsonOutput.number(json, "model_without", found.modelWithout());
            json.writeEndObject();
        });
        json.writeEndObject();
    }
}
