package dev.hyaline.tools.report;

import dev.hyaline.analysis.circuit.AttributionPatches;
import dev.hyaline.analysis.circuit.EdgeScores;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.tools.option.TopOption;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.JsonOutput;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import tools.jackson.core.JsonGenerator;

/** Attribution patching's estimates of queries, keys and values, of positions and of neurons. */
public record AttributionReport(EdgeScores scores, AttributionPatches patches) {
    private static final int SHOWN = 12;

    /** Mean and mean absolute estimate of one part of a head over the pairs, summed over positions. */
    private record Estimate(double mean, double size) {}

    void show(Console console, TopOption top) {
        Map<String, Estimate[]> parts = parts();
        List<String> heads = heads();
        Table table = new Table("head", ">query", ">fixed", ">key", ">fixed", ">value");
        IntStream.range(0, heads.size())
                .boxed()
                .sorted(Comparator.comparingDouble(head -> -largest(parts, head)))
                .limit(top.count(SHOWN))
                .forEach(head -> {
                    List<Object> row = new ArrayList<>(List.of(heads.get(head)));
                    parts.values().forEach(values -> row.add(values[head].mean));
                    table.row(row.toArray());
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
    private Map<String, Estimate[]> parts() {
        Map<String, Estimate[]> parts = new LinkedHashMap<>();
        parts.put("q", estimates(pair -> patches.of(AttributionPatches.Part.Q, pair)));
        parts.put("q_fixed", estimates(patches::fixedQueries));
        parts.put("k", estimates(pair -> patches.of(AttributionPatches.Part.K, pair)));
        parts.put("k_fixed", estimates(patches::fixedKeys));
        parts.put("v", estimates(pair -> patches.of(AttributionPatches.Part.V, pair)));
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

    /** The names of its columns in the table of nodes, each after a comma. */
    String csvHeader() {
        return parts().keySet().stream().map(name -> "," + name).collect(Collectors.joining());
    }

    /** The columns of each head in the table of nodes, by the head's name. */
    Map<String, String> csvByHead() {
        Map<String, Estimate[]> parts = parts();
        List<String> heads = heads();
        Map<String, String> columns = new LinkedHashMap<>();
        for (int head = 0; head < heads.size(); head++) {
            int of = head;
            columns.put(
                    heads.get(head),
                    parts.values().stream().map(values -> "," + values[of].mean).collect(Collectors.joining()));
        }
        return columns;
    }

    /** The estimates of what nodes write, by position. */
    String positionsCsv() {
        StringBuilder csv = new StringBuilder("pair,node,position,score\n");
        for (int pair = 0; pair < scores.pairs(); pair++) {
            append(csv, pair, patches.of(AttributionPatches.Part.Z, pair), Node.Head.class);
            append(csv, pair, patches.of(AttributionPatches.Part.MLP_OUT, pair), Node.Mlp.class);
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

    /** The estimates of neurons, their mean over the pairs. */
    String neuronsCsv() {
        double[] sums = patches.neurons(0);
        for (int pair = 1; pair < scores.pairs(); pair++) {
            double[] more = patches.neurons(pair);
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
        json.writeArrayPropertyStart("heads");
        List<String> heads = heads();
        Map<String, Estimate[]> parts = parts();
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
    }
}
