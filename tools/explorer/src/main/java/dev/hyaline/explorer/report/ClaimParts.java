package dev.hyaline.explorer.report;

import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.explorer.DataTable;
import dev.hyaline.explorer.Figure;
import dev.hyaline.explorer.Section;
import dev.hyaline.explorer.ShownNumber;
import dev.hyaline.explorer.TableCell;
import dev.hyaline.explorer.TableColumn;
import dev.hyaline.explorer.View;
import dev.hyaline.explorer.plot.IntervalPlot;
import dev.hyaline.explorer.plot.IntervalPlot.IntervalRow;
import dev.hyaline.explorer.plot.PromptPlot;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The claims of a report: the forest plot, the numbers, the levels of factors, every prompt. */
final class ClaimParts {
    private ClaimParts() {}

    static List<View> views(ReportNode report) {
        List<ReportNode> claims = report.list("claims");
        if (claims.isEmpty()) {
            return List.of(MissingPart.section("Claims", "The claims were not tested"));
        }
        List<View> views = new ArrayList<>();
        views.add(Section.of(
                "Claims",
                "Each claim is tested on prompts that it was not found on, against its own number.",
                forest(claims),
                table(claims)));
        levels(claims, views);
        views.add(prompts(report));
        return views;
    }

    /** An estimate, its interval and its unit. */
    static String found(ReportNode claim) {
        String unit = claim.text("unit", "");
        return ShownNumber.of(claim.number("estimate"), claim.interval("interval"))
                + (unit.isEmpty() || unit.equals("share") || unit.equals("attention") ? "" : " " + unit);
    }

    static String intervalNote(ReportNode claim) {
        String unit = claim.text("unit", "");
        return (unit + " " + range(claim.interval("interval"))).strip();
    }

    static String range(@Nullable Interval interval) {
        if (interval == null) {
            return "no interval";
        }
        return ShownNumber.of(interval.low()) + " to " + ShownNumber.of(interval.high());
    }

    /** The outcome, and the reason in brackets. */
    static String outcome(ReportNode claim) {
        String reason = claim.text("reason", "");
        return claim.text("outcome", "not tested") + (reason.isEmpty() ? "" : " (" + reason + ")");
    }

    private static View forest(List<ReportNode> claims) {
        List<IntervalRow> rows = new ArrayList<>();
        boolean either = false;
        for (ReportNode claim : claims) {
            double bound = claim.number("bound");
            either |= claim.text("direction", "").equals("no-effect");
            Interval interval = claim.interval("interval");
            boolean shown = bound > 0;
            rows.add(new IntervalRow(
                    claim.text("name", "") + (claim.flag("primary", true) ? "" : " (secondary)"),
                    shown ? claim.number("estimate") / bound : Double.NaN,
                    shown && interval != null ? new Interval(interval.low() / bound, interval.high() / bound) : null,
                    claim.tone("outcome"),
                    found(claim)));
        }
        double[] marks = either ? new double[] {-1, 1} : new double[] {1};
        return new Figure(
                "Effects as multiples of the claimed number, so that claims of different units stand on one axis. The"
                        + " band is less than was claimed: the interval of a claim with a direction must lie beyond it"
                        + " on the right, that of a claim of no effect inside it. Green: confirmed; red: refuted;"
                        + " orange: inconclusive.",
                IntervalPlot.of("effect / claimed number", rows, new Interval(either ? -1 : 0, 1), marks),
                "Forest plot of " + claims.size() + " claims. "
                        + String.join(
                                ". ",
                                claims.stream()
                                        .map(claim -> claim.text("name", "") + ": " + found(claim) + ", claimed "
                                                + ShownNumber.of(claim.number("bound")) + ", " + outcome(claim))
                                        .toList())
                        + ".",
                null);
    }

    private static View table(List<ReportNode> claims) {
        DataTable table = DataTable.of(
                "Claims on held-out prompts",
                TableColumn.text("claim", "name"),
                TableColumn.text("verdict", "outcome"),
                TableColumn.text("unit", "unit"),
                TableColumn.number("claimed", "bound").ofAllKinds(),
                TableColumn.number("found", "estimate").ofAllKinds(),
                TableColumn.interval("interval", "interval").ofAllKinds(),
                TableColumn.pValue("p", "p"),
                TableColumn.pValue("adjusted p", "adjusted_p"),
                TableColumn.pValue("level", "alpha"));
        for (ReportNode claim : claims) {
            String sentence = claim.text("sentence", "");
            table = table.rowAt(
                    claim.address(),
                    TableCell.of(claim.text("name", "") + (sentence.isEmpty() ? "" : ": " + sentence)),
                    TableCell.of(outcome(claim), claim.tone("outcome")),
                    TableCell.of(claim.text("unit", "")),
                    TableCell.of(claim.number("bound")),
                    TableCell.of(claim.number("estimate")),
                    TableCell.of(claim.interval("interval")),
                    TableCell.of(claim.number("p")),
                    TableCell.of(claim.number("adjusted_p")),
                    TableCell.of(claim.number("alpha")));
        }
        return table;
    }

    private static void levels(List<ReportNode> claims, List<View> views) {
        DataTable table = DataTable.of(
                "Claims by level",
                TableColumn.text("claim", "claim"),
                TableColumn.text("factor", "factor"),
                TableColumn.text("level", "level"),
                TableColumn.number("prompts", "prompts"),
                TableColumn.number("mean", "mean").ofAllKinds(),
                TableColumn.interval("interval", "interval").ofAllKinds());
        boolean any = false;
        for (ReportNode claim : claims) {
            for (String factor : claim.names("levels")) {
                ReportNode levels = claim.get("levels").orElseThrow();
                for (ReportNode level : levels.list(factor)) {
                    any = true;
                    table = table.rowAt(
                            level.address(),
                            TableCell.of(claim.text("name", "")),
                            TableCell.of(factor),
                            TableCell.of(level.text("name", "")),
                            TableCell.of(level.number("prompts")),
                            TableCell.of(level.number("mean")),
                            TableCell.of(level.interval("interval")));
                }
            }
        }
        if (any) {
            views.add(Section.of(
                    "Levels",
                    "The effect of each claim in every level of every declared factor. If one level's interval lies"
                            + " above 0 and another's below, no pooled number stands for the claim.",
                    table));
        }
    }

    private static View prompts(ReportNode report) {
        ReportNode prompts = report.get("prompts").orElse(null);
        if (prompts == null) {
            return MissingPart.section("Prompts", "The metric by prompt was not kept");
        }
        double[] clean = prompts.numbers("clean");
        List<String> names = prompts.texts("names");
        List<String> strata = prompts.texts("strata");
        String unit = prompts.text("unit", "");
        String quantity = prompts.text("metric", "metric") + (unit.isEmpty() ? "" : " (" + unit + ")");
        List<View> figures = new ArrayList<>();
        ReportNode edited = prompts.get("edited").orElse(prompts);
        for (String claim : prompts.names("edited")) {
            double[] after = edited.numbers(claim);
            PromptPlot plot = PromptPlot.of(quantity, claim, names, strata, clean, after);
            figures.add(new Figure(
                    claim
                            + ": every held-out prompt as two dots, one without and one with the edit, by stratum. The"
                            + " bars are means.",
                    plot,
                    "Dots by stratum of " + clean.length + " prompts. Mean without the edit "
                            + ShownNumber.of(Arrays.stream(clean).average().orElse(Double.NaN)) + ", with it "
                            + ShownNumber.of(Arrays.stream(after).average().orElse(Double.NaN)) + ".",
                    byPrompt(claim, prompts, edited, names, strata, clean, after)));
        }
        return new Section("Prompts", "", figures);
    }

    private static DataTable byPrompt(
            String claim,
            ReportNode prompts,
            ReportNode edited,
            List<String> names,
            List<String> strata,
            double[] clean,
            double[] after) {
        DataTable table = DataTable.of(
                claim + " by prompt (" + prompts.at("clean") + " and " + edited.at(claim) + ")",
                TableColumn.text("prompt", "prompt"),
                TableColumn.text("stratum", "stratum"),
                TableColumn.number("clean", "clean"),
                TableColumn.number("edited", "edited"));
        for (int prompt = 0; prompt < clean.length; prompt++) {
            table = table.row(
                    TableCell.of(names.get(prompt)),
                    TableCell.of(strata.get(prompt)),
                    TableCell.of(clean[prompt]),
                    TableCell.of(after[prompt]));
        }
        return table;
    }
}
