package dev.hyaline.tools.report;

import dev.hyaline.analysis.causal.PathPatching;
import dev.hyaline.analysis.causal.SweepResult;
import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.table.ResultTable;
import java.util.List;

/** The matrix of a sweep of edges, for files. */
public record EdgeMatrix(List<Edge> edges) implements SweepReport.SecondTable {
    /** The name of its files. */
    public static final String NAME = "edges-matrix";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public ResultTable of(SweepResult result, ResultTable table) {
        return PathPatching.matrix(table, edges);
    }
}
