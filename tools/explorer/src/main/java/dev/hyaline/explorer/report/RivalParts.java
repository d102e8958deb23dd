package dev.hyaline.explorer.report;

import dev.hyaline.explorer.Bullets;
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

    static List<View> views(ReportFiles files) {
        ReportNode report = files.report();
        return List.of(rivals(report), robustness(report), design(files));
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
        DataTable families = DataTable.of(
                "Robustness by family", TableColumn.text("family", "name"), TableColumn.number("score", "score"));
        List<ReportNode> variations = new ArrayList<>();
        List<String> names = new ArrayList<>();
        for (ReportNode family : robustness.list("families")) {
            families = families.rowAt(
                    family.address(), TableCell.of(family.text("name", "")), TableCell.of(family.number("score")));
            for (ReportNode variation : family.list("variations")) {
                variations.add(variation);
                names.add(family.text("name", "") + ": " + variation.text("name", ""));
            }
        }
        List<View> views = new ArrayList<>();
        views.add(families);
        if (!variations.isEmpty()) {
            views.add(variations(robustness, names, variations));
        }
        return new Section(
                "Robustness",
                "Score " + ShownNumber.of(robustness.number("score"), robustness.interval("interval")) + " ("
                        + robustness.at("score") + "), threshold " + ShownNumber.of(robustness.number("threshold"))
                        + ": " + robustness.text("verdict", "not judged") + ".",
                views);
    }

    private static View variations(ReportNode robustness, List<String> names, List<ReportNode> variations) {
        boolean effects = variations.stream()
                .anyMatch(variation -> variation.get("effect").isPresent());
        String shown = effects ? "effect" : "score";
        Set<String> keys = new LinkedHashSet<>();
        variations.forEach(variation -> variation.json().names().stream()
                .filter(key -> variation
                        .get(key)
                        .filter(value -> value.json().isNumber())
                        .isPresent())
                .forEach(keys::add));
        List<TableColumn> columns = new ArrayList<>();
        columns.add(TableColumn.text("variation", "name"));
        columns.add(TableColumn.text("behaviour", "present"));
        keys.forEach(key -> columns.add(TableColumn.number(key.equals("score") ? "similarity" : key, key)));
        DataTable table = DataTable.of("Variations", columns.toArray(TableColumn[]::new));
        List<IntervalRow> rows = new ArrayList<>();
        for (int i = 0; i < variations.size(); i++) {
            ReportNode variation = variations.get(i);
            boolean present = variation.flag("present", true);
            List<TableCell> cells = new ArrayList<>();
            cells.add(TableCell.of(names.get(i)));
            cells.add(TableCell.of(present ? "present" : "gone"));
            keys.forEach(key -> cells.add(TableCell.of(variation.number(key))));
            table = table.rowAt(variation.address(), cells.toArray(TableCell[]::new));
            rows.add(new IntervalRow(
                    names.get(i),
                    variation.number(shown),
                    variation.interval("interval"),
                    present ? Tone.PLAIN : Tone.UNSURE,
                    present
                            ? ShownNumber.of(variation.number(shown), variation.interval("interval"))
                            : "behaviour gone"));
        }
        // NaN is the largest double in this order.
        rows.sort(Comparator.comparingDouble(IntervalRow::estimate));
        double threshold = robustness.number("threshold");
        long gone = variations.stream()
                .filter(variation -> !variation.flag("present", true))
                .count();
        return new Figure(
                "Every variation in the order of its " + (effects ? "effect, as a share of its own gap" : "similarity")
                        + " (a specification curve). One in which the behaviour itself is gone says where the finding"
                        + " ends, not that it is fragile.",
                IntervalPlot.of(
                        effects ? "effect / gap" : "similarity to the finding",
                        rows.subList(0, Math.min(rows.size(), IntervalPlot.MAX_ROWS)),
                        null,
                        effects || Double.isNaN(threshold) ? new double[0] : new double[] {threshold}),
                rows.size() + " variations in order, the lowest "
                        + rows.getFirst().label() + " with " + rows.getFirst().figures() + "; in " + gone
                        + " the behaviour is gone.",
                table);
    }

    private static View design(ReportFiles files) {
        ReportNode design = files.report().get("design").orElse(null);
        if (design == null) {
            return MissingPart.section("Design and power", "No power was computed");
        }
        DataTable power = DataTable.of(
                "Power",
                TableColumn.text("claim", "name"),
                TableColumn.number("units planned", "units"),
                TableColumn.number("units needed", "units_needed"),
                TableColumn.number("power planned", "power"),
                TableColumn.pValue("level", "level"),
                TableColumn.number("claimed, of the pilot", "bound").ofAllKinds(),
                TableColumn.number("deviation, upper bound", "sd_upper").ofAllKinds());
        for (ReportNode claim : design.list("claims")) {
            power = power.rowAt(
                    claim.address(),
                    TableCell.of(claim.text("name", "") + (claim.flag("primary", true) ? "" : " (secondary)")),
                    TableCell.of(claim.number("units")),
                    TableCell.of(claim.number("units_needed")),
                    TableCell.of(claim.number("power")),
                    TableCell.of(claim.number("level")),
                    TableCell.of(claim.number("bound")),
                    TableCell.of(claim.number("sd_upper")));
        }
        DataTable reached = DataTable.of(
                "Units reached on the held-out half",
                TableColumn.text("claim", "name"),
                TableColumn.number("units", "units"),
                TableColumn.number("prompts", "pairs"),
                TableColumn.pValue("smallest adjusted p of so many", "smallest_adjusted_p"));
        for (ReportedClaim claim : files.claims()) {
            reached = reached.rowAt(
                    claim.found().address(),
                    TableCell.of(claim.name()),
                    TableCell.of(claim.found().number("units")),
                    TableCell.of(claim.found().number("pairs")),
                    TableCell.of(claim.found().number("smallest_adjusted_p")));
        }
        List<View> views = new ArrayList<>();
        views.add(power);
        List<String> remarks = design.texts("remarks");
        if (!remarks.isEmpty()) {
            views.add(new Bullets(remarks));
        }
        if (!files.claims().isEmpty()) {
            views.add(reached);
        }
        design.get("forecast").ifPresent(forecast -> views.add(work(files.report(), forecast)));
        return new Section(
                "Design and power",
                "Power as the pilot gave it before the run, for the upper bound of the deviation that it leaves.",
                views);
    }

    private static View work(ReportNode report, ReportNode forecast) {
        DataTable table = DataTable.of(
                "Work of the discovery half",
                TableColumn.text("work", "name"),
                TableColumn.number("multiply-adds with partial reruns", "multiply_adds")
                        .ofAllKinds(),
                TableColumn.number("with full reruns", "multiply_adds_of_full_reruns")
                        .ofAllKinds());
        table = work(table, "forecast", forecast);
        ReportNode discovery = report.get("discovery").orElse(null);
        return discovery == null ? table : work(table, "used", discovery);
    }

    private static DataTable work(DataTable table, String name, ReportNode work) {
        return table.rowAt(
                work.address(),
                TableCell.of(name),
                TableCell.of(work.number("multiply_adds")),
                TableCell.of(work.number("multiply_adds_of_full_reruns")));
    }
}
