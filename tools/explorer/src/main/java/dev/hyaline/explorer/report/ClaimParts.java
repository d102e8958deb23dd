package dev.hyaline.explorer.report;

import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.explorer.DataTable;
import dev.hyaline.explorer.Figure;
import dev.hyaline.explorer.Folded;
import dev.hyaline.explorer.Prose;
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
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;

/** The claims of a report: the forest plot, the numbers, the levels of factors, every prompt. */
final class ClaimParts {
    private ClaimParts() {}

    static List<View> views(ReportFiles files) {
        List<ReportedClaim> claims = files.claims();
        if (claims.isEmpty()) {
            return List.of(MissingPart.section("Claims", "The claims were not tested"));
        }
        return List.of(
                Section.of(
                        "Claims",
                        "Each claim is tested on prompts that it was not found on, against its own number.",
                        forest(claims),
                        table(claims)),
                levels(claims),
                prompts(files, claims));
    }

    private static View forest(List<ReportedClaim> claims) {
        List<IntervalRow> rows = new ArrayList<>();
        boolean either = claims.stream().anyMatch(ReportedClaim::isOfNoEffect);
        for (ReportedClaim claim : claims) {
            double bound = claim.bound();
            Interval interval = claim.interval();
            boolean shown = bound > 0;
            rows.add(new IntervalRow(
                    claim.name() + (claim.primary() ? "" : " (secondary)"),
                    shown ? claim.estimate() / bound : Double.NaN,
                    shown && interval != null ? new Interval(interval.low() / bound, interval.high() / bound) : null,
                    claim.tone(),
                    claim.shown()));
        }
        double[] marks = either ? new double[] {-1, 1} : new double[] {1};
        return new Figure(
                "Effects as multiples of the claimed number, so that claims of different units stand on one axis. The"
                        + " band is less than was claimed: the interval of a claim with a direction must lie beyond it"
                        + " on the right, that of a claim of no effect inside it. Green: confirmed; purple: refuted;"
                        + " orange: inconclusive.",
                IntervalPlot.of("effect / claimed number", rows, new Interval(either ? -1 : 0, 1), marks),
                "Forest plot of " + claims.size() + " claims. "
                        + String.join(
                                ". ",
                                claims.stream()
                                        .map(claim -> claim.name() + ": found " + claim.shown() + ", claimed "
                                                + claim.claimed() + ", " + claim.verdict())
                                        .toList())
                        + ".",
                // It stands below.
                null);
    }

    private static DataTable table(List<ReportedClaim> claims) {
        DataTable table = DataTable.of(
                "Claims on held-out prompts",
                TableColumn.text("claim", "name"),
                TableColumn.text("verdict", "verdict"),
                TableColumn.text("unit", "unit"),
                TableColumn.number("claimed", "bound").ofAllKinds(),
                TableColumn.number("found", "estimate").ofAllKinds(),
                TableColumn.interval("interval", "interval").ofAllKinds(),
                TableColumn.pValue("p", "p"),
                TableColumn.pValue("adjusted p", "adjusted_p"),
                TableColumn.pValue("level", "alpha"));
        for (ReportedClaim claim : claims) {
            table = table.rowAt(
                    claim.found().address(),
                    TableCell.of(claim.name() + ": " + claim.sentence()),
                    TableCell.of(claim.verdict(), claim.tone()),
                    TableCell.of(claim.unit().isEmpty() ? "share" : claim.unit()),
                    TableCell.of(claim.bound()),
                    TableCell.of(claim.estimate()),
                    TableCell.of(claim.interval()),
                    TableCell.of(claim.found().number("p")),
                    TableCell.of(claim.found().number("adjusted_p")),
                    TableCell.of(claim.found().number("alpha")));
        }
        return table;
    }

    private static View levels(List<ReportedClaim> claims) {
        DataTable table = DataTable.of(
                "Claims by level",
                TableColumn.text("claim", "claim"),
                TableColumn.text("factor", "factor"),
                TableColumn.text("level", "level"),
                TableColumn.number("prompts", "pairs"),
                TableColumn.number("units", "units"),
                TableColumn.number("mean", "mean").ofAllKinds(),
                TableColumn.interval("interval", "interval").ofAllKinds());
        List<String> heterogeneous = new ArrayList<>();
        for (ReportedClaim claim : claims) {
            if (claim.found().flag("heterogeneous", false)) {
                heterogeneous.add("“" + claim.name() + "”");
            }
            ReportNode levels = claim.found().get("levels").orElse(claim.found());
            for (String factor : claim.found().names("levels")) {
                for (ReportNode level : levels.list(factor)) {
                    table = table.rowAt(
                            level.address(),
                            TableCell.of(claim.name()),
                            TableCell.of(factor),
                            TableCell.of(level.text("level", "")),
                            TableCell.of(level.number("pairs")),
                            TableCell.of(level.number("units")),
                            TableCell.of(level.number("mean")),
                            TableCell.of(level.interval("interval")));
                }
            }
        }
        return Section.of(
                "Levels",
                "The effect of each claim in every level of every declared factor. If one level's interval lies above 0"
                        + " and another's below, no pooled number stands for the claim.",
                Prose.of(
                        heterogeneous.isEmpty()
                                ? "No claim has levels of opposite sign."
                                : "Levels of opposite sign: " + String.join(", ", heterogeneous) + "."),
                new Folded("The effects by level", table));
    }

    private static View prompts(ReportFiles files, List<ReportedClaim> claims) {
        CsvTable measured = files.measurements().orElse(null);
        if (measured == null || !measured.has("prompt")) {
            return MissingPart.section("Prompts", "The metric by prompt was not kept");
        }
        List<String> names = measured.texts("prompt");
        List<String> strata = strata(files, names.size());
        List<View> figures = new ArrayList<>();
        for (ReportedClaim claim : claims) {
            // Attention is no metric that an edit changes.
            boolean edited = !claim.node().text("do", "").equals("attend");
            if (edited && measured.has(claim.name() + "/before") && measured.has(claim.name() + "/after")) {
                figures.add(prompts(claim, measured, names, strata));
            }
        }
        return new Section(
                "Prompts",
                "Every held-out prompt as two dots, without and with the edit of a claim, by stratum; the bars are"
                        + " means.",
                figures);
    }

    private static View prompts(ReportedClaim claim, CsvTable measured, List<String> names, List<String> strata) {
        double[] before = measured.numbers(claim.name() + "/before");
        double[] after = measured.numbers(claim.name() + "/after");
        String unit = claim.metric() + (claim.metric().startsWith("logit") ? " (logits)" : "");
        DataTable table = DataTable.of(
                claim.name() + " by prompt (" + measured.file() + ")",
                TableColumn.text("prompt", "prompt"),
                TableColumn.text("stratum", "stratum"),
                TableColumn.number("without", claim.name() + "/before"),
                TableColumn.number("with", claim.name() + "/after"));
        for (int prompt = 0; prompt < before.length; prompt++) {
            table = table.row(
                    TableCell.of(names.get(prompt)),
                    TableCell.of(strata.get(prompt)),
                    TableCell.of(before[prompt]),
                    TableCell.of(after[prompt]));
        }
        return new Figure(
                "“" + claim.name() + "”: " + claim.sentence() + ".",
                PromptPlot.of(unit, claim.name(), names, strata, before, after),
                "Dots by stratum of " + before.length + " prompts. Mean without the edit "
                        + ShownNumber.of(Arrays.stream(before).average().orElse(Double.NaN)) + ", with it "
                        + ShownNumber.of(Arrays.stream(after).average().orElse(Double.NaN)) + ".",
                table);
    }

    /** The levels of all factors of each held-out prompt, in words. */
    private static List<String> strata(ReportFiles files, int heldOut) {
        ReportNode prompts = files.prompts().orElse(null);
        if (prompts == null || prompts.names("factors").isEmpty()) {
            return Collections.nCopies(heldOut, "all");
        }
        ReportNode factors = prompts.get("factors").orElseThrow();
        List<ReportNode> pairs = prompts.list("pairs");
        int[] held = IntStream.range(0, pairs.size())
                .filter(pair -> pairs.get(pair).text("split", "").equals("held-out"))
                .toArray();
        List<List<String>> levels = new ArrayList<>();
        for (String factor : prompts.names("factors")) {
            List<String> all = factors.texts(factor);
            if (held.length != heldOut || all.size() != pairs.size()) {
                throw new BadInputException(ReportFiles.PROMPTS + " has " + held.length + " held-out pairs and "
                        + all.size() + " levels of " + factor + " for " + pairs.size() + " pairs, but "
                        + ReportFiles.MEASUREMENTS + " has " + heldOut + " held-out pairs");
            }
            levels.add(IntStream.of(held).mapToObj(all::get).toList());
        }
        List<String> strata = new ArrayList<>();
        for (int prompt = 0; prompt < heldOut; prompt++) {
            int at = prompt;
            strata.add(String.join(
                    ", ", levels.stream().map(of -> of.get(at)).distinct().toList()));
        }
        return strata;
    }
}
