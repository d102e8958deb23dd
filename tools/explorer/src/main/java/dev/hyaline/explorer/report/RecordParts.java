package dev.hyaline.explorer.report;

import dev.hyaline.analysis.investigation.Treatment.Replacement;
import dev.hyaline.explorer.Bullets;
import dev.hyaline.explorer.Facts;
import dev.hyaline.explorer.Prose;
import dev.hyaline.explorer.Section;
import dev.hyaline.explorer.View;
import dev.hyaline.files.Digests;
import dev.hyaline.files.Json;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** The end of a report: deviations, what was not tested, where everything comes from, the words. */
final class RecordParts {
    private static final Map<String, String> GLOSSARY = new LinkedHashMap<>();

    static {
        GLOSSARY.put("claim", "One signed, quantified statement: an experiment on components gives at least so much.");
        GLOSSARY.put("hypothesis", "The claims of an investigation together with the alternatives to them.");
        GLOSSARY.put("held-out half", "Prompts that share no unit with those that the claims were found on.");
        GLOSSARY.put("unit", "What was drawn at random, such as a name; prompts that share it count as one.");
        GLOSSARY.put("stratum", "What was listed in full, such as a template; conclusions are about these strata.");
        GLOSSARY.put("gap", "The mean metric of the whole model minus that with every candidate ablated.");
        GLOSSARY.put("loss", "The metric of the clean run minus that of the edited run.");
        GLOSSARY.put("faithfulness", "The share of the gap that is kept when everything but the circuit is ablated.");
        GLOSSARY.put(
                "claimed number", "The smallest effect that confirms a claim; of a claim of no effect, the largest.");
        GLOSSARY.put(
                "interval",
                "From the lowest to the highest end of a BCa bootstrap, a clustered t and a studentised bootstrap over"
                        + " units.");
        GLOSSARY.put(
                "p",
                "Of the minimum-effect test by sign flips of units: chance of so much if the effect were the"
                        + " claimed number.");
        GLOSSARY.put("adjusted p", "The same after Holm's correction over the primary claims.");
        GLOSSARY.put("confirmed", "The interval lies beyond the claimed number and the adjusted p below the level.");
        GLOSSARY.put("refuted", "The interval excludes the claimed number.");
        GLOSSARY.put("inconclusive", "Neither; the reason stands beside it.");
    }

    private RecordParts() {}

    static List<View> views(ReportFiles files) {
        return List.of(
                deviations(files.report()),
                Section.of("What was not tested", "", new Bullets(untested(files))),
                provenance(files),
                Section.of("Glossary", "", Facts.of(GLOSSARY)));
    }

    private static View deviations(ReportNode report) {
        List<String> sentences = new ArrayList<>(report.texts("deviations"));
        report.path("hypothesis")
                .ifPresent(hypothesis -> hypothesis
                        .list("earlier")
                        .forEach(earlier -> sentences.add(
                                "An earlier plan was given up for this one: " + shown(earlier.json()) + ".")));
        return Section.of(
                "Deviations",
                "",
                sentences.isEmpty() ? Prose.of("None from the locked plan.") : new Bullets(sentences));
    }

    /** What did not run, by rule: each ablation, kind of evidence and part of the report. */
    private static List<String> untested(ReportFiles files) {
        ReportNode report = files.report();
        List<String> untested = new ArrayList<>(report.texts("untested"));
        ReportNode scope = report.path("verdict", "scope").orElse(report);
        List<String> ablations = scope.texts("ablations");
        for (Replacement replacement : Replacement.values()) {
            if (!ablations.contains(replacement.toString())) {
                untested.add("No claim was tested with " + replacement + " ablation.");
            }
        }
        Set<String> rungs = files.claims().stream().map(ReportedClaim::rung).collect(Collectors.toSet());
        for (String rung : VerdictPart.rungs()) {
            if (!rungs.contains(rung)) {
                untested.add("No claim is about " + rung + ".");
            }
        }
        if (!scope.text("metric", "").isEmpty()) {
            untested.add("No claim was tested by another metric than " + scope.text("metric", "") + ".");
        }
        report.path("hypothesis", "investigation", "circuit")
                .filter(search -> search.text("of", "").equals("heads"))
                .ifPresent(search -> untested.add("MLPs, neurons and positions were no candidates for the circuit."));
        Map<String, String> parts = new LinkedHashMap<>();
        parts.put("sanity", "The sanity suite was not run.");
        parts.put("alternatives", "No alternative explanation was tested.");
        parts.put("controls", "Random components were not tested as controls.");
        parts.put("robustness", "The finding was not repeated under variations.");
        parts.put("interactions", "Components were not edited two at a time.");
        parts.forEach((key, sentence) -> {
            if (report.get(key).isEmpty()) {
                untested.add(sentence);
            }
        });
        untested.add("Nothing was tested on other models, or on strata that are not listed.");
        return untested;
    }

    private static View provenance(ReportFiles files) {
        Map<String, String> facts = new LinkedHashMap<>();
        files.report().get("hypothesis").ifPresent(hypothesis -> {
            hypothesis.get("model").ifPresent(model -> {
                facts.put("model", model.text("name", ""));
                facts.put("model, SHA-256", model.text("sha256", ""));
            });
            facts.put("tokenizer, SHA-256", hypothesis.text("tokenizer", "none"));
            if (!hypothesis.text("pairs", "").isEmpty()) {
                facts.put("file of pairs, SHA-256", hypothesis.text("pairs", ""));
            }
            hypothesis
                    .get("investigation")
                    .flatMap(investigation -> investigation.get("seed"))
                    .ifPresent(seed -> facts.put("seed", shown(seed.json())));
            facts.put("program", hypothesis.text("program", "not recorded"));
        });
        new TreeMap<>(files.contents()).forEach((name, content) -> {
            if (name.matches("\\d-[a-z-]+/(prompts\\.json|measurements\\.csv|report\\.json)")) {
                facts.put(name + ", SHA-256", Digests.sha256(content));
            }
        });
        files.report()
                .get("provenance")
                .ifPresent(provenance ->
                        provenance.json().forEachField((key, value) -> facts.put(key.replace('_', ' '), shown(value))));
        return Section.of(
                "Provenance",
                "With the model and replay.json the same bytes can be made again, on any number of threads and with any"
                        + " kernels. When, where and how fast is in run.json, on which nothing here depends.",
                Facts.ofCode(facts));
    }

    private static String shown(Json value) {
        return value.isString() ? value.string() : value.toString();
    }
}
