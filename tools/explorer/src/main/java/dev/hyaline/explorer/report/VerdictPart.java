package dev.hyaline.explorer.report;

import dev.hyaline.explorer.Badge;
import dev.hyaline.explorer.Bullets;
import dev.hyaline.explorer.DataTable;
import dev.hyaline.explorer.EvidenceLadder;
import dev.hyaline.explorer.EvidenceLadder.Rung;
import dev.hyaline.explorer.Facts;
import dev.hyaline.explorer.KeyFigures;
import dev.hyaline.explorer.KeyFigures.KeyFigure;
import dev.hyaline.explorer.Listing;
import dev.hyaline.explorer.Prose;
import dev.hyaline.explorer.Section;
import dev.hyaline.explorer.ShownNumber;
import dev.hyaline.explorer.TableCell;
import dev.hyaline.explorer.TableColumn;
import dev.hyaline.explorer.Tone;
import dev.hyaline.explorer.View;
import dev.hyaline.files.JsonText;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The beginning of a report: the verdict, the sanity checks, the hypothesis as locked, the ladder of evidence. */
final class VerdictPart {
    private static final Map<String, String> RUNGS = new LinkedHashMap<>();

    static {
        RUNGS.put("necessity", "Without the components the behaviour is lost.");
        RUNGS.put("sufficiency", "With nothing but the components the behaviour is there.");
        RUNGS.put("activation", "Forcing the components' values breaks the behaviour, or brings it about.");
        RUNGS.put("mechanism", "The components do what the hypothesis says that they do.");
        RUNGS.put("specificity", "Other behaviours lose less.");
    }

    private final ReportNode report;
    private final ReportNode verdict;
    private final List<ReportNode> sanity;

    VerdictPart(ReportNode report) {
        this.report = report;
        verdict = new ReportNode(report.json().require("verdict"), "verdict");
        sanity = report.list("sanity");
    }

    String subtitle() {
        ReportNode scope = verdict.get("scope").orElse(verdict);
        String model = scope.text("model", "");
        String metric = scope.text("metric", "");
        return String.join(
                ", ",
                List.of(model, metric).stream().filter(text -> !text.isEmpty()).toList());
    }

    boolean sanityFailed() {
        return sanity.stream().anyMatch(check -> check.text("status", "").equals("failed"));
    }

    /** A refuted hypothesis is a result like another: red is for what went wrong. */
    Tone headTone() {
        Tone tone = verdict.tone("word");
        return tone == Tone.BAD ? Tone.PLAIN : tone;
    }

    List<View> views() {
        List<View> views = new ArrayList<>();
        views.add(new Badge(verdict.tone("word"), capital(verdict.text("word", "")), sentence()));
        views.add(sanityBadge());
        List<String> reasons = verdict.texts("reasons");
        if (!reasons.isEmpty()) {
            views.add(Prose.of("What stands against “supported”:"));
            views.add(new Bullets(reasons));
        }
        views.add(keyFigures());
        views.add(Prose.of(scope()));
        views.add(Prose.of("The small grey names are places in report.json: it holds every number of this page with all"
                + " its digits. Effects are turned so that the predicted direction is positive."));
        views.add(ladder());
        views.add(hypothesis());
        views.add(sanityChecks());
        return views;
    }

    private static String capital(String word) {
        return word.isEmpty() ? word : word.substring(0, 1).toUpperCase(Locale.ROOT) + word.substring(1);
    }

    private ReportNode headline() {
        List<ReportNode> claims = report.list("claims");
        double index = verdict.number("headline");
        return claims.isEmpty()
                ? report
                : claims.get(Math.clamp(Double.isNaN(index) ? 0 : (long) index, 0, claims.size() - 1));
    }

    private String sentence() {
        if (verdict.text("word", "").equals("not present")) {
            return "The prompts do not show the behaviour, so that no claim about it was tested.";
        }
        if (report.list("claims").isEmpty()) {
            return "";
        }
        ReportNode claim = headline();
        return "“" + claim.text("name", "") + "”: " + claim.text("sentence", "") + ". Found on held-out prompts: "
                + ClaimParts.found(claim) + " against a claimed " + ShownNumber.of(claim.number("bound")) + ".";
    }

    private View sanityBadge() {
        if (sanity.isEmpty()) {
            return new Badge(Tone.UNSURE, "Sanity checks not run", "Nothing below has been held against them.");
        }
        List<String> failed = sanity.stream()
                .filter(check -> check.text("status", "").equals("failed"))
                .map(check -> check.text("name", ""))
                .toList();
        long passed = sanity.stream()
                .filter(check -> check.text("status", "").equals("passed"))
                .count();
        return failed.isEmpty()
                ? new Badge(
                        Tone.GOOD,
                        "Sanity checks passed",
                        passed + " of " + sanity.size()
                                + (passed == sanity.size() ? "." : "; the others do not apply."))
                : new Badge(
                        Tone.BAD,
                        "Sanity checks failed",
                        String.join(", ", failed) + ". Do not rely on what follows until this is understood.");
    }

    private View keyFigures() {
        List<KeyFigure> figures = new ArrayList<>();
        for (ReportNode claim : report.list("claims")) {
            if (claim.flag("primary", true) && figures.size() < 4) {
                figures.add(new KeyFigure(
                        claim.text("name", ""),
                        ShownNumber.of(claim.number("estimate")),
                        ClaimParts.intervalNote(claim),
                        claim.at("estimate")));
            }
        }
        report.get("behaviour").ifPresent(behaviour -> {
            figures.add(new KeyFigure(
                    "metric, clean prompts", ShownNumber.of(behaviour.number("mean")), "", behaviour.at("mean")));
            figures.add(new KeyFigure("gap", ShownNumber.of(behaviour.number("gap")), "", behaviour.at("gap")));
        });
        report.get("robustness")
                .ifPresent(robustness -> figures.add(new KeyFigure(
                        "robustness",
                        ShownNumber.of(robustness.number("score")),
                        ClaimParts.range(robustness.interval("interval")),
                        robustness.at("score"))));
        return new KeyFigures(figures);
    }

    private String scope() {
        ReportNode scope = verdict.get("scope").orElse(verdict);
        StringBuilder words = new StringBuilder("Scope: ");
        words.append(scope.text("model", "the model")).append(", ").append(scope.text("metric", "the metric"));
        if (!scope.text("ablation", "").isEmpty()) {
            words.append(", ").append(scope.text("ablation", "")).append(" ablation");
        }
        if (!Double.isNaN(scope.number("prompts"))) {
            words.append(", ")
                    .append((long) scope.number("prompts"))
                    .append(" held-out prompts of ")
                    .append((long) scope.number("units"))
                    .append(" units");
        }
        List<String> strata = scope.texts("strata");
        if (!strata.isEmpty()) {
            words.append(". The strata are listed in full, and the conclusion is about these: ")
                    .append(String.join(", ", strata));
        }
        return words.append('.').toString();
    }

    private View ladder() {
        List<Rung> rungs = new ArrayList<>();
        RUNGS.forEach((name, meaning) -> rungs.add(rung(name, meaning)));
        ReportNode robustness = report.get("robustness").orElse(null);
        rungs.add(
                robustness == null
                        ? new Rung(
                                "robustness", Tone.PLAIN, "not tested", "", "The finding stays under variations.", "")
                        : new Rung(
                                "robustness",
                                robustness.tone("verdict"),
                                robustness.text("verdict", ""),
                                ShownNumber.of(robustness.number("score"), robustness.interval("interval")),
                                "The finding stays under variations.",
                                robustness.at("score")));
        return Section.of("Ladder of evidence", "", new EvidenceLadder(rungs));
    }

    private Rung rung(String name, String meaning) {
        List<ReportNode> claims = report.list("claims").stream()
                .filter(claim -> claim.text("rung", "").equals(name))
                .toList();
        if (claims.isEmpty()) {
            return new Rung(name, Tone.PLAIN, "not tested", "", meaning, "");
        }
        // The weakest claim decides.
        ReportNode decisive = claims.getFirst();
        for (String word : List.of("inconclusive", "refuted")) {
            for (ReportNode claim : claims) {
                if (claim.text("outcome", "").equals(word)) {
                    decisive = claim;
                    break;
                }
            }
        }
        return new Rung(
                name,
                decisive.tone("outcome"),
                ClaimParts.outcome(decisive),
                decisive.text("name", "") + ": " + ClaimParts.found(decisive),
                meaning,
                decisive.at("estimate"));
    }

    private View hypothesis() {
        Map<String, String> digests = new LinkedHashMap<>();
        report.get("locks").ifPresent(locks -> {
            digests.put("plan, locked before discovery", locks.text("plan", "not locked"));
            digests.put("claims, locked before the held-out half", locks.text("claims", "not locked"));
        });
        List<View> views = new ArrayList<>();
        views.add(digests.isEmpty() ? Prose.of("This run left no locks.") : Facts.ofCode(digests));
        report.get("hypothesis").ifPresent(hypothesis -> {
            byte[] text = JsonText.indented(json -> {
                json.writeStartObject();
                for (String key : hypothesis.json().names()) {
                    hypothesis.json().require(key).write(key, json);
                }
                json.writeEndObject();
            });
            views.add(new Listing(
                    "The hypothesis as it was locked, with every default", new String(text, StandardCharsets.UTF_8)));
        });
        return new Section(
                "Hypothesis",
                "The digests (SHA-256) bind what was claimed to what was run: a later change of the file is another"
                        + " investigation.",
                views);
    }

    private View sanityChecks() {
        if (sanity.isEmpty()) {
            return Section.of("Sanity checks", "", Prose.of("Not run."));
        }
        DataTable table = DataTable.of(
                "Sanity checks",
                TableColumn.text("check", "name"),
                TableColumn.text("outcome", "status"),
                TableColumn.number("figure", "figure").ofAllKinds(),
                TableColumn.number("bound", "bound").ofAllKinds(),
                TableColumn.text("what the figure is", "words"));
        for (ReportNode check : sanity) {
            table = table.rowAt(
                    check.address(),
                    TableCell.of(check.text("name", "")),
                    TableCell.of(check.text("status", ""), check.tone("status")),
                    TableCell.of(check.number("figure")),
                    TableCell.of(check.number("bound")),
                    TableCell.of(check.text("words", "")));
        }
        return Section.of(
                "Sanity checks", "They are run before the claims; a failed one is reported, never dropped.", table);
    }
}
