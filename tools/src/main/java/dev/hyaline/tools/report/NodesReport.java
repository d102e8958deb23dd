package dev.hyaline.tools.report;

import dev.hyaline.analysis.circuit.Circuit;
import dev.hyaline.analysis.circuit.EdgeScores;
import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.tools.option.TopOption;
import dev.hyaline.tools.terminal.Console;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/**
 * Nodes and what is known of each. A node's score is the sum over the edges that leave it.
 *
 * @param iterative null if there was no iterative ablation
 * @param attribution null if only edges were scored
 */
public record NodesReport(
        EdgeScores scores,
        Circuit circuit,
        NodeRoles roles,
        @Nullable IterativeReport iterative,
        @Nullable AttributionReport attribution) {
    void show(Console console, TopOption top) {
        showNodes(console);
        console.out().println();
        if (iterative != null) {
            iterative.show(console);
        }
        if (attribution != null) {
            attribution.show(console, top);
        }
    }

    private void showNodes(Console console) {
        Table table = new Table("role", "node", "reads most from", "writes most to");
        roles.groups().forEach((role, nodes) -> {
            for (Node node : nodes) {
                table.row(
                        node.equals(nodes.getFirst()) ? role : "",
                        node.toString(),
                        largest(circuit.edges().stream()
                                        .filter(edge -> edge.receiver().node().equals(node))
                                        .toList())
                                .map(edge -> edge.sender() + part(edge))
                                .orElse("-"),
                        largest(circuit.edges().stream()
                                        .filter(edge -> edge.sender().equals(node))
                                        .toList())
                                .map(edge -> edge.receiver().toString())
                                .orElse("-"));
            }
        });
        table.print(console);
    }

    private static String part(Edge edge) {
        return edge.receiver().toString().endsWith(">")
                ? " (" + edge.receiver().part().name().toLowerCase(Locale.ROOT) + ")"
                : "";
    }

    private Optional<Edge> largest(List<Edge> edges) {
        return edges.stream().max(Comparator.comparingDouble(edge -> Math.abs(scores.of(edge))));
    }

    /** The tables, by file name. */
    Map<String, String> files() {
        Map<String, String> files = new LinkedHashMap<>();
        files.put("nodes.csv", csv());
        if (attribution != null) {
            files.put("positions.csv", attribution.positionsCsv());
            files.put("neurons.csv", attribution.neuronsCsv());
        }
        return files;
    }

    private String csv() {
        StringBuilder csv = new StringBuilder("node,score,in_circuit");
        if (iterative != null) {
            csv.append(IterativeReport.csvHeader());
        }
        if (attribution != null) {
            csv.append(attribution.csvHeader());
        }
        csv.append('\n');
        double[] sums = scores.bySender();
        Map<String, String> estimates = attribution == null ? Map.of() : attribution.csvByHead();
        String none = attribution == null ? "" : attribution.csvHeader().replaceAll("[^,]", "");
        for (int s = 0; s < sums.length; s++) {
            Node node = scores.senders().get(s);
            csv.append(node)
                    .append(',')
                    .append(sums[s])
                    .append(',')
                    .append(circuit.nodes().contains(node));
            if (iterative != null) {
                iterative.appendCsv(csv, node);
            }
            csv.append(estimates.getOrDefault(node.toString(), none)).append('\n');
        }
        return csv.toString();
    }

    void writeJson(JsonGenerator json) {
        json.writeArrayPropertyStart("nodes");
        for (Node node : circuit.nodes()) {
            json.writeStartObject();
            json.writeStringProperty("node", node.toString());
            json.writeStringProperty("role", roles.of(node));
            if (roles.kinds().containsKey(node)) {
                json.writeStringProperty("looks_at", roles.kinds().get(node));
            }
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    /** Writes what is known of nodes beyond their scores. */
    void writeMethodsJson(JsonGenerator json) {
        if (iterative != null) {
            iterative.writeJson(json);
        }
        if (attribution != null) {
            attribution.writeJson(json);
        }
    }
}
