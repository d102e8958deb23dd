package dev.hyaline.explorer.report;

import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.analysis.table.HeatMap;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.explorer.DataTable;
import dev.hyaline.explorer.Figure;
import dev.hyaline.explorer.Prose;
import dev.hyaline.explorer.Section;
import dev.hyaline.explorer.ShownNumber;
import dev.hyaline.explorer.TableCell;
import dev.hyaline.explorer.TableColumn;
import dev.hyaline.explorer.Tone;
import dev.hyaline.explorer.View;
import dev.hyaline.explorer.plot.IntervalPlot;
import dev.hyaline.explorer.plot.IntervalPlot.IntervalRow;
import dev.hyaline.explorer.plot.NullPlot;
import dev.hyaline.explorer.plot.StepPlot;
import dev.hyaline.explorer.plot.StepPlot.StepLine;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a report says of components: heads one at a time, the circuit, its controls, interactions. */
final class CircuitParts {
    private CircuitParts() {}

    static List<View> views(ReportNode report) {
        List<View> views = new ArrayList<>();
        views.add(report.get("heads")
                .map(CircuitParts::heads)
                .orElseGet(() -> MissingPart.section("Heads", "No head was ablated by itself")));
        views.add(report.path("discovery", "circuit")
                .map(members -> circuit(report, report.path("discovery").orElseThrow()))
                .orElseGet(() -> MissingPart.section("Circuit", "No circuit was searched for")));
        views.add(controls(report));
        views.add(interactions(report));
        return views;
    }

    private static View heads(ReportNode heads) {
        double[] loss = heads.numbers("loss");
        double[] low = heads.numbers("low");
        double[] high = heads.numbers("high");
        int layers = heads.get("layers").orElse(heads).json().integer(1, 1 << 12);
        int perLayer = heads.get("heads").orElse(heads).json().integer(1, 1 << 12);
        ResultTable table = ResultTable.of(
                        "Loss when one head is ablated",
                        "loss",
                        heads.text("unit", ""),
                        List.of(Axis.layers(layers), Axis.heads(perLayer)),
                        List.of("mean"),
                        loss)
                .neutralAt(0);
        DataTable numbers = DataTable.of(
                "Heads ablated one at a time (" + heads.at("loss") + ", in this order)",
                TableColumn.text("head", "head"),
                TableColumn.number("loss", "loss"),
                TableColumn.interval("interval", "interval"));
        int largest = 0;
        for (int head = 0; head < loss.length; head++) {
            largest = loss[head] > loss[largest] ? head : largest;
            numbers = numbers.row(
                    TableCell.of(name(head, perLayer)),
                    TableCell.of(loss[head]),
                    TableCell.of(interval(low, high, head)));
        }
        return Section.of(
                "Heads",
                "A list of what single ablation finds is not a circuit: heads can stand in for one another, and"
                        + " effects of opposite sign cancel in a mean.",
                new Figure(
                        "The mean loss when one head is ablated, clean minus edited: red heads are needed, blue ones"
                                + " stand in the way. The intervals are in the table.",
                        HeatMap.of(table),
                        "Heat map of " + layers + " layers by " + perLayer + " heads. The largest loss is that of "
                                + name(largest, perLayer) + ", " + ShownNumber.of(loss[largest]) + ".",
                        numbers));
    }

    /** A head's interval; null where there is none. */
    private static @Nullable Interval interval(double[] low, double[] high, int head) {
        return head < low.length && head < high.length && low[head] <= high[head]
                ? new Interval(low[head], high[head])
                : null;
    }

    private static String name(int head, int perLayer) {
        return head / perLayer + "." + head % perLayer;
    }

    private static View circuit(ReportNode report, ReportNode circuit) {
        List<String> members = circuit.texts("circuit");
        double tau = report.path("hypothesis", "investigation", "circuit")
                .map(search -> search.number("tau"))
                .orElse(Double.NaN);
        List<ReportNode> path = circuit.list("path");
        List<View> views = new ArrayList<>();
        views.add(Prose.of("Members (" + circuit.at("circuit") + "): " + String.join(", ", members) + "."));
        if (!path.isEmpty()) {
            views.add(removals(circuit, path, members.size(), tau));
        }
        report.get("circuit_tests").ifPresent(tests -> views.add(tests(tests)));
        return new Section(
                "Circuit",
                "Iterative ablation takes away, one after the other, the component without which the metric stays"
                    + " nearest to the model's, prompt by prompt; the circuit is what is left when the next would pass"
                    + " the bound.",
                views);
    }

    private static View tests(ReportNode tests) {
        DataTable table = DataTable.of(
                "Tests of the circuit on held-out prompts. Alone it keeps "
                        + ShownNumber.of(tests.number("sufficiency"))
                        + " of the gap (" + tests.at("sufficiency") + "), and the model without it loses "
                        + ShownNumber.of(tests.number("necessity")) + " of it (" + tests.at("necessity")
                        + "). Of a complete circuit the loss of a member does to the circuit what it does to the model,"
                        + " and each member of a minimal one changes more than nine tenths of the others would",
                TableColumn.text("without", "component"),
                TableColumn.number("circuit keeps", "circuit_without"),
                TableColumn.number("model keeps", "model_without"),
                TableColumn.number("distance", "incompleteness"),
                TableColumn.number("change of the metric", "change"),
                TableColumn.number("others that change less", "share_exceeded"),
                TableColumn.pValue("adjusted p", "adjusted_p"));
        for (ReportNode member : tests.list("members")) {
            table = table.rowAt(
                    member.address(),
                    TableCell.of(member.text("component", "")),
                    TableCell.of(member.number("circuit_without")),
                    TableCell.of(member.number("model_without")),
                    TableCell.of(member.number("incompleteness")),
                    TableCell.of(member.number("change")),
                    TableCell.of(member.number("share_exceeded")),
                    TableCell.of(member.number("adjusted_p")));
        }
        return table;
    }

    private static View removals(ReportNode circuit, List<ReportNode> path, int members, double tau) {
        List<String> steps = path.stream().map(step -> step.text("removed", "")).toList();
        double[] deviations =
                path.stream().mapToDouble(step -> step.number("deviation")).toArray();
        double gap = Math.abs(circuit.number("gap"));
        double[] shares = new double[deviations.length];
        for (int i = 0; i < shares.length; i++) {
            shares[i] = deviations[i] / gap;
        }
        DataTable numbers = DataTable.of(
                "Removals in order",
                TableColumn.text("removed", "removed"),
                TableColumn.number("mean distance", "deviation"),
                TableColumn.text("would have come next", "runner_up"),
                TableColumn.number("margin", "margin"));
        for (ReportNode step : path) {
            numbers = numbers.rowAt(
                    step.address(),
                    TableCell.of(step.text("removed", "")),
                    TableCell.of(step.number("deviation")),
                    TableCell.of(step.text("runner_up", "-")),
                    TableCell.of(step.number("margin")));
        }
        int marked = Math.max(0, steps.size() - members);
        return new Figure(
                "The components in the order in which they were taken away, and how far the metric then is from the"
                        + " model's: the mean over prompts of the absolute distance, as a share of the gap, so that"
                        + " gains and losses do not cancel. The line across is the bound.",
                StepPlot.of(
                        "mean absolute distance / gap",
                        steps,
                        List.of(new StepLine("mean absolute distance", shares)),
                        marked,
                        "circuit: " + members + " left",
                        Double.isNaN(tau) ? new double[0] : new double[] {tau}),
                "A line over " + steps.size() + " removals. The circuit is what is left after " + marked
                        + "; the next removal passes a mean distance of " + ShownNumber.of(tau) + " of the gap.",
                numbers);
    }

    private static View controls(ReportNode report) {
        List<ReportNode> controls = report.list("controls");
        if (controls.isEmpty()) {
            return MissingPart.section("Controls", "No random controls were run");
        }
        List<View> figures = new ArrayList<>();
        for (ReportNode control : controls) {
            double[] draws = control.numbers("draws");
            double observed = control.number("observed");
            String p = "p = " + ShownNumber.pValue(control.number("p"));
            String name = control.text("name", "");
            DataTable numbers = DataTable.of(
                            name,
                            TableColumn.number("observed", "observed"),
                            TableColumn.number("draws", "draws"),
                            TableColumn.pValue("p", "p"))
                    .rowAt(
                            control.address(),
                            TableCell.of(observed),
                            TableCell.of(draws.length),
                            TableCell.of(control.number("p")));
            figures.add(new Figure(
                    name + ": what " + draws.length + " random draws gave, and what was observed (the line).",
                    NullPlot.of(
                            control.text("quantity", ""),
                            draws,
                            observed,
                            "observed " + ShownNumber.of(observed) + ", " + p),
                    "Histogram of " + draws.length + " draws, with a line at the observed " + ShownNumber.of(observed)
                            + ". The rank gives " + p + ".",
                    numbers));
        }
        return new Section(
                "Controls",
                "The observed value must be beyond what the draws give: random components, as many in the same layers,"
                        + " or random directions of the same size.",
                figures);
    }

    private static View interactions(ReportNode report) {
        List<ReportNode> pairs = report.list("interactions");
        List<ReportNode> values = report.list("shapley");
        if (pairs.isEmpty() && values.isEmpty()) {
            return MissingPart.section("Interactions", "No components were edited two at a time");
        }
        List<View> views = new ArrayList<>();
        if (!pairs.isEmpty()) {
            views.add(pairs(pairs));
        }
        if (!values.isEmpty()) {
            DataTable table = DataTable.of(
                    "Shapley values",
                    TableColumn.text("component", "component"),
                    TableColumn.number("value", "value"),
                    TableColumn.number("standard error", "standard_error"));
            for (ReportNode value : values) {
                table = table.rowAt(
                        value.address(),
                        TableCell.of(value.text("component", "")),
                        TableCell.of(value.number("value")),
                        TableCell.of(value.number("standard_error")));
            }
            views.add(table);
        }
        return new Section(
                "Interactions",
                "Two components together against each alone: below 0 losing both costs more than the sum (redundant),"
                        + " above 0 less (serial).",
                views);
    }

    private static View pairs(List<ReportNode> pairs) {
        List<IntervalRow> rows = new ArrayList<>();
        DataTable table = DataTable.of(
                "Interactions of pairs",
                TableColumn.text("pair", "pair"),
                TableColumn.text("kind", "word"),
                TableColumn.number("interaction", "estimate"),
                TableColumn.interval("interval", "interval"),
                TableColumn.pValue("adjusted p", "adjusted_p"));
        for (ReportNode pair : pairs.subList(0, Math.min(pairs.size(), IntervalPlot.MAX_ROWS))) {
            rows.add(new IntervalRow(
                    name(pair),
                    pair.number("estimate"),
                    pair.interval("interval"),
                    Tone.PLAIN,
                    ShownNumber.of(pair.number("estimate"), pair.interval("interval"))));
        }
        for (ReportNode pair : pairs) {
            table = table.rowAt(
                    pair.address(),
                    TableCell.of(name(pair)),
                    TableCell.of(pair.text("word", "")),
                    TableCell.of(pair.number("estimate")),
                    TableCell.of(pair.interval("interval")),
                    TableCell.of(pair.number("adjusted_p")));
        }
        return new Figure(
                "Interactions of pairs with their intervals.",
                IntervalPlot.of("interaction", rows, null),
                "Interactions of " + rows.size() + " pairs with intervals; the numbers are in the table below.",
                table);
    }

    private static String name(ReportNode pair) {
        return pair.text("a", "") + " with " + pair.text("b", "");
    }
}
