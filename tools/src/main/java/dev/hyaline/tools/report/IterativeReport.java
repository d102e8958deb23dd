package dev.hyaline.tools.report;

import dev.hyaline.analysis.circuit.IterativeAblation;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.JsonOutput;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.core.JsonGenerator;

/** The nodes that iterative ablation found essential, in each of its three orders. */
public record IterativeReport(IterativeAblation found) {
    void show(Console console) {
        Table table = new Table("node", ">lost alone", "single", "from the logits", "by effect");
        for (Node node : found.components()) {
            boolean any = found.single().essential().contains(node)
                    || found.fromLogits().essential().contains(node)
                    || found.byEffect().essential().contains(node);
            if (any) {
                table.row(
                        node + (found.disputed().contains(node) ? " *" : ""),
                        found.necessity()[found.components().indexOf(node)],
                        mark(found.single(), node),
                        mark(found.fromLogits(), node),
                        mark(found.byEffect(), node));
            }
        }
        table.print(console);
        console.out()
                .println(console.dim("essential nodes, with what the circuit loses of its faithfulness without each;"
                        + " * the ways disagree: often a backup"));
        console.out().println();
        Table ways = new Table("way", ">nodes", ">kept alone", ">without them", ">incompleteness");
        outcomes()
                .forEach((name, outcome) -> ways.row(
                        name,
                        String.valueOf(outcome.essential().size()),
                        outcome.sufficiency(),
                        outcome.without(),
                        outcome.completeness()));
        ways.print(console);
        console.out().println();
    }

    private Map<String, IterativeAblation.Outcome> outcomes() {
        Map<String, IterativeAblation.Outcome> outcomes = new LinkedHashMap<>();
        outcomes.put("single", found.single());
        outcomes.put("logits", found.fromLogits());
        outcomes.put("effect", found.byEffect());
        return outcomes;
    }

    private static String mark(IterativeAblation.Outcome outcome, Node node) {
        int at = outcome.essential().indexOf(node);
        return at < 0 ? "-" : TableView.figure(outcome.minimality()[at]);
    }

    /** The names of its columns in the table of nodes, each after a comma. */
    static String csvHeader() {
        return ",lost_alone,single,from_logits,by_effect";
    }

    /** Appends the columns of a node. */
    void appendCsv(StringBuilder csv, Node node) {
        int at = found.components().indexOf(node);
        csv.append(',').append(at < 0 ? "" : found.necessity()[at]);
        outcomes()
                .values()
                .forEach(outcome -> csv.append(',').append(outcome.essential().contains(node)));
    }

    void writeJson(JsonGenerator json) {
        json.writeObjectPropertyStart("iterative_ablation");
        outcomes().forEach((name, outcome) -> {
            json.writeObjectPropertyStart(name);
            json.writeArrayPropertyStart("essential");
            outcome.essential().forEach(node -> json.writeString(node.toString()));
            json.writeEndArray();
            JsonOutput.number(json, "sufficiency", outcome.sufficiency());
            JsonOutput.number(json, "without", outcome.without());
            JsonOutput.number(json, "incompleteness", outcome.completeness());
            json.writeEndObject();
        });
        json.writeArrayPropertyStart("disputed");
        found.disputed().forEach(node -> json.writeString(node.toString()));
        json.writeEndArray();
        json.writeObjectPropertyStart("necessity");
        for (int i = 0; i < found.necessity().length; i++) {
            JsonOutput.number(json, found.components().get(i).toString(), found.necessity()[i]);
        }
        json.writeEndObject();
        json.writeEndObject();
    }
}
