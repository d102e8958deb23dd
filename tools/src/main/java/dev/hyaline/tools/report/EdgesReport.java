package dev.hyaline.tools.report;

import dev.hyaline.analysis.circuit.Circuit;
import dev.hyaline.analysis.circuit.EdgeScores;
import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.tools.option.TopOption;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.JsonOutput;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import tools.jackson.core.JsonGenerator;

/**
 * Edges, their scores and, of those in a circuit, their exact effects.
 *
 * @param scores of all edges
 * @param judgedOn the pairs that the circuit is judged on
 * @param effects on these pairs, {@code [edges of the circuit][pairs]}
 */
public record EdgesReport(EdgeScores scores, Circuit circuit, PromptPairs judgedOn, double[][] effects) {
    private static final int SHOWN = 20;

    /** The circuit's edges by number, the largest scores first. */
    private List<Integer> ranked() {
        List<Edge> edges = circuit.edges();
        return IntStream.range(0, edges.size())
                .boxed()
                .sorted(Comparator.comparingDouble(i -> -Math.abs(scores.of(edges.get(i)))))
                .toList();
    }

    /** The names of the circuit's edges, the largest scores first. */
    List<String> rankedNames() {
        return ranked().stream().map(i -> circuit.edges().get(i).toString()).toList();
    }

    void show(Console console, TopOption top) {
        List<Edge> edges = circuit.edges();
        int shown = top.count(SHOWN);
        Table table = new Table("edge", ">score", ">exact effect", ">95 % interval");
        ranked().stream().limit(shown).forEach(i -> {
            double[] effect = effects[i];
            table.row(
                    edges.get(i).toString(),
                    scores.of(edges.get(i)),
                    MeanInterval.mean(effect),
                    MeanInterval.of(effect, judgedOn).toString());
        });
        table.print(console);
        if (edges.size() > shown) {
            console.out().println(console.dim("the " + shown + " with the largest scores"));
        }
        console.out().println(console.dim(TableView.units(judgedOn)));
        console.out().println(console.dim("interval: 95%, clustered t"));
    }

    /** All edges of the graph. */
    String csv() {
        StringBuilder csv = new StringBuilder("edge,score,in_circuit,exact_effect,low,high\n");
        List<Edge> kept = circuit.edges();
        double[] values = scores.values();
        List<Edge> all = Circuit.full(scores.config()).edges();
        for (int e = 0; e < values.length; e++) {
            int at = kept.indexOf(all.get(e));
            csv.append(all.get(e)).append(',').append(values[e]).append(',').append(at >= 0);
            if (at >= 0) {
                csv.append(',')
                        .append(MeanInterval.mean(effects[at]))
                        .append(MeanInterval.of(effects[at], judgedOn).csv());
            } else {
                csv.append(",,,");
            }
            csv.append('\n');
        }
        return csv.toString();
    }

    void writeJson(JsonGenerator json) {
        json.writeArrayPropertyStart("edges");
        List<Edge> edges = circuit.edges();
        for (int i = 0; i < edges.size(); i++) {
            json.writeStartObject();
            json.writeStringProperty("edge", edges.get(i).toString());
            JsonOutput.number(json, "score", scores.of(edges.get(i)));
            JsonOutput.number(json, "exact_effect", MeanInterval.mean(effects[i]));
            MeanInterval interval = MeanInterval.of(effects[i], judgedOn);
            JsonOutput.number(json, "low", interval.low());
            JsonOutput.number(json, "high", interval.high());
            json.writeEndObject();
        }
        json.writeEndArray();
    }
}
