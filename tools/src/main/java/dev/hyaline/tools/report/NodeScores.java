package dev.hyaline.tools.report;

import dev.hyaline.analysis.causal.SweepResult;
import dev.hyaline.analysis.sparse.splice.LatentScores;
import dev.hyaline.analysis.sparse.splice.SpliceNode;
import dev.hyaline.analysis.statistics.association.Correlation;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.tools.terminal.Console;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Nodes of autoencoders with their exact effects, which is what the metric loses without each, beside estimates of
 * them.
 *
 * @param nodes of the sweep, in its order
 * @param estimates by name, each of all autoencoders
 */
public record NodeScores(List<SpliceNode> nodes, Map<String, List<LatentScores>> estimates)
        implements SweepReport.SecondTable {
    private static final String NAME = "latent-scores";
    /** What is lost without a node: the sign of the estimates, and opposite to the change that an ablation makes. */
    private static final String EXACT = "exact";

    public NodeScores {
        nodes = List.copyOf(nodes);
        estimates = new LinkedHashMap<>(estimates);
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public ResultTable of(SweepResult result, ResultTable table) {
        List<String> measures = new ArrayList<>(List.of(EXACT));
        measures.addAll(estimates.keySet());
        double[] clean = result.baselines().clean();
        double[] values = new double[nodes.size() * measures.size() * clean.length];
        int at = 0;
        for (int cell = 0; cell < nodes.size(); cell++) {
            double[] ablated = result.table().values(cell);
            for (int pair = 0; pair < clean.length; pair++) {
                values[at++] = clean[pair] - ablated[pair];
            }
            for (List<LatentScores> scores : estimates.values()) {
                for (int pair = 0; pair < clean.length; pair++) {
                    values[at++] = of(scores, nodes.get(cell)).ofPair(pair, nodes.get(cell));
                }
            }
        }
        ResultTable made = ResultTable.of(
                        "What nodes contribute (clean less ablated), and estimates",
                        result.table().quantity(),
                        result.table().unit(),
                        List.of(table.axes().getFirst(), new Axis("measure", measures)),
                        table.samples(),
                        values)
                .ofSamples(table.sampleKind())
                .from(table.origin())
                .neutralAt(0);
        return table.units().map(made::ofUnits).orElse(made);
    }

    private static LatentScores of(List<LatentScores> scores, SpliceNode node) {
        return scores.stream()
                .filter(one -> one.attachment().equals(node.attachment()))
                .findFirst()
                .orElseThrow();
    }

    @Override
    public void show(Console console, ResultTable table) {
        List<String> measures = table.axes().getLast().labels();
        List<String> headings = new ArrayList<>(List.of(table.axes().getFirst().name()));
        measures.forEach(measure -> headings.add(">" + measure));
        Table shown = new Table(headings.toArray(String[]::new));
        for (int cell = 0; cell < nodes.size(); cell++) {
            List<Object> row =
                    new ArrayList<>(List.of(table.axes().getFirst().labels().get(cell)));
            for (int m = 0; m < measures.size(); m++) {
                row.add(table.meanAt(cell, m));
            }
            shown.row(row.toArray());
        }
        console.out().println();
        console.out().println(console.bold(table.title()) + "  " + console.dim(table.quantity()));
        shown.print(console);
        for (int m = 1; m < measures.size(); m++) {
            correlation(table, m).ifPresent(r -> console.out().println(console.dim(r)));
        }
    }

    private Optional<String> correlation(ResultTable table, int measure) {
        double[] effects = new double[nodes.size()];
        double[] estimated = new double[nodes.size()];
        Arrays.setAll(effects, cell -> table.meanAt(cell, 0));
        Arrays.setAll(estimated, cell -> table.meanAt(cell, measure));
        return Correlation.pearson(effects, estimated)
                .map(pearson -> String.format(
                        Locale.ROOT,
                        "%s: correlation with the exact %.3f over %d nodes",
                        table.axes().getLast().labels().get(measure),
                        pearson.r(),
                        nodes.size()));
    }
}
