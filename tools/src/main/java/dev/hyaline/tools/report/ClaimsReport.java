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
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/**
 * Tests of what a circuit claims.
 *
 * @param independence null for a single pair
 * @param random null if no random circuits and edges were drawn
 * @param completeness null if none were drawn
 */
public record ClaimsReport(
        CircuitClaims.ModelEquivalence equivalence,
        @Nullable Hsic independence,
        @Nullable RandomClaims random,
        @Nullable CompletenessReport completeness) {
    private static final double MARGIN = 0.1;
    private static final double LEVEL = 0.05;

    /**
     * A circuit beside random circuits, and its edges beside random edges.
     *
     * @param minimality p values by edge
     */
    public record RandomClaims(CircuitClaims.AgainstRandom circuits, Map<Edge, Double> minimality) {
        static RandomClaims measure(CircuitExperiment judged, Circuit circuit, int draws, long seed) {
            int edgeDraws = Math.max(draws, CircuitClaims.minDraws(circuit.size(), LEVEL));
            return new RandomClaims(
                    CircuitClaims.againstRandom(judged, circuit, draws, seed),
                    CircuitClaims.minimality(judged, circuit, edgeDraws, seed));
        }
    }

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
                judged.pairs().size() > 1 ? CircuitClaims.independence(evaluation, seed) : null,
                drawn ? RandomClaims.measure(judged, circuit, draws, seed) : null,
                drawn ? CompletenessReport.measure(judged, circuit, roles, seed) : null);
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
        if (independence != null) {
            table.row(
                    "what is left depends on the model's metric",
                    "HSIC " + TableView.figure(independence.value()),
                    TableView.figure(independence.p()));
        }
        if (random != null) {
            show(table, random);
        }
        table.print(console);
        console.out().println(console.dim("a small p speaks for the claim; random: more than nine tenths of them"));
        if (completeness != null) {
            completeness.show(console);
        }
    }

    private static void show(Table table, RandomClaims random) {
        CircuitClaims.AgainstRandom circuits = random.circuits;
        table.row(
                "sufficient: nearer to the model than random ones",
                of(circuits.sufficiency(), "random circuits"),
                TableView.figure(circuits.sufficiencyP()));
        table.row(
                "necessary: missed more than random ones",
                of(circuits.necessity(), "random circuits"),
                TableView.figure(circuits.necessityP()));
        table.row(
                "minimal: edges that matter more than random ones",
                random.minimality.values().stream().filter(p -> p < LEVEL).count() + " of " + random.minimality.size()
                        + " edges (Holm, " + LEVEL + ")",
                "-");
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
        if (independence != null) {
            JsonOutput.number(json, "independence_hsic", independence.value());
            JsonOutput.number(json, "independence_p", independence.p());
        }
        if (random != null) {
            writeJson(json, random);
        }
        if (completeness != null) {
            completeness.writeJson(json);
        }
        json.writeEndObject();
    }

    private static void writeJson(JsonGenerator json, RandomClaims random) {
        CircuitClaims.AgainstRandom circuits = random.circuits;
        json.writeNumberProperty("random_draws", circuits.sufficiency().trials());
        json.writeNumberProperty(
                "random_less_sufficient", circuits.sufficiency().successes());
        json.writeNumberProperty("random_less_necessary", circuits.necessity().successes());
        JsonOutput.number(json, "sufficiency_p", circuits.sufficiencyP());
        JsonOutput.number(json, "necessity_p", circuits.necessityP());
        json.writeObjectPropertyStart("minimality_p");
        random.minimality.forEach((edge, p) -> JsonOutput.number(json, edge.toString(), p));
        json.writeEndObject();
    }
}
