package dev.hyaline.analysis.laboratory;

import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.investigation.Claim;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.Investigation;
import dev.hyaline.analysis.investigation.Treatment;
import dev.hyaline.analysis.investigation.force.DoseResponse;
import dev.hyaline.analysis.investigation.force.ForceResult;
import dev.hyaline.analysis.investigation.force.StatedForce;
import dev.hyaline.analysis.investigation.force.Steer;
import dev.hyaline.analysis.laboratory.HalfPrompts.Half;
import dev.hyaline.analysis.laboratory.HalfPrompts.Half.DiscoveryHalf;
import dev.hyaline.analysis.laboratory.HalfPrompts.Half.HeldOutHalf;
import dev.hyaline.analysis.laboratory.HalfPrompts.HalfEvidence;
import dev.hyaline.analysis.statistics.Bootstrap;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.analysis.statistics.VerdictInterval;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.JsonText;
import dev.hyaline.instrument.CounterRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/**
 * Every force that a claim states, both ways and with its controls: into clean runs, to see what breaks, and into
 * corrupted ones, to see what comes back.
 */
final class StudyForces {
    static final String FILE = "forces.json";
    static final String PATH = HeldOutPhase.NAME + "/" + FILE;

    private static final String STUDY = "held-out/force/";

    private StudyForces() {}

    /** The forces of one claim. */
    private record Measured(
            Claim claim,
            List<ForceResult> results,
            List<Dose> doses,
            @Nullable String problem) {}

    private record Dose(String component, Side into, DoseResponse response) {}

    /** Whether a claim is about values that something is forced to. */
    private static boolean forces(Claim claim) {
        return claim.treatment() instanceof Treatment.ForceTo || claim.treatment() instanceof Treatment.LookAt;
    }

    /**
     * The evidence with values to force components to, if any claim does.
     *
     * @param discovery evidence of the discovery half
     */
    static <H extends Half> HalfEvidence<H> forcing(
            Investigation investigation, HalfEvidence<H> evidence, Supplier<HalfEvidence<DiscoveryHalf>> discovery) {
        return investigation.claims().stream().anyMatch(claim -> claim.treatment() instanceof Treatment.ForceTo)
                ? evidence.with(
                        runs -> runs.forcedBy(StatedForce.by(discovery.get().evidence())))
                : evidence;
    }

    /** Measures the forces of named components; null if no claim states one. */
    static byte @Nullable [] run(
            Investigation claimed,
            HalfEvidence<HeldOutHalf> half,
            double gap,
            Supplier<HalfEvidence<DiscoveryHalf>> discovery) {
        List<Claim> claims = claimed.claims().stream()
                .filter(claim -> forces(claim) && !claim.isOfCircuit())
                .toList();
        if (claims.isEmpty()) {
            return null;
        }
        Evidence evidence = half.evidence();
        Evidence source = discovery.get().evidence();
        List<Measured> measured = claims.stream()
                .map(claim -> measure(claimed, evidence, source, claim))
                .toList();
        Units units = evidence.experiment()
                .pairs()
                .units()
                .orElse(Units.each(evidence.experiment().pairs().size()));
        return JsonText.indented(json -> {
            json.writeStartObject();
            json.writeStringProperty("format", "hyaline-forces/1");
            json.writeArrayPropertyStart("claims");
            measured.forEach(each -> write(claimed, each, units, gap, json));
            json.writeEndArray();
            json.writeEndObject();
        });
    }

    private static Measured measure(Investigation claimed, Evidence evidence, Evidence discovery, Claim claim) {
        List<Dose> doses = new ArrayList<>();
        try {
            List<ForceResult> results = StatedForce.bothWays(discovery, evidence, claim);
            for (Steer steer : StatedForce.steering(discovery, claim)) {
                Treatment.ForceTo stated = (Treatment.ForceTo) claim.treatment();
                for (Side into : Side.values()) {
                    String component = steer.component().toString();
                    doses.add(new Dose(
                            component,
                            into,
                            DoseResponse.measure(
                                    steer,
                                    evidence,
                                    into,
                                    stated.everywhere() ? null : stated.at(),
                                    VerdictInterval.DIRECTED_TAIL,
                                    random(claimed, claim, "doses of " + component + " " + into))));
                }
            }
            return new Measured(claim, results, doses, null);
        } catch (BadInputException e) {
            // The prompts or the components lack what the force takes.
            return new Measured(claim, List.of(), List.of(), e.getMessage());
        }
    }

    private static CounterRandom random(Investigation claimed, Claim claim, String label) {
        return CounterRandom.of(claimed.seed()).named(STUDY + claim.name() + "/" + label);
    }

    private static void write(Investigation claimed, Measured measured, Units units, double gap, JsonGenerator json) {
        json.writeStartObject();
        json.writeStringProperty("claim", measured.claim.name());
        json.writeStringProperty("do", measured.claim.treatment().word());
        Written.text("problem", measured.problem, json);
        if (measured.problem == null) {
            json.writeStringProperty(
                    "words", words(measured.results, claimed.smallestEffect().inMetric(gap)));
        }
        json.writeArrayPropertyStart("results");
        for (ForceResult result : measured.results) {
            json.writeStartObject();
            json.writeStringProperty("force", result.force());
            json.writeStringProperty("into", side(result.into()));
            json.writeStringProperty("at", result.at() == null ? "all positions" : result.at());
            json.writeStringProperty("control", result.control());
            double[] change = new double[result.after().length];
            for (int pair = 0; pair < change.length; pair++) {
                change[pair] = result.after()[pair] - result.before()[pair];
            }
            Written.number("change", result.meanChange(), json);
            Written.interval(
                    "interval",
                    VerdictInterval.of(
                                    change,
                                    units,
                                    VerdictInterval.DIRECTED_TAIL,
                                    Bootstrap.REPLICATES,
                                    random(
                                            claimed,
                                            measured.claim,
                                            result.force() + " " + result.into() + " " + result.at() + " "
                                                    + result.control()))
                            .map(VerdictInterval::interval)
                            .orElse(null),
                    json);
            Written.number("share_of_gap", result.meanChange() / Math.abs(gap), json);
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeArrayPropertyStart("doses");
        for (Dose dose : measured.doses) {
            json.writeStartObject();
            json.writeStringProperty("component", dose.component);
            json.writeStringProperty("into", side(dose.into));
            numbers("alpha", dose.response.doses(), json);
            numbers("change", dose.response.changes(), json);
            Written.number("slope", dose.response.slope(), json);
            Written.interval("interval", dose.response.interval(), json);
            Written.number("spearman", dose.response.spearman(), json);
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    private static void numbers(String key, List<Double> values, JsonGenerator json) {
        json.writeArrayPropertyStart(key);
        values.forEach(json::writeNumber);
        json.writeEndArray();
    }

    /** The mean metric of the clean runs less that of the corrupted ones. */
    private static double distance(List<ForceResult> results) {
        double distance = 0;
        for (Side side : Side.values()) {
            double mean = results.stream()
                    .filter(result -> isOwn(result, side))
                    .findFirst()
                    .map(result -> Arrays.stream(result.before()).sum() / result.before().length)
                    .orElse(0.0);
            distance += side == Side.CLEAN ? mean : -mean;
        }
        return distance;
    }

    /** Whether the force breaks the behaviour, and whether it brings more than half of it back. */
    private static String words(List<ForceResult> results, double least) {
        double distance = distance(results);
        boolean breaks =
                results.stream().anyMatch(result -> isOwn(result, Side.CLEAN) && result.meanChange() <= -least);
        boolean restores = results.stream()
                .anyMatch(result -> isOwn(result, Side.CORRUPTED) && result.meanChange() >= distance / 2 + least);
        return breaks
                ? restores ? "breaks and restores" : "breaks, does not restore"
                : restores ? "restores, does not break" : "neither breaks nor restores";
    }

    private static boolean isOwn(ForceResult result, Side into) {
        return result.control().isEmpty() && result.into() == into;
    }

    private static String side(Side side) {
        return side.name().toLowerCase(Locale.ROOT);
    }
}
