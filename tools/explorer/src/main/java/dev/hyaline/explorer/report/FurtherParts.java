package dev.hyaline.explorer.report;

import dev.hyaline.explorer.DataTable;
import dev.hyaline.explorer.Section;
import dev.hyaline.explorer.TableCell;
import dev.hyaline.explorer.TableColumn;
import dev.hyaline.explorer.View;
import java.util.ArrayList;
import java.util.List;

/** What a report has where a study asked for it: forced values, features, and what its design could tell apart. */
final class FurtherParts {
    private FurtherParts() {}

    static List<View> views(ReportNode report) {
        List<View> views = new ArrayList<>();
        report.path("discovery", "stability").ifPresent(stability -> views.add(stability(stability)));
        if (!report.list("forces").isEmpty()) {
            views.add(forces(report.list("forces")));
        }
        report.get("superposition").ifPresent(found -> views.add(superposition(found)));
        report.path("design", "matrix").ifPresent(matrix -> views.add(matrix(matrix)));
        return views;
    }

    private static View stability(ReportNode stability) {
        DataTable table = DataTable.of(
                "Share of the resamples in whose circuit a component is",
                TableColumn.text("component", "name"),
                TableColumn.number("share", "share"));
        ReportNode inclusion = stability.get("inclusion").orElse(stability);
        for (String name : stability.names("inclusion")) {
            table = table.rowAt(inclusion.at(name), TableCell.of(name), TableCell.of(inclusion.number(name)));
        }
        return new Section(
                "Stability of the circuit",
                (stability.flag("stable", false) ? "Stable: " : "Unstable: ") + stability.text("of", "")
                        + "; Jaccard index to the circuit, mean and interval, in " + stability.at("interval") + ".",
                List.of(table));
    }

    private static View forces(List<ReportNode> claims) {
        DataTable table = DataTable.of(
                "Forced values",
                TableColumn.text("claim", "claim"),
                TableColumn.text("force", "force"),
                TableColumn.text("into", "into"),
                TableColumn.text("at", "at"),
                TableColumn.text("control", "control"),
                TableColumn.number("change", "change"),
                TableColumn.interval("interval", "interval"),
                TableColumn.number("of the gap", "share_of_gap").ofAllKinds());
        DataTable doses = DataTable.of(
                "Steering by dose",
                TableColumn.text("component", "component"),
                TableColumn.text("into", "into"),
                TableColumn.number("slope", "slope"),
                TableColumn.interval("interval", "interval"),
                TableColumn.number("rank correlation", "spearman").ofAllKinds());
        List<String> words = new ArrayList<>();
        boolean steered = false;
        for (ReportNode claim : claims) {
            words.add(claim.text("claim", "") + ": " + claim.text("words", claim.text("problem", "not measured")));
            for (ReportNode result : claim.list("results")) {
                table = table.rowAt(
                        result.address(),
                        TableCell.of(claim.text("claim", "")),
                        TableCell.of(result.text("force", "")),
                        TableCell.of(result.text("into", "")),
                        TableCell.of(result.text("at", "")),
                        TableCell.of(result.text("control", "")),
                        TableCell.of(result.number("change")),
                        TableCell.of(result.interval("interval")),
                        TableCell.of(result.number("share_of_gap")));
            }
            for (ReportNode dose : claim.list("doses")) {
                steered = true;
                doses = doses.rowAt(
                        dose.address(),
                        TableCell.of(dose.text("component", "")),
                        TableCell.of(dose.text("into", "")),
                        TableCell.of(dose.number("slope")),
                        TableCell.of(dose.interval("interval")),
                        TableCell.of(dose.number("spearman")));
            }
        }
        return new Section(
                "Forced activation",
                "Into clean prompts, to see what breaks, and into corrupted ones, to see what comes back. "
                        + String.join("; ", words) + ".",
                steered ? List.of(table, doses) : List.of(table));
    }

    private static View superposition(ReportNode found) {
        if (found.get("problem").isPresent()) {
            return MissingPart.section(
                    "Superposition", "No dictionary was learned: " + found.text("problem", "") + ",");
        }
        DataTable dictionaries = DataTable.of(
                "Dictionaries of " + found.text("site", ""),
                TableColumn.text("dictionary", "name"),
                TableColumn.number("features", "features"),
                TableColumn.number("alive", "alive"),
                TableColumn.number("L0", "l0").ofAllKinds(),
                TableColumn.number("explained variance", "explained_variance").ofAllKinds(),
                TableColumn.number("mean largest cosine", "mean_largest_cosine").ofAllKinds(),
                TableColumn.number("interference", "mean_weighted_interference").ofAllKinds(),
                TableColumn.number("dimensionality", "mean_dimensionality").ofAllKinds(),
                TableColumn.number("interpretable", "interpretable"));
        for (ReportNode dictionary : found.list("dictionaries")) {
            dictionaries = dictionaries.rowAt(
                    dictionary.address(),
                    TableCell.of(dictionary.text("name", "")),
                    TableCell.of(dictionary.number("features")),
                    TableCell.of(dictionary.number("alive")),
                    TableCell.of(dictionary.number("l0")),
                    TableCell.of(dictionary.number("explained_variance")),
                    TableCell.of(dictionary.number("mean_largest_cosine")),
                    TableCell.of(dictionary.number("mean_weighted_interference")),
                    TableCell.of(dictionary.number("mean_dimensionality")),
                    TableCell.of(dictionary.number("interpretable")));
        }
        DataTable features = DataTable.of(
                "Features ablated one at a time",
                TableColumn.text("feature", "component"),
                TableColumn.number("loss", "loss"),
                TableColumn.interval("interval", "interval"),
                TableColumn.text("stands for", "stands_for"));
        for (ReportNode feature : found.list("features")) {
            features = features.rowAt(
                    feature.address(),
                    TableCell.of(feature.text("component", "")),
                    TableCell.of(feature.number("loss")),
                    TableCell.of(feature.interval("interval")),
                    TableCell.of(feature.text("stands_for", "")));
        }
        return new Section(
                "Superposition",
                "Learned from the discovery half; it nominates features, and no verdict depends on it.",
                List.of(dictionaries, features));
    }

    private static View matrix(ReportNode matrix) {
        List<String> experiments = matrix.texts("experiments");
        List<TableColumn> columns = new ArrayList<>();
        columns.add(TableColumn.text("hypothesis", "name"));
        experiments.forEach(experiment -> columns.add(TableColumn.text(experiment, experiment)));
        columns.add(TableColumn.text("what would tell", "would_tell"));
        DataTable table = DataTable.of("Experiments by hypotheses", columns.toArray(TableColumn[]::new));
        for (ReportNode hypothesis : matrix.list("hypotheses")) {
            List<TableCell> cells = new ArrayList<>();
            cells.add(TableCell.of(hypothesis.text("name", "")));
            hypothesis.texts("predictions").forEach(prediction -> cells.add(TableCell.of(prediction)));
            cells.add(TableCell.of(hypothesis.text("would_tell", "")));
            table = table.rowAt(hypothesis.address(), cells.toArray(TableCell[]::new));
        }
        return new Section(
                "What the design can tell apart",
                "What each hypothesis says of each experiment; a rival that says the same of all is not"
                        + " distinguishable.",
                List.of(table));
    }
}
