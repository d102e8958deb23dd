package dev.hyaline.explorer.report;

import dev.hyaline.explorer.Bullets;
import dev.hyaline.explorer.Facts;
import dev.hyaline.explorer.Prose;
import dev.hyaline.explorer.Section;
import dev.hyaline.explorer.View;
import dev.hyaline.files.Json;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

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

    static List<View> views(ReportNode report) {
        return List.of(
                Section.of("Deviations", "", sentences(report, "deviations", "None from the locked plan.")),
                Section.of(
                        "What was not tested",
                        "",
                        sentences(report, "untested", "This report lists nothing that was left out.")),
                provenance(report),
                Section.of("Glossary", "", Facts.of(GLOSSARY)));
    }

    private static View sentences(ReportNode report, String key, String none) {
        List<String> sentences = report.texts(key);
        return sentences.isEmpty() ? Prose.of(none) : new Bullets(sentences);
    }

    private static View provenance(ReportNode report) {
        ReportNode provenance = report.get("provenance").orElse(null);
        if (provenance == null) {
            return MissingPart.section("Provenance", "Nothing was recorded of where the numbers come from");
        }
        Map<String, String> facts = new LinkedHashMap<>();
        provenance.json().forEachField((key, value) -> facts.put(key.replace('_', ' '), shown(value)));
        return Section.of("Provenance", "With these the same bytes can be made again.", Facts.ofCode(facts));
    }

    private static String shown(Json value) {
        return value.isString() ? value.string() : value.toString();
    }
}
