package dev.hyaline.analysis.laboratory;

import dev.hyaline.analysis.investigation.CircuitDiscovery;
import dev.hyaline.analysis.investigation.Claim;
import dev.hyaline.analysis.investigation.ClaimComponent;
import dev.hyaline.analysis.investigation.ClaimMeasurement;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.Investigation;
import dev.hyaline.analysis.investigation.StudyPlan.DictionaryPlan;
import dev.hyaline.analysis.investigation.discovery.ComponentScan;
import dev.hyaline.analysis.laboratory.HalfPrompts.Half.DiscoveryHalf;
import dev.hyaline.analysis.laboratory.HalfPrompts.HalfEvidence;
import dev.hyaline.analysis.statistics.VerdictInterval;
import dev.hyaline.analysis.statistics.association.Stability;
import dev.hyaline.files.Digests;
import dev.hyaline.files.JsonText;
import dev.hyaline.instrument.CounterRandom;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/**
 * The discovery half: whether the behaviour is there, the circuit, and each claim's experiment. Then the claims are
 * locked, with the circuit's members named one by one.
 */
record DiscoveryPhase(StudyModel model, StudyAutoencoders autoencoders)
        implements Phase<DiscoveryPhase.Input, Map<String, byte[]>> {
    static final String NAME = "4-discovery";
    static final String FILE = "discovery.json";
    static final String PATH = NAME + "/" + FILE;
    static final String CLAIMS_FILE = "claims.json";
    static final String CLAIMS = NAME + "/" + CLAIMS_FILE;
    static final String TABLE_NAME = "measurements";
    static final String TABLE = NAME + "/" + TABLE_NAME;
    static final String LOCK_FILE = "claims.lock";
    static final String LOCK = NAME + "/" + LOCK_FILE;

    record Input(Investigation investigation, HalfPrompts<DiscoveryHalf> half, PlanLock plan) {
        PromptSet prompts() {
            return half.prompts();
        }
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Input read(StudyFiles before) {
        return new Input(
                FormalisePhase.investigation(before),
                StudyPrompts.read(before, DesignPhase.PROMPTS).discoveryHalf(),
                PlanLock.read(before.json(DesignPhase.LOCK)));
    }

    @Override
    public Map<String, byte[]> run(Input input, PhaseRun run) {
        Investigation investigation = input.investigation;
        HalfEvidence<DiscoveryHalf> own = autoencoders.in(
                input.half.evidence(model.model(), investigation.behaviour().measure()));
        HalfEvidence<DiscoveryHalf> half = StudyForces.forcing(investigation, own, () -> own)
                .with(evidence -> evidence.journalled(run.journals())
                        .progress((done, total) -> run.progress().advanced("discovery half", done, total)));
        Evidence evidence = half.evidence();
        double[] clean = evidence.clean();
        boolean present = investigation.behaviour().isPresent(clean);
        Map<String, double[]> columns = new LinkedHashMap<>();
        columns.put("clean", clean);
        columns.put("corrupted", evidence.experiment().baselines().corrupted().clone());
        double[] empty = StudyGap.empty(investigation, evidence);
        columns.put("empty", empty);
        double gap = StudyGap.of(clean, empty);
        Map<String, byte[]> files = new LinkedHashMap<>();
        if (present && investigation.checks().sanity()) {
            run.progress().advanced("sanity checks", 0, 1);
            files.put(StudySanity.FILE, StudySanity.run(model, investigation, input.prompts()));
            run.progress().advanced("sanity checks", 1, 1);
        }
        CircuitDiscovery found = present && investigation.circuit() != null
                ? CircuitDiscovery.run(evidence, investigation.circuit())
                : null;
        List<ClaimComponent> circuit = found == null ? List.of() : found.circuit();
        if (present) {
            Investigation claimed = investigation.of(circuit);
            claimed.claims().stream()
                    .filter(claim -> !claim.isOfCircuit())
                    .forEach(claim -> put(evidence.measure(claim), columns));
            files.put(CLAIMS_FILE, claimed.toJson());
            files.put(CandidateScan.FILE, CandidateScan.run(model, investigation, half, gap));
            DictionaryPlan plan = investigation.superposition();
            if (plan != null) {
                files.put(StudyDictionary.FILE, StudyDictionary.run(model, investigation, plan, half, gap, run));
            }
        }
        files.put(FILE, json(input, clean, present, gap, found, evidence));
        StudyTable table = new StudyTable(input.prompts().size(), columns);
        files.putAll(table.files(TABLE_NAME, input.prompts().names()));
        Map<String, String> locked = new LinkedHashMap<>();
        locked.put(ClaimsLock.PLAN, input.plan.sha256());
        files.forEach((name, content) -> locked.put(NAME + "/" + name, Digests.sha256(content)));
        files.put(LOCK_FILE, new ClaimsLock(locked).toJson());
        return files;
    }

    @Override
    public Map<String, byte[]> files(Map<String, byte[]> output) {
        return output;
    }

    /** A claim's measurement as columns. */
    static void put(ClaimMeasurement measurement, Map<String, double[]> columns) {
        String name = measurement.claim().name();
        columns.put(name + "/before", measurement.before());
        columns.put(name + "/after", measurement.after());
        columns.put(name + "/floor", measurement.floor());
    }

    /** A claim's measurement from columns. */
    static ClaimMeasurement measurement(Claim claim, StudyTable table) {
        return new ClaimMeasurement(
                claim,
                table.column(claim.name() + "/before"),
                table.column(claim.name() + "/after"),
                table.column(claim.name() + "/floor"));
    }

    private static byte[] json(
            Input input,
            double[] clean,
            boolean present,
            double gap,
            @Nullable CircuitDiscovery found,
            Evidence evidence) {
        return JsonText.indented(json -> {
            json.writeStartObject();
            json.writeStringProperty("format", "hyaline-discovery/1");
            json.writeNumberProperty("pairs", input.prompts().size());
            json.writeObjectPropertyStart("behaviour");
            json.writeBooleanProperty("present", present);
            Written.number("mean", Arrays.stream(clean).average().orElse(Double.NaN), json);
            Written.number(
                    "accuracy",
                    (double) Arrays.stream(clean).filter(value -> value > 0).count() / clean.length,
                    json);
            json.writeEndObject();
            Written.number("gap", gap, json);
            if (found != null) {
                Written.strings("circuit", found.circuit(), json);
                json.writeArrayPropertyStart("path");
                for (CircuitDiscovery.Removal removal : found.path()) {
                    json.writeStartObject();
                    json.writeStringProperty("removed", removal.removed().toString());
                    Written.number("deviation", removal.deviation(), json);
                    Written.text("runner_up", removal.runnerUp(), json);
                    Written.number("margin", removal.margin(), json);
                    json.writeEndObject();
                }
                json.writeEndArray();
                stability(input, found, json);
            }
            // What was done depends on where the study was stopped; what full reruns would have been does not.
            json.writeNumberProperty(
                    "multiply_adds_of_full_reruns", evidence.work().full());
            json.writeEndObject();
        });
    }

    private static void stability(Input input, CircuitDiscovery found, JsonGenerator json) {
        Investigation investigation = input.investigation;
        Stability stability = found.stability(
                input.prompts().units(),
                Objects.requireNonNull(investigation.circuit()).tau(),
                CounterRandom.of(investigation.seed()).named("discovery/circuit/stability"));
        json.writeObjectPropertyStart("stability");
        json.writeStringProperty("of", "the end of the search along the same path, on units drawn anew");
        json.writeNumberProperty("resamples", CircuitDiscovery.RESAMPLES);
        Written.number("similarity_of_resamples", stability.mean(), json);
        Written.interval("interval", stability.interval(VerdictInterval.DIRECTED_TAIL), json);
        json.writeBooleanProperty("stable", stability.mean() >= ComponentScan.UNSTABLE);
        json.writeObjectPropertyStart("inclusion");
        stability.inclusion().forEach((name, share) -> Written.number(name, share.value(), json));
        json.writeEndObject();
        json.writeEndObject();
    }

    /** Returns whether the behaviour was found. */
    static boolean isPresent(StudyFiles files) {
        return files.json(PATH).require("behaviour").require("present").bool();
    }

    /** The gap that claims in shares of it mean. */
    static double gap(StudyFiles files) {
        return files.json(PATH).require("gap").number();
    }

    /** The members of the circuit; none where no circuit was searched for. */
    static List<ClaimComponent> circuit(StudyFiles files) {
        return files.json(PATH)
                .get("circuit")
                .map(members -> members.elements().stream()
                        .map(member -> ClaimComponent.parse(member.string()))
                        .toList())
                .orElse(List.of());
    }

    /** The investigation with the circuit's members named. */
    static Investigation claimed(StudyFiles files) {
        return Investigation.parse(CLAIMS, new String(files.bytes(CLAIMS), StandardCharsets.UTF_8));
    }
}
