package dev.hyaline.explorer.report;

import dev.hyaline.explorer.DataTable;
import dev.hyaline.explorer.Figure;
import dev.hyaline.explorer.Section;
import dev.hyaline.explorer.ShownNumber;
import dev.hyaline.explorer.TableCell;
import dev.hyaline.explorer.TableColumn;
import dev.hyaline.explorer.Tone;
import dev.hyaline.explorer.View;
import dev.hyaline.explorer.plot.IntervalPlot;
import dev.hyaline.explorer.plot.IntervalPlot.IntervalRow;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** What else could explain the result, and what it depends on: rivals, robustness, power. */
final class RivalParts {
    private RivalParts() {}

    static List<View> views(ReportNode report) {
        return List.of(rivals(report), robustness(report), power(report));
    }

    private static View rivals(ReportNode report) {
        List<ReportNode> rivals = report.list("alternatives");
        if (rivals.isEmpty()) {
            return MissingPart.section("Alternatives", "No alternative was tested");
        }
        DataTable table = DataTable.of(
                "Alternatives",
                TableColumn.text("alternative", "name"),
                TableColumn.text("outcome", "excluded"),
                TableColumn.text("required", "required"),
                TableColumn.number("figure", "figure").ofAllKinds(),
                TableColumn.number("bound", "bound").ofAllKinds(),
                TableColumn.text("test", "test"));
        Set<String> claims = new LinkedHashSet<>();
        for (ReportNode rival : rivals) {
            claims.addAll(rival.names("predicts"));
            String word = word(rival);
            table = table.rowAt(
                    rival.address(),
                    TableCell.of(rival.text("name", "")),
                    TableCell.of(word, ReportNode.toneOf(word)),
                    TableCell.of(rival.flag("required", false) ? "required" : ""),
                    TableCell.of(rival.number("figure")),
                    TableCell.of(rival.number("bound")),
                    TableCell.of(rival.text("test", "")));
        }
        List<View> views = new ArrayList<>(List.of(table));
        if (!claims.isEmpty()) {
            views.add(predictions(rivals, claims));
        }
        return new Section("Alternatives", "Each is excluded only by its own test.", views);
    }

    private static String word(ReportNode rival) {
        if (rival.get("excluded").isEmpty()) {
            return "not tested";
        }
        return rival.flag("excluded", false) ? "excluded" : "not excluded";
    }

    private static View predictions(List<ReportNode> rivals, Set<String> claims) {
        List<TableColumn> columns = new ArrayList<>();
        columns.add(TableColumn.text("alternative", "alternative"));
        claims.forEach(claim -> columns.add(TableColumn.text(claim, claim)));
        DataTable table = DataTable.of("Signs that each alternative predicts", columns.toArray(TableColumn[]::new));
        for (ReportNode rival : rivals) {
            ReportNode predicted = rival.get("predicts").orElse(rival);
            List<TableCell> cells = new ArrayList<>();
            cells.add(TableCell.of(rival.text("name", "")));
            boolean any = rival.get("predicts").isPresent();
            claims.forEach(claim -> cells.add(TableCell.of(any ? predicted.text(claim, "?") : "?")));
            table = table.row(cells.toArray(TableCell[]::new));
        }
        return table;
    }

    private static View robustness(ReportNode report) {
        ReportNode robustness = report.get("robustness").orElse(null);
        if (robustness == null) {
            return MissingPart.section("Robustness", "The finding was not repeated under variations");
        }
        List<IntervalRow> rows = new ArrayList<>();
        DataTable families = DataTable.of(
                "Robustness by family", TableColumn.text("family", "name"), TableColumn.number("score", "score"));
        DataTable variations = DataTable.of(
                "Variations",
                TableColumn.text("variation", "name"),
                TableColumn.text("behaviour", "present"),
                TableColumn.number("similarity", "score"),
                TableColumn.number("effect", "effect"),
                TableColumn.interval("interval", "interval"));
        for (ReportNode family : robustness.list("families")) {
            families = families.rowAt(
                    family.address(), TableCell.of(family.text("name", "")), TableCell.of(family.number("score")));
            for (ReportNode variation : family.list("variations")) {
                String name = family.text("name", "") + ": " + variation.text("name", "");
                boolean present = variation.flag("present", true);
                variations = variations.rowAt(
                        variation.address(),
                        TableCell.of(name),
                        TableCell.of(present ? "present" : "gone: out of scope"),
                        TableCell.of(variation.number("score")),
                        TableCell.of(variation.number("effect")),
                        TableCell.of(variation.interval("interval")));
                if (!Double.isNaN(variation.number("effect"))) {
                    rows.add(new IntervalRow(
                            name,
                            variation.number("effect"),
                            variation.interval("interval"),
                            present ? Tone.PLAIN : Tone.UNSURE,
                            ShownNumber.of(variation.number("effect"), variation.interval("interval"))));
                }
            }
        }
        rows.sort(Comparator.comparingDouble(IntervalRow::estimate));
        List<View> views = new ArrayList<>();
        views.add(families);
        if (rows.isEmpty()) {
            views.add(variations);
        } else {
            views.add(new Figure(
                    "Every variation in the order of its effect (a specification curve), as a share of its own gap. A"
                            + " variation in which the behaviour itself is gone (orange) says where the finding ends,"
                            + " not that it is fragile.",
                    IntervalPlot.of(
                            "effect / gap", rows.subList(0, Math.min(rows.size(), IntervalPlot.MAX_ROWS)), null),
                    "The effects of " + rows.size() + " variations with intervals, from "
                            + ShownNumber.of(rows.getFirst().estimate()) + " to "
                            + ShownNumber.of(rows.getLast().estimate()) + ".",
                    variations));
        }
        return new Section(
                "Robustness",
                "Score " + ShownNumber.of(robustness.number("score"), robustness.interval("interval")) + " ("
                        + robustness.at("score") + "), threshold " + ShownNumber.of(robustness.number("threshold"))
                        + ": " + robustness.text("verdict", "not judged") + ".",
                views);
    }

    private static View power(ReportNode report) {
        List<ReportNode> power = report.list("power");
        if (power.isEmpty()) {
            return MissingPart.section("Power", "No power was computed");
        }
        DataTable table = DataTable.of(
                "Power",
                TableColumn.text("claim", "claim"),
                TableColumn.number("units planned", "planned_units"),
                TableColumn.number("power planned", "planned_power"),
                TableColumn.number("units reached", "reached_units"),
                TableColumn.number("power reached", "reached_power"),
                TableColumn.number("smallest detectable effect", "smallest_detectable")
                        .ofAllKinds());
        for (ReportNode claim : power) {
            table = table.rowAt(
                    claim.address(),
                    TableCell.of(claim.text("claim", "")),
                    TableCell.of(claim.number("planned_units")),
                    TableCell.of(claim.number("planned_power")),
                    TableCell.of(claim.number("reached_units")),
                    TableCell.of(claim.number("reached_power")),
                    TableCell.of(claim.number("smallest_detectable")));
        }
        return Section.of("Power", "As planned before the run, and as the held-out half gave it.", table);
    }
}
