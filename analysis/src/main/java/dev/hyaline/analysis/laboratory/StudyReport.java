package dev.hyaline.analysis.laboratory;

import dev.hyaline.analysis.investigation.HypothesisVerdict;
import dev.hyaline.files.Json;
import dev.hyaline.files.RecordText;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * How far a study is, and what it found.
 *
 * @param folder of the study
 * @param reached the last finished phase
 * @param present whether the behaviour was found; true as long as nobody looked
 * @param verdict null as long as there is none, and if the behaviour is not there
 * @param remarks of the design
 * @param claims with their verdicts; none before the analysis
 */
public record StudyReport(
        Path folder,
        String reached,
        boolean present,
        @Nullable HypothesisVerdict verdict,
        List<String> remarks,
        List<ClaimResult> claims) {

    /**
     * What was found of a claim on the held-out half.
     *
     * @param verdict with its reason in brackets
     * @param estimate null of a claim that could not be tested
     * @param low end of the interval; null without one
     * @param high end of the interval; null without one
     * @param bound the claimed number
     */
    public record ClaimResult(
            String name,
            String sentence,
            boolean primary,
            String verdict,
            @Nullable Double estimate,
            @Nullable Double low,
            @Nullable Double high,
            @Nullable Double bound,
            @Nullable Double adjustedP) {}

    public StudyReport {
        remarks = List.copyOf(remarks);
        claims = List.copyOf(claims);
    }

    /** Reads a study's folder. */
    public static StudyReport read(Path folder) {
        StudyFiles files = new StudyFiles(folder);
        String reached = Laboratory.PHASES.reversed().stream()
                .filter(phase -> files.has(phase + "/" + StudyFolder.OUTPUTS))
                .findFirst()
                .orElse("");
        List<String> remarks = files.has(DesignPhase.PATH)
                ? files.json(DesignPhase.PATH).require("remarks").elements().stream()
                        .map(Json::string)
                        .toList()
                : List.of();
        boolean present = !files.has(DiscoveryPhase.PATH) || DiscoveryPhase.isPresent(files);
        List<ClaimResult> claims = new ArrayList<>();
        if (files.has(AnalysisPhase.PATH)) {
            files.json(AnalysisPhase.PATH)
                    .get("claims")
                    .ifPresent(list -> list.elements().forEach(claim -> claims.add(claim(claim))));
        }
        HypothesisVerdict verdict = null;
        if (present && files.has(ReportPhase.PATH)) {
            Json json = files.json(ReportPhase.PATH).require("verdict");
            verdict = new HypothesisVerdict(
                    HypothesisVerdict.Word.valueOf(json.require("word").string().toUpperCase(Locale.ROOT)),
                    json.require("reasons").elements().stream()
                            .map(Json::string)
                            .toList());
        }
        return new StudyReport(folder, reached, present, verdict, remarks, claims);
    }

    private static ClaimResult claim(Json json) {
        Json tested = json.get("held_out").orElse(json);
        List<Json> interval = tested.nullable("interval").map(Json::elements).orElse(List.of());
        return new ClaimResult(
                json.require("name").string(),
                json.require("sentence").string(),
                json.require("primary").bool(),
                json.require("verdict").string()
                        + json.nullable("reason")
                                .map(reason -> " (" + reason.string() + ")")
                                .orElse(""),
                number(tested, "estimate"),
                interval.isEmpty() ? null : interval.getFirst().number(),
                interval.isEmpty() ? null : interval.getLast().number(),
                number(tested, "bound"),
                number(tested, "adjusted_p"));
    }

    private static @Nullable Double number(Json json, String key) {
        return json.nullable(key).map(Json::number).orElse(null);
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
