package dev.hyaline.explorer.report;

import dev.hyaline.explorer.Bullets;
import dev.hyaline.explorer.Facts;
import dev.hyaline.explorer.Prose;
import dev.hyaline.explorer.Section;
import dev.hyaline.explorer.View;
import dev.hyaline.files.Digests;
import dev.hyaline.files.Json;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

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
        ReportNode report = files.report();
        return List.of(
                Section.of("Deviations", "", sentences(report, "deviations", "None from the locked plan.")),
                Section.of(
                        "What was not tested",
                        "",
                        sentences(report, "untested", "This report lists nothing that was left out.")),
                provenance(files),
                Section.of("Glossary", "", Facts.of(GLOSSARY)));
    }

    private static View sentences(ReportNode report, String key, String none) {
        List<String> sentences = report.texts(key);
        return sentences.isEmpty() ? Prose.of(none) : new Bullets(sentences);
    }

    private static View provenance(ReportFiles files) {
        Map<String, String> facts = new LinkedHashMap<>();
        files.report()
                .get("provenance")
                .ifPresent(provenance -> provenance.json().names().forEach(key -> {
                    Json value = provenance.json().require(key);
                    facts.put(key.replace('_', ' '), value.isString() ? value.string() : value.toString());
                }));
        new TreeMap<>(files.contents()).forEach((name, content) -> {
            if (name.matches("\\d-[a-z-]+/(prompts\\.json|measurements\\.csv|report\\.json)")) {
                facts.put(name + ", SHA-256", Digests.sha256(content));
            }
        });
        return Section.of(
                "Provenance",
                "With the model and replay.json the same bytes can be made again, on any number of threads and with any"
                        + " kernels. When, where and how fast is in run.json, on which nothing here depends.",
                Facts.ofCode(facts));
    }
}
