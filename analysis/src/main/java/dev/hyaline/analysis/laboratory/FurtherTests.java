package dev.hyaline.analysis.laboratory;

import dev.hyaline.analysis.investigation.AlternativeKind;
import dev.hyaline.analysis.investigation.Claim;
import dev.hyaline.analysis.investigation.ClaimMeasurement;
import dev.hyaline.analysis.investigation.ClaimVerdict;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.Investigation;
import dev.hyaline.analysis.investigation.TestedClaim;
import dev.hyaline.analysis.investigation.Treatment.Candidates;
import dev.hyaline.analysis.investigation.alternative.Alternative;
import dev.hyaline.analysis.investigation.alternative.AlternativeFinding;
import dev.hyaline.analysis.investigation.alternative.BuiltInAlternatives;
import dev.hyaline.analysis.investigation.alternative.GenericDamage;
import dev.hyaline.analysis.investigation.alternative.PositionOnly;
import dev.hyaline.analysis.investigation.mechanism.MechanismFinding;
import dev.hyaline.analysis.investigation.mechanism.MechanismStudy;
import dev.hyaline.analysis.investigation.mechanism.StatedMechanism;
import dev.hyaline.analysis.investigation.mechanism.SubClaimFinding;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Json;
import dev.hyaline.files.JsonText;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/**
 * The tests of claims beside their own: of their rivals, and of the mechanisms that they state.
 *
 * @param after evidence of the same prompts with a sentence before them; null where there is none
 */
record FurtherTests(
        Investigation claimed,
        Evidence evidence,
        @Nullable Evidence after,
        double gap,
        Map<String, ClaimMeasurement> measurements,
        PhaseRun run) {
    static final String RIVALS_FILE = "alternatives.json";
    static final String RIVALS = HeldOutPhase.NAME + "/" + RIVALS_FILE;
    static final String MECHANISMS_FILE = "mechanisms.json";
    static final String MECHANISMS = HeldOutPhase.NAME + "/" + MECHANISMS_FILE;

    /** Begins the labels of all that is drawn. */
    private static final String STUDY = "held-out";

    /** @param others evidence of tasks that should not suffer, by name */
    byte[] rivals(Map<String, Evidence> others) {
        List<Alternative> alternatives = new ArrayList<>();
        for (AlternativeKind kind : claimed.alternatives()) {
            alternatives.add(
                    switch (kind) {
                        case GENERIC_DAMAGE ->
                            GenericDamage.on(
                                    others,
                                    claimed.circuit() == null
                                            ? Candidates.HEADS
                                            : claimed.circuit().of());
                        case POSITION_ONLY -> new PositionOnly(after);
                        default -> BuiltInAlternatives.of(kind);
                    });
        }
        List<AlternativeFinding> findings = new ArrayList<>();
        int done = 0;
        for (ClaimMeasurement measurement : measurements.values()) {
            TestedClaim tested = new TestedClaim(evidence, measurement, gap, claimed.design(), STUDY, claimed.seed());
            for (Alternative alternative : alternatives) {
                if (alternative.concerns(measurement.claim())) {
                    findings.add(test(alternative, tested));
                }
                done++;
                run.progress().advanced("alternatives", done, (long) alternatives.size() * measurements.size());
            }
        }
        return JsonText.indented(json -> {
            json.writeStartObject();
            json.writeStringProperty("format", "hyaline-rivals/1");
            json.writeArrayPropertyStart("alternatives");
            findings.forEach(finding -> write(finding, json));
            json.writeEndArray();
            json.writeEndObject();
        });
    }

    private static AlternativeFinding test(Alternative alternative, TestedClaim tested) {
        try {
            return alternative.test(tested);
        } catch (BadInputException e) {
            // The prompts or the model lack what the test compares.
            return AlternativeFinding.notTested(alternative, tested, String.valueOf(e.getMessage()));
        }
    }

    private static void write(AlternativeFinding finding, JsonGenerator json) {
        json.writeStartObject();
        json.writeStringProperty("name", finding.alternative());
        json.writeStringProperty("claim", finding.claim());
        json.writeBooleanProperty("control", finding.control());
        json.writeBooleanProperty("required", finding.required());
        if (finding.standing() != AlternativeFinding.Standing.NOT_TESTED) {
            json.writeBooleanProperty("excluded", finding.isExcluded());
        }
        json.writeStringProperty("quantity", finding.quantity());
        Written.number("figure", finding.value(), json);
        Written.number("bound", finding.limit(), json);
        Written.number("observed", finding.observed(), json);
        json.writeArrayPropertyStart("controls");
        finding.controls().forEach(json::writeNumber);
        json.writeEndArray();
        json.writeStringProperty("test", finding.words());
        json.writeEndObject();
    }

    /** Writes the distributions that ranks among controls were drawn from. */
    static void controls(List<AlternativeFinding> findings, JsonGenerator json) {
        json.writeArrayPropertyStart("controls");
        for (AlternativeFinding finding : findings) {
            if (finding.isRank()) {
                json.writeStartObject();
                json.writeStringProperty("name", finding.alternative() + " against " + finding.claim());
                json.writeStringProperty("quantity", "effect in the predicted direction");
                Written.number("observed", finding.observed(), json);
                json.writeArrayPropertyStart("draws");
                finding.controls().forEach(json::writeNumber);
                json.writeEndArray();
                Written.number("p", finding.value(), json);
                json.writeBooleanProperty("larger_is_stronger", true);
                json.writeEndObject();
            }
        }
        json.writeEndArray();
    }

    /** The findings of a file of rivals; none without one. */
    static List<AlternativeFinding> rivals(StudyFiles files) {
        List<AlternativeFinding> findings = new ArrayList<>();
        if (files.has(RIVALS)) {
            for (Json json : files.json(RIVALS).require("alternatives").elements()) {
                AlternativeFinding.Standing standing = json.get("excluded")
                        .map(excluded -> excluded.bool()
                                ? AlternativeFinding.Standing.EXCLUDED
                                : AlternativeFinding.Standing.NOT_EXCLUDED)
                        .orElse(AlternativeFinding.Standing.NOT_TESTED);
                findings.add(new AlternativeFinding(
                        json.require("name").string(),
                        json.require("claim").string(),
                        json.require("control").bool(),
                        json.require("required").bool(),
                        standing,
                        json.require("quantity").string(),
                        number(json, "figure"),
                        number(json, "bound"),
                        number(json, "observed"),
                        json.require("controls").elements().stream()
                                .map(Json::number)
                                .toList(),
                        json.require("test").string()));
            }
        }
        return findings;
    }

    private static double number(Json json, String key) {
        return json.nullable(key).map(Json::number).orElse(Double.NaN);
    }

    byte[] mechanisms() {
        MechanismStudy study = MechanismStudy.of(evidence, gap, claimed.design(), STUDY, claimed.seed());
        Map<String, MechanismFinding> findings = new LinkedHashMap<>();
        Map<String, String> problems = new LinkedHashMap<>();
        for (Claim claim :
                measurements.values().stream().map(ClaimMeasurement::claim).toList()) {
            if (claim.mechanism() != null) {
                try {
                    findings.put(
                            claim.name(),
                            MechanismFinding.test(
                                    StatedMechanism.of(
                                            claim,
                                            evidence.experiment().config(),
                                            evidence.experiment().pairs()),
                                    study,
                                    claim.name()));
                } catch (BadInputException e) {
                    // The prompts or the model lack what the mechanism is about.
                    problems.put(claim.name(), String.valueOf(e.getMessage()));
                }
            }
        }
        return JsonText.indented(json -> {
            json.writeStartObject();
            json.writeStringProperty("format", "hyaline-mechanisms/1");
            json.writeObjectPropertyStart("claims");
            findings.forEach((claim, finding) -> write(claim, finding, json));
            problems.forEach((claim, problem) -> {
                json.writeObjectPropertyStart(claim);
                json.writeStringProperty("problem", problem);
                verdict(
                        new ClaimVerdict(ClaimVerdict.ClaimOutcome.INCONCLUSIVE, ClaimVerdict.ClaimReason.SANITY),
                        json);
                json.writeEndObject();
            });
            json.writeEndObject();
            json.writeEndObject();
        });
    }

    private static void write(String claim, MechanismFinding finding, JsonGenerator json) {
        json.writeObjectPropertyStart(claim);
        json.writeStringProperty("mechanism", finding.mechanism());
        verdict(finding.verdict(), json);
        json.writeArrayPropertyStart("sub_claims");
        for (SubClaimFinding part : finding.subClaims()) {
            json.writeStartObject();
            json.writeStringProperty("name", part.name());
            json.writeStringProperty("sentence", part.sentence());
            Written.number("estimate", part.estimate(), json);
            Written.interval("interval", part.interval(), json);
            Written.number("bound", part.bound(), json);
            Written.number("p", part.p(), json);
            verdict(part.verdict(), json);
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    static void verdict(ClaimVerdict verdict, JsonGenerator json) {
        Written.text("verdict", verdict.outcome(), json);
        Written.text("reason", verdict.reason(), json);
    }

    /** The verdict in a file. */
    static ClaimVerdict verdict(Json json) {
        return new ClaimVerdict(
                ClaimVerdict.ClaimOutcome.valueOf(
                        json.require("verdict").string().toUpperCase(Locale.ROOT)),
                json.nullable("reason")
                        .map(reason -> ClaimVerdict.ClaimReason.valueOf(
                                reason.string().toUpperCase(Locale.ROOT).replace('-', '_')))
                        .orElse(null));
    }

    /** The verdict of the mechanism that a claim states; null if it states none. */
    static @Nullable ClaimVerdict ofMechanism(StudyFiles files, String claim) {
        return files.has(MECHANISMS)
                ? files.json(MECHANISMS)
                        .require("claims")
                        .get(claim)
                        .map(FurtherTests::verdict)
                        .orElse(null)
                : null;
    }
}
