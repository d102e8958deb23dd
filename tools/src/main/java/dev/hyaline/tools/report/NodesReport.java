package dev.hyaline.tools.report;

import dev.hyaline.analysis.circuit.AttributionPatches;
import dev.hyaline.analysis.circuit.Circuit;
import dev.hyaline.analysis.circuit.EdgeScores;
import dev.hyaline.analysis.circuit.IterativeAblation;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.JsonOutput;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import tools.jackson.core.JsonGenerator;

/**
 * Nodes and what is known of each: their scores, which are the sums over the edges that leave them; what iterative
 * ablation found; the estimates of their queries and keys, positions and neurons.
 */
public record NodesReport(
        EdgeScores scores,
        Circuit circuit,
        Optional<IterativeAblation> iterative,
        Optional<AttributionPatches> patches) {
    private static final int SHOWN = 12;

    /** Mean and mean absolute estimate of one part of a head over the pairs, summed over positions. */
    private record Estimate(double mean, double size) {}

    void show(Console console) {
        iterative.ifPresent(found -> showIterative(console, found));
        patches.ifPresent(found -> showPatches(console, found));
    }

    private static void showIterative(Console console, IterativeAblation found) {
        Table table = new Table("node", ">lost alone", "single", "from the logits", "by effect");
        for (Node node : found.components()) {
            boolean any = found.single().essential().contains(node)
                    || found.fromLogits().essential().contains(node)
                    || found.byEffect().essential().contains(node);
            if (any) {
                table.row(
                        node + (found.disputed().contains(node) ? " *" : ""),
                        TableView.figure(found.necessity()[found.components().indexOf(node)]),
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
        outcomes(found)
                .forEach((name, outcome) -> ways.row(
                        name,
                        String.valueOf(outcome.essential().size()),
                        TableView.figure(outcome.sufficiency()),
                        TableView.figure(outcome.without()),
                        TableView.figure(outcome.completeness())));
        ways.print(console);
        console.out().println();
    }

    private static Map<String, IterativeAblation.Outcome> outcomes(IterativeAblation found) {
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

    private void showPatches(Console console, AttributionPatches found) {
        Map<String, Estimate[]> parts = parts(found);
        List<String> heads = heads();
        Table table = new Table("head", ">query", ">fixed", ">key", ">fixed", ">value");
        IntStream.range(0, heads.size())
                .boxed()
                .sorted(Comparator.comparingDouble(head -> -largest(parts, head)))
                .limit(SHOWN)
                .forEach(head -> {
                    List<String> row = new ArrayList<>(List.of(heads.get(head)));
                    parts.values().forEach(values -> row.add(TableView.figure(values[head].mean)));
                    table.row(row.toArray(String[]::new));
                });
        table.print(console);
        console.out()
                .println(console.dim("attribution of queries, keys and values, summed over positions; fixed: through"
                        + " the softmax itself"));
        console.out().println();
    }

    private static double largest(Map<String, Estimate[]> parts, int head) {
        return parts.values().stream()
                .mapToDouble(values -> Math.abs(values[head].mean))
                .max()
                .orElseThrow();
    }

    private List<String> heads() {
        return scores.senders().stream()
                .filter(Node.Head.class::isInstance)
                .map(Object::toString)
                .toList();
    }

    /** Estimates by part and head. */
    private Map<String, Estimate[]> parts(AttributionPatches found) {
        Map<String, Estimate[]> parts = new LinkedHashMap<>();
        parts.put("q", estimates(pair -> found.of(AttributionPatches.Part.Q, pair)));
        parts.put("q_fixed", estimates(found::fixedQueries));
        parts.put("k", estimates(pair -> found.of(AttributionPatches.Part.K, pair)));
        parts.put("k_fixed", estimates(found::fixedKeys));
        parts.put("v", estimates(pair -> found.of(AttributionPatches.Part.V, pair)));
        return parts;
    }

    private Estimate[] estimates(IntFunction<double[]> ofPair) {
        int heads = heads().size();
        double[] means = new double[heads];
        double[] sizes = new double[heads];
        for (int pair = 0; pair < scores.pairs(); pair++) {
            double[] values = ofPair.apply(pair);
            int length = values.length / heads;
            for (int head = 0; head < heads; head++) {
                double sum = Arrays.stream(values, head * length, (head + 1) * length)
                        .sum();
                means[head] += sum / scores.pairs();
                sizes[head] += Math.abs(sum) / scores.pairs();
            }
        }
        return IntStream.range(0, heads)
                .mapToObj(head -> new Estimate(means[head], sizes[head]))
                .toArray(Estimate[]::new);
    }

    /** The tables, by file name. */
    Map<String, String> files() {
        Map<String, String> files = new LinkedHashMap<>();
        files.put("nodes.csv", nodesCsv());
        patches.ifPresent(found -> {
            files.put("positions.csv", positionsCsv(found));
            files.put("neurons.csv", neuronsCsv(found));
        });
        return files;
    }

    private String nodesCsv() {
        StringBuilder csv = new StringBuilder("node,score,in_circuit");
        iterative.ifPresent(found -> csv.append(",lost_alone,single,from_logits,by_effect"));
        Optional<Map<String, Estimate[]>> parts = patches.map(this::parts);
        parts.ifPresent(of -> of.keySet().forEach(name -> csv.append(',').append(name)));
        csv.append('\n');
        double[] sums = scores.bySender();
        List<String> heads = heads();
        for (int s = 0; s < sums.length; s++) {
            Node node = scores.senders().get(s);
            csv.append(node)
                    .append(',')
                    .append(sums[s])
                    .append(',')
                    .append(circuit.nodes().contains(node));
            iterative.ifPresent(found -> {
                int at = found.components().indexOf(node);
                csv.append(',').append(at < 0 ? "" : found.necessity()[at]);
                outcomes(found)
                        .values()
                        .forEach(outcome ->
                                csv.append(',').append(outcome.essential().contains(node)));
            });
            parts.ifPresent(of -> of.values().forEach(values -> {
                int head = heads.indexOf(node.toString());
                csv.append(',').append(head < 0 ? "" : values[head].mean);
            }));
            csv.append('\n');
        }
        return csv.toString();
    }

    /** The estimates of what nodes write, by position. */
    private String positionsCsv(AttributionPatches found) {
        StringBuilder csv = new StringBuilder("pair,node,position,score\n");
        for (int pair = 0; pair < scores.pairs(); pair++) {
            append(csv, pair, found.of(AttributionPatches.Part.Z, pair), Node.Head.class);
            append(csv, pair, found.of(AttributionPatches.Part.MLP_OUT, pair), Node.Mlp.class);
        }
        return csv.toString();
    }

    private void append(StringBuilder csv, int pair, double[] values, Class<? extends Node> kind) {
        List<Node> nodes = scores.senders().stream().filter(kind::isInstance).toList();
        int length = values.length / nodes.size();
        for (int i = 0; i < values.length; i++) {
            csv.append(pair)
                    .append(',')
                    .append(nodes.get(i / length))
                    .append(',')
                    .append(i % length)
                    .append(',')
                    .append(values[i])
                    .append('\n');
        }
    }

    private String neuronsCsv(AttributionPatches found) {
        double[] sums = found.neurons(0);
        for (int pair = 1; pair < scores.pairs(); pair++) {
            double[] more = found.neurons(pair);
            Arrays.setAll(sums, i -> sums[i] + more[i]);
        }
        int width = scores.config().dMlp();
        StringBuilder csv = new StringBuilder("node,neuron,score\n");
        for (int i = 0; i < sums.length; i++) {
            csv.append('m')
                    .append(i / width)
                    .append(',')
                    .append(i % width)
                    .append(',')
                    .append(sums[i] / scores.pairs())
                    .append('\n');
        }
        return csv.toString();
    }

    void writeJson(JsonGenerator json) {
        iterative.ifPresent(found -> {
            json.writeObjectPropertyStart("iterative_ablation");
            outcomes(found).forEach((name, outcome) -> {
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
        });
        patches.ifPresent(found -> {
            json.writeArrayPropertyStart("heads");
            List<String> heads = heads();
            Map<String, Estimate[]> parts = parts(found);
            for (int head = 0; head < heads.size(); head++) {
                int of = head;
                json.writeStartObject();
                json.writeStringProperty("head", heads.get(head));
                parts.forEach((name, values) -> {
                    JsonOutput.number(json, name, values[of].mean);
                    JsonOutput.number(json, name + "_size", values[of].size);
                });
                json.writeEndObject();
            }
            json.writeEndArray();
        });
    }
}
