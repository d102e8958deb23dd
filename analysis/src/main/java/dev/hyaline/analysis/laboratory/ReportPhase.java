package dev.hyaline.analysis.laboratory;

import dev.hyaline.analysis.investigation.HypothesisVerdict;
import dev.hyaline.analysis.investigation.HypothesisVerdict.Judged;
import dev.hyaline.analysis.investigation.Investigation;
import dev.hyaline.analysis.investigation.Treatment;
import dev.hyaline.analysis.investigation.alternative.AlternativeFinding;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.robustness.Verdict;
import dev.hyaline.files.Digests;
import dev.hyaline.files.Json;
import dev.hyaline.files.JsonText;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/**
 * Draws the verdict, and writes the report and what it takes to make the study again.
 *
 * @param phases the names of the phases before
 * @param page null for a report without a page
 */
record ReportPhase(List<String> phases, @Nullable ReportPage page) implements Phase<StudyFiles, Map<String, byte[]>> {
    static final String NAME = "7-report";
    static final String FILE = "report.json";
    static final String PATH = NAME + "/" + FILE;
    static final String PAGE = "report.html";
    static final String REPLAY = "replay.json";

    /** What the verdict holds for. */
    private record Scope(String model, String metric, List<String> ablations, List<String> strata) {}

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public StudyFiles read(StudyFiles before) {
        return before;
    }

    @Override
    public Map<String, byte[]> files(Map<String, byte[]> output) {
        return output;
    }

    @Override
    public Map<String, byte[]> run(StudyFiles before, PhaseRun run) {
        Map<String, byte[]> files = new LinkedHashMap<>();
        files.put(FILE, report(before));
        files.put(REPLAY, replay(before));
        if (page != null) {
            Map<String, byte[]> all = new LinkedHashMap<>();
            for (String phase : phases) {
                before.names(phase).forEach(name -> all.put(phase + "/" + name, before.bytes(phase + "/" + name)));
            }
            files.forEach((name, content) -> all.put(NAME + "/" + name, content));
            files.put(PAGE, page.html(all));
        }
        return files;
    }

    private static byte[] report(StudyFiles before) {
        Json hypothesis = before.json(FormalisePhase.PATH);
        Json analysis = before.json(AnalysisPhase.PATH);
        Investigation investigation = FormalisePhase.investigation(before);
        boolean present = analysis.require("behaviour_present").bool();
        HypothesisVerdict verdict = present ? verdict(before, analysis) : null;
        return JsonText.indented(json -> {
            json.writeStartObject();
            json.writeStringProperty("format", "hyaline-report/1");
            json.writeStringProperty("title", investigation.title());
            json.writeObjectPropertyStart("verdict");
            json.writeStringProperty(
                    "word", verdict == null ? "not present" : verdict.word().toString());
            Written.strings(
                    "reasons",
                    verdict == null ? List.of("the behaviour is not there, as present_if has it") : verdict.reasons(),
                    json);
            scope(scope(investigation, before), json);
            json.writeEndObject();
            json.writeObjectPropertyStart("locks");
            json.writeStringProperty(DesignPhase.LOCK_FILE, Digests.sha256(before.bytes(DesignPhase.LOCK)));
            json.writeStringProperty(DiscoveryPhase.LOCK_FILE, Digests.sha256(before.bytes(DiscoveryPhase.LOCK)));
            json.writeEndObject();
            hypothesis.write("hypothesis", json);
            before.json(DesignPhase.PATH).write("design", json);
            before.json(DiscoveryPhase.PATH).write("discovery", json);
            analysis.write("analysis", json);
            if (before.has(FurtherTests.RIVALS)) {
                before.json(FurtherTests.RIVALS).require("alternatives").write("alternatives", json);
                before.json(FurtherTests.MECHANISMS).require("claims").write("mechanisms", json);
                FurtherTests.controls(FurtherTests.rivals(before), json);
            }
            if (before.has(StudyForces.PATH)) {
                before.json(StudyForces.PATH).require("claims").write("forces", json);
            }
            if (before.has(CandidateScan.PATH)) {
                CandidateScan.map(before.json(CandidateScan.PATH), json);
            }
            if (before.has(StudyDictionary.PATH)) {
                before.json(StudyDictionary.PATH).write("superposition", json);
            }
            if (before.has(CircuitStudy.PATH)) {
                Json circuit = before.json(CircuitStudy.PATH);
                circuit.get("tests").ifPresent(tests -> tests.write("circuit_tests", json));
                circuit.require("interactions").write("interactions", json);
                circuit.require("shapley").write("shapley", json);
                circuit.get("shapley_sum").ifPresent(sum -> sum.write("shapley_sum", json));
            }
            if (before.has(StudySanity.PATH)) {
                before.json(StudySanity.PATH).require("checks").write("sanity", json);
            }
            Json robustness = before.json(RobustnessPhase.PATH);
            if (robustness.get("score").isPresent()) {
                robustness.write("robustness", json);
            }
            Written.strings("deviations", deviations(hypothesis), json);
            Written.strings("untested", untested(investigation, before), json);
            provenance(hypothesis, investigation, json);
            json.writeEndObject();
        });
    }

    /** Studies of other files that came before in the same folder. */
    private static List<String> deviations(Json hypothesis) {
        return hypothesis.require("earlier").elements().stream()
                .map(study -> "An earlier investigation in this folder, of the SHA-256 "
                        + study.require("investigation").string() + ", was given up after the phase "
                        + study.require("reached").string() + "; its files are in "
                        + study.require("folder").string() + ".")
                .toList();
    }

    /** What a study of such claims could have tested and did not. */
    private static List<String> untested(Investigation investigation, StudyFiles before) {
        List<String> sentences = new ArrayList<>();
        List<String> ablations = scope(investigation, before).ablations;
        for (Treatment.Replacement replacement : Treatment.Replacement.values()) {
            if (!ablations.contains(replacement.toString())) {
                sentences.add("No claim was tested by " + replacement + " ablation.");
            }
        }
        for (Metric metric : Metric.all(investigation.behaviour().at())) {
            if (!metric.name().equals(investigation.behaviour().metric())) {
                sentences.add("No claim was tested by " + metric.quantity() + ".");
            }
        }
        if (before.has(CircuitStudy.PATH)) {
            Json circuit = before.json(CircuitStudy.PATH);
            circuit.nullable("problem")
                    .ifPresent(
                            problem -> sentences.add("The circuit was not tested as one: " + problem.string() + "."));
            sentences.add("Removals of the search for the circuit were not searched for again on resampled units.");
        }
        if (!before.has(StudySanity.PATH)) {
            sentences.add("The sanity checks were not run.");
        }
        if (before.json(RobustnessPhase.PATH).get("score").isEmpty()) {
            sentences.add("The finding was not repeated under variations.");
        }
        return sentences;
    }

    private static void provenance(Json hypothesis, Investigation investigation, JsonGenerator json) {
        json.writeObjectPropertyStart("provenance");
        json.writeStringProperty(
                "model", hypothesis.require("model").require("name").string());
        json.writeStringProperty(
                "model_sha256", hypothesis.require("model").require("sha256").string());
        for (String key : List.of("tokenizer", "pairs", "program")) {
            String value = hypothesis.require(key).string();
            if (!value.isEmpty()) {
                json.writeStringProperty(key.equals("program") ? key : key + "_sha256", value);
            }
        }
        json.writeNumberProperty("seed", investigation.seed());
        json.writeEndObject();
    }

    private static HypothesisVerdict verdict(StudyFiles before, Json analysis) {
        List<Judged> judged = new ArrayList<>();
        for (Json claim : analysis.require("claims").elements()) {
            judged.add(new Judged(
                    claim.require("name").string(), claim.require("primary").bool(), FurtherTests.verdict(claim)));
        }
        Verdict robustness = before.json(RobustnessPhase.PATH)
                .get("verdict")
                .map(word -> Verdict.valueOf(word.string().toUpperCase(Locale.ROOT)))
                .orElse(null);
        return HypothesisVerdict.of(
                judged,
                AlternativeFinding.rivals(FurtherTests.rivals(before)),
                StudySanity.passed(before),
                robustness,
                /* heldOut= */ true);
    }

    private static Scope scope(Investigation investigation, StudyFiles before) {
        TreeSet<String> ablations = new TreeSet<>();
        investigation.claims().forEach(claim -> {
            switch (claim.treatment()) {
                case Treatment.AblateComponents(Treatment.Replacement replacement) ->
                    ablations.add(replacement.toString());
                case Treatment.KeepOnly(Treatment.Replacement replacement, Treatment.Candidates of) ->
                    ablations.add(replacement.toString());
                default -> {
                    // Others ablate nothing.
                }
            }
        });
        List<String> strata = new ArrayList<>();
        before.json(DesignPhase.PATH)
                .require("prompts")
                .require("factors")
                .forEachField((factor, levels) -> levels.names().forEach(level -> strata.add(factor + " " + level)));
        return new Scope(
                investigation.model(), investigation.behaviour().measure().quantity(), List.copyOf(ablations), strata);
    }

    private static void scope(Scope scope, JsonGenerator json) {
        json.writeObjectPropertyStart("scope");
        json.writeStringProperty("model", scope.model);
        json.writeStringProperty("metric", scope.metric);
        Written.strings("ablations", scope.ablations, json);
        Written.strings("strata", scope.strata, json);
        json.writeEndObject();
    }

    /** The investigation, what it was run with, and the digests of what came out. */
    private byte[] replay(StudyFiles before) {
        Json hypothesis = before.json(FormalisePhase.PATH);
        return JsonText.indented(json -> {
            json.writeStartObject();
            json.writeStringProperty("format", "hyaline-replay/1");
            for (String key : List.of("model", "tokenizer", "pairs", "program", "earlier", "investigation")) {
                hypothesis.require(key).write(key, json);
            }
            json.writeObjectPropertyStart("outputs");
            for (String phase : phases) {
                json.writeStringProperty(phase, Digests.sha256(before.bytes(phase + "/" + StudyFolder.OUTPUTS)));
            }
            json.writeEndObject();
            json.writeEndObject();
        });
    }
}
