package dev.hyaline.explorer.report;

import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.explorer.Badge;
import dev.hyaline.explorer.Bullets;
import dev.hyaline.explorer.DataTable;
import dev.hyaline.explorer.EvidenceLadder;
import dev.hyaline.explorer.EvidenceLadder.Rung;
import dev.hyaline.explorer.Facts;
import dev.hyaline.explorer.Folded;
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
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The beginning of a report: the verdict, the sanity checks, the hypothesis as locked, the ladder of evidence. */
final class VerdictPart {
    private static final int KEY_CLAIMS = 5;
    private static final Map<String, String> RUNGS = new LinkedHashMap<>();

    static {
        RUNGS.put("necessity", "Without the components the behaviour is lost.");
        RUNGS.put("sufficiency", "With nothing but the components the behaviour is there.");
        RUNGS.put("activation", "Forcing the components' values breaks the behaviour, or brings it about.");
        RUNGS.put("mechanism", "The components do what the hypothesis says that they do.");
        RUNGS.put("specificity", "Other behaviours lose less.");
    }

    private final ReportFiles files;
    private final ReportNode report;
    private final ReportNode verdict;
    private final List<ReportedClaim> claims;
    private final List<ReportNode> sanity;

    VerdictPart(ReportFiles files) {
        this.files = files;
        report = files.report();
        verdict = new ReportNode(report.json().require("verdict"), "verdict");
        claims = files.claims();
        sanity = report.list("sanity");
    }

    String subtitle() {
        ReportNode scope = scopeNode();
        return String.join(
                ", ",
                Stream.of(scope.text("model", ""), scope.text("metric", ""))
                        .filter(text -> !text.isEmpty())
                        .toList());
    }

    private ReportNode scopeNode() {
        return verdict.get("scope").orElse(verdict);
    }

    /** This tone is for what went wrong: a refuted hypothesis is a result like another. */
    Tone tone() {
        if (!failed().isEmpty()) {
            return Tone.BAD;
        }
        Tone tone = verdict.tone("word");
        return tone == Tone.BAD ? Tone.PLAIN : tone;
    }

    /** What failed of the sanity checks, in words. */
    private List<String> failed() {
        List<String> failed = new ArrayList<>();
        for (ReportNode check : sanity) {
            if (check.text("status", "").equals("failed")) {
                failed.add(check.text("name", ""));
            }
        }
        for (ReportedClaim claim : claims) {
            if (!claim.found().flag("changes_something", true)) {
                failed.add("the edit of “" + claim.name() + "” changed nothing");
            }
        }
        report.path("design", "leakage").ifPresent(leakage -> {
            if (leakage.number("shared_prompts") > 0) {
                failed.add("the halves share prompts");
            }
        });
        return failed;
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
        views.add(Prose.of("The small grey names are places in report.json: it holds the numbers of this page with all"
                + " their digits. Effects are turned so that the predicted direction is positive."));
        views.add(ladder());
        views.add(hypothesis());
        views.add(sanityChecks());
        return views;
    }

    private static String capital(String word) {
        return word.isEmpty() ? word : word.substring(0, 1).toUpperCase(Locale.ROOT) + word.substring(1);
    }

    private String sentence() {
        if (verdict.text("word", "").equals("not present")) {
            return "The prompts do not show the behaviour, so that nothing was concluded about it.";
        }
        List<ReportedClaim> primary =
                claims.stream().filter(ReportedClaim::primary).toList();
        if (primary.isEmpty()) {
            return "";
        }
        long confirmed = primary.stream()
                .filter(claim -> claim.outcome().equals("confirmed"))
                .count();
        ReportedClaim first = primary.getFirst();
        return "Of " + primary.size() + " primary claims " + confirmed + (confirmed == 1 ? " is" : " are")
                + " confirmed on held-out prompts. The first, “" + first.name() + "”, says that " + first.sentence()
                + ": found " + first.shown() + ", claimed " + first.claimed() + ".";
    }

    private View sanityBadge() {
        List<String> failed = failed();
        if (!failed.isEmpty()) {
            return new Badge(
                    Tone.BAD,
                    "Sanity checks failed",
                    String.join(", ", failed) + ". Do not rely on what follows until this is understood.");
        }
        if (sanity.isEmpty()) {
            return new Badge(
                    Tone.UNSURE,
                    "Sanity suite not run",
                    claims.isEmpty()
                            ? "Nothing below has been held against it."
                            : "Of its checks only two were made: every edit changed something, and the halves share no"
                                    + " prompt.");
        }
        long passed = sanity.stream()
                .filter(check -> check.text("status", "").equals("passed"))
                .count();
        return new Badge(
                Tone.GOOD,
                "Sanity checks passed",
                passed + " of " + sanity.size() + (passed == sanity.size() ? "." : "; the others do not apply."));
    }

    private View keyFigures() {
        List<KeyFigure> figures = new ArrayList<>();
        claims.stream()
                .filter(ReportedClaim::primary)
                .limit(KEY_CLAIMS)
                .forEach(claim -> figures.add(new KeyFigure(
                        claim.name(),
                        (ShownNumber.of(claim.estimate()) + " " + claim.unit()).strip(),
                        range(claim.interval()),
                        claim.found().at("estimate"))));
        files.heldOut().ifPresent(half -> {
            figures.add(
                    new KeyFigure("mean of clean prompts", ShownNumber.of(half.number("mean")), "", half.at("mean")));
            figures.add(new KeyFigure("gap", ShownNumber.of(half.number("gap")), "", half.at("gap")));
        });
        report.get("robustness")
                .ifPresent(robustness -> figures.add(new KeyFigure(
                        "robustness",
                        ShownNumber.of(robustness.number("score")),
                        range(robustness.interval("interval")),
                        robustness.at("score"))));
        return new KeyFigures(figures);
    }

    static String range(@Nullable Interval interval) {
        return interval == null
                ? "no interval"
                : ShownNumber.of(interval.low()) + " to " + ShownNumber.of(interval.high());
    }

    private String scope() {
        ReportNode scope = scopeNode();
        StringBuilder words = new StringBuilder("Scope: ");
        words.append(scope.text("model", "the model")).append(", ").append(scope.text("metric", "the metric"));
        List<String> ablations = scope.texts("ablations");
        if (!ablations.isEmpty()) {
            words.append(", ablation ").append(String.join(" and ", ablations));
        }
        files.heldOut()
                .ifPresent(half -> words.append(", ")
                        .append((long) half.number("pairs"))
                        .append(" held-out prompts of ")
                        .append((long) half.number("units"))
                        .append(" units"));
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
        String meaning = "The finding stays under variations.";
        rungs.add(report.get("robustness")
                .map(robustness -> new Rung(
                        "robustness",
                        robustness.tone("verdict"),
                        robustness.text("verdict", ""),
                        ShownNumber.of(robustness.number("score"), robustness.interval("interval")),
                        meaning,
                        robustness.at("score")))
                .orElseGet(() -> new Rung("robustness", Tone.PLAIN, "not tested", "", meaning, "")));
        return Section.of("Ladder of evidence", "On each rung the weakest claim stands.", new EvidenceLadder(rungs));
    }

    private Rung rung(String name, String meaning) {
        List<ReportedClaim> of =
                claims.stream().filter(claim -> claim.rung().equals(name)).toList();
        if (of.isEmpty()) {
            return new Rung(name, Tone.PLAIN, "not tested", "", meaning, "");
        }
        ReportedClaim decisive = of.getFirst();
        for (String word : List.of("inconclusive", "refuted")) {
            for (ReportedClaim claim : of) {
                if (claim.outcome().equals(word)) {
                    decisive = claim;
                    break;
                }
            }
        }
        return new Rung(
                name,
                decisive.tone(),
                decisive.verdict(),
                decisive.name() + ": " + decisive.shown(),
                meaning,
                decisive.found().at("estimate"));
    }

    private View hypothesis() {
        Map<String, String> digests = new LinkedHashMap<>();
        report.get("locks").ifPresent(locks -> {
            digests.put("plan", locks.text("plan.lock", "not locked"));
            digests.put("claims", locks.text("claims.lock", "not locked"));
        });
        List<View> views = new ArrayList<>();
        report.get("hypothesis").ifPresent(hypothesis -> {
            List<String> sentences = hypothesis.texts("sentences");
            if (!sentences.isEmpty()) {
                views.add(new Bullets(sentences));
            }
        });
        views.add(digests.isEmpty() ? Prose.of("This run left no locks.") : Facts.ofCode(digests));
        report.get("hypothesis").ifPresent(hypothesis -> {
            ReportNode stated = hypothesis.get("investigation").orElse(hypothesis);
            byte[] text = JsonText.indented(json -> {
                json.writeStartObject();
                for (String key : stated.json().names()) {
                    stated.json().require(key).write(key, json);
                }
                json.writeEndObject();
            });
            views.add(new Folded(
                    "The investigation as it was locked, with every default",
                    new Listing(new String(text, StandardCharsets.UTF_8))));
        });
        return new Section(
                "Hypothesis",
                "The digests (SHA-256) bind what was claimed to what was run: the plan was locked before discovery, the"
                        + " claims before the held-out half.",
                views);
    }

    private View sanityChecks() {
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
        List<View> views = new ArrayList<>();
        views.add(sanity.isEmpty() ? Prose.of("The sanity suite was not run in this investigation.") : table);
        report.path("design", "leakage").ifPresent(leakage -> views.add(leakage(leakage)));
        return new Section("Sanity checks", "A failed check is reported, never dropped.", views);
    }

    private static View leakage(ReportNode leakage) {
        DataTable table = DataTable.of(
                "Leakage between the halves",
                TableColumn.text("what they share", "name"),
                TableColumn.number("count", "count"));
        for (String key : leakage.json().names()) {
            table = table.rowAt(
                    leakage.at(key), TableCell.of(key.replace('_', ' ')), TableCell.of(leakage.number(key)));
        }
        return table;
    }
}
