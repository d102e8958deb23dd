package dev.hyaline.tools.report;

import dev.hyaline.analysis.circuit.Circuit;
import dev.hyaline.analysis.circuit.CircuitCurve;
import dev.hyaline.analysis.circuit.CircuitExperiment;
import dev.hyaline.analysis.circuit.CircuitRecovery;
import dev.hyaline.analysis.circuit.EdgeScores;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.statistics.association.Correlation;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.JsonOutput;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/**
 * Methods that score edges, side by side.
 *
 * @param pairs those that the edges were scored on
 * @param scores of each method, the exact effects first
 * @param curves of each method
 * @param known null if no known circuit was given
 */
public record CircuitComparison(
        String model,
        PromptPairs pairs,
        CircuitExperiment judged,
        List<EdgeScores> scores,
        CurvesReport curves,
        @Nullable Circuit known) {
    private static final double LARGE_SHARE = 0.1;

    public void show(Console console) {
        StudyHeading.print(
                console,
                model,
                pairs,
                ", judged on " + judged.pairs().size() + ", " + judged.metric().quantity() + ", "
                        + judged.ablation().description() + " ablation");
        List<String> headings = new ArrayList<>(List.of(
                "scores", ">Spearman", ">largest 10 %", ">Pearson", ">f at 1 %", ">2 %", ">5 %", ">CPR", ">CMD"));
        if (known != null) {
            headings.addAll(List.of(">AUROC", ">as MIB"));
        }
        Table table = new Table(headings.toArray(String[]::new));
        for (int i = 0; i < scores.size(); i++) {
            EdgeScores of = scores.get(i);
            List<CircuitCurve.Point> points = curves.signed().get(i).points();
            List<Object> row = new ArrayList<>(List.of(
                    of.method(),
                    spearman(of, scores.getFirst()),
                    spearmanOfLargest(of, scores.getFirst()),
                    pearson(of, scores.getFirst()),
                    points.get(3).faithfulness(),
                    points.get(4).faithfulness(),
                    points.get(5).faithfulness(),
                    curves.signed().get(i).area(),
                    curves.absolute().get(i).areaFromOne()));
            if (known != null) {
                CircuitRecovery recovery = CircuitRecovery.of(of, known, true);
                row.add(recovery.auroc());
                row.add(recovery.mib());
            }
            table.row(row.toArray());
        }
        table.print(console);
        console.out()
                .println(console.dim("Spearman and Pearson: with the exact effects of all edges, and of the tenth with"
                        + " the largest."));
        console.out()
                .println(console.dim("f: faithfulness of circuits by score; CPR: area by score, CMD: area from 1 by"
                        + " absolute score."));
    }

    public void writeJson(JsonGenerator json) {
        json.writeStringProperty("model", model);
        json.writeStringProperty("metric", judged.metric().name());
        json.writeStringProperty("ablation", judged.ablation().description());
        json.writeStringProperty("input", judged.input().toString());
        json.writeArrayPropertyStart("methods");
        for (int i = 0; i < scores.size(); i++) {
            EdgeScores of = scores.get(i);
            json.writeStartObject();
            json.writeStringProperty("method", of.method());
            JsonOutput.number(json, "spearman", spearman(of, scores.getFirst()));
            JsonOutput.number(json, "spearman_of_largest", spearmanOfLargest(of, scores.getFirst()));
            JsonOutput.number(json, "pearson", pearson(of, scores.getFirst()));
            JsonOutput.number(json, "cpr", curves.signed().get(i).area());
            JsonOutput.number(json, "cmd", curves.absolute().get(i).areaFromOne());
            if (known != null) {
                CircuitRecovery recovery = CircuitRecovery.of(of, known, true);
                JsonOutput.number(json, "auroc_absolute", recovery.auroc());
                JsonOutput.number(json, "auroc_mib", recovery.mib());
            }
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private static double spearman(EdgeScores scores, EdgeScores exact) {
        return Correlation.spearman(scores.values(), exact.values())
                .map(Correlation.Spearman::rho)
                .orElse(Double.NaN);
    }

    private static double pearson(EdgeScores scores, EdgeScores exact) {
        return Correlation.pearson(scores.values(), exact.values())
                .map(Correlation.Pearson::r)
                .orElse(Double.NaN);
    }

    /** Rank correlation of the edges with the largest exact effects: among the others, ranks are of no consequence. */
    private static double spearmanOfLargest(EdgeScores scores, EdgeScores exact) {
        double[] values = scores.values();
        double[] effects = exact.values();
        int[] largest = IntStream.range(0, effects.length)
                .boxed()
                .sorted(Comparator.comparingDouble(e -> -Math.abs(effects[e])))
                .limit(Math.round(Math.ceil(LARGE_SHARE * effects.length)))
                .mapToInt(Integer::intValue)
                .toArray();
        return Correlation.spearman(
                        IntStream.of(largest).mapToDouble(e -> values[e]).toArray(),
                        IntStream.of(largest).mapToDouble(e -> effects[e]).toArray())
                .map(Correlation.Spearman::rho)
                .orElse(Double.NaN);
    }
}
