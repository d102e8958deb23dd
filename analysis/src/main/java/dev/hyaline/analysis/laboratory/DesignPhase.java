package dev.hyaline.analysis.laboratory;

import dev.hyaline.analysis.investigation.CircuitDiscovery;
import dev.hyaline.analysis.investigation.Claim;
import dev.hyaline.analysis.investigation.ClaimComponent;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.Investigation;
import dev.hyaline.analysis.investigation.StudyPlan.TestDesign;
import dev.hyaline.analysis.laboratory.HalfPrompts.Half.DiscoveryHalf;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PairFile;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Digests;
import dev.hyaline.files.JsonText;
import dev.hyaline.files.Printable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/**
 * Draws the prompts and divides them, measures the spread on a pilot of the discovery half, and plans the tests. Then
 * the plan is locked.
 *
 * @param pairs of the file; null where prompts are drawn
 */
record DesignPhase(
        StudyModel model,
        StudyAutoencoders autoencoders,
        StudyOrigin origin,
        @Nullable PairFile pairs) implements Phase<DesignPhase.Input, Map<String, byte[]>> {
    static final String NAME = "3-design";
    static final String PROMPTS = NAME + "/" + StudyPrompts.FILE;
    static final String LOCK_FILE = "plan.lock";
    static final String LOCK = NAME + "/" + LOCK_FILE;
    static final String FILE = "design.json";
    static final String PATH = NAME + "/" + FILE;

    /** Units below which the chance of a false confirmation is above its level for skewed effects. */
    private static final int FEW_UNITS = 16;

    /** @param digests of what earlier phases wrote, by path */
    record Input(Investigation investigation, Map<String, String> digests) {}

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Input read(StudyFiles before) {
        Map<String, String> digests = new LinkedHashMap<>();
        for (String path : List.of(FormalisePhase.PATH, AlternativesPhase.PATH)) {
            digests.put(path, Digests.sha256(before.bytes(path)));
        }
        return new Input(FormalisePhase.investigation(before), digests);
    }

    @Override
    public Map<String, byte[]> run(Input input, PhaseRun run) {
        Investigation investigation = input.investigation;
        StudyPrompts prompts = new PromptDraw(investigation, pairs, model.encoder()).draw();
        HalfPrompts<DiscoveryHalf> discovery = prompts.discoveryHalf();
        Units heldOut = Units.of(
                prompts.all().pairs().subList(prompts.discovery(), prompts.all().size()).stream()
                        .map(pair -> String.valueOf(pair.unit()))
                        .toList());
        requireRoles(investigation, prompts);
        long begin = System.nanoTime();
        Pilot pilot = pilot(investigation, discovery, heldOut, run);
        double seconds = (System.nanoTime() - begin) / 1e9;
        Gpt2Config config = model.model().config();
        StudyForecast forecast =
                StudyForecast.of(investigation, config, prompts, pilot.prompts.size(), pilot.search, pilot.claimed);
        DesignMatrix matrix = DesignMatrix.of(investigation, (int)
                prompts.all().pairs().stream().map(PromptDraw::order).distinct().count());
        List<String> remarks = remarks(investigation, prompts, heldOut, pilot);
        remarks.addAll(matrix.remarks());
        remarks.forEach(run.progress()::said);
        // How long it takes is no part of the plan, whose bytes are the same on every machine.
        run.progress()
                .said(forecast.words(seconds, pilot.prompts.size() * StudyForecast.ofPilot(investigation, config)));
        Map<String, byte[]> files = new LinkedHashMap<>();
        files.put(StudyPrompts.FILE, prompts.toJson());
        files.put(FILE, json(investigation, prompts, heldOut, pilot, forecast, matrix, remarks));
        Map<String, String> locked = new LinkedHashMap<>(input.digests);
        files.forEach((name, content) -> locked.put(NAME + "/" + name, Digests.sha256(content)));
        locked.put("model", origin.modelDigest());
        locked.put("tokenizer", origin.tokenizer());
        origin.autoencoders().forEach((name, digest) -> locked.put("sae:" + name, digest));
        locked.put("program", origin.program());
        files.put(LOCK_FILE, new PlanLock(locked).toJson());
        return files;
    }

    @Override
    public Map<String, byte[]> files(Map<String, byte[]> output) {
        return output;
    }

    /** Checks that every prompt has the roles that claims name. */
    private static void requireRoles(Investigation investigation, StudyPrompts prompts) {
        for (Claim claim : investigation.claims()) {
            try {
                for (String role : claim.roles()) {
                    prompts.all().pairs().forEach(pair -> pair.position(role));
                }
            } catch (BadInputException e) {
                throw new BadInputException("claim " + Printable.quoted(claim.name()) + ": " + e.getMessage());
            }
        }
        prompts.all()
                .pairs()
                .forEach(pair -> pair.position(investigation.behaviour().at()));
    }

    /** The chance of a claim, or why nothing can be said of it. */
    private record Planned(
            Claim claim,
            @Nullable ClaimPower power,
            @Nullable String problem) {}

    /**
     * @param search multiply-adds of full reruns of all that the circuit's search edits
     * @param claimed the same of the claims' experiments
     */
    private record Pilot(
            PromptSet prompts,
            double[] clean,
            double gap,
            List<ClaimComponent> circuit,
            List<Planned> claims,
            long search,
            long claimed) {}

    private Pilot pilot(Investigation investigation, HalfPrompts<DiscoveryHalf> half, Units heldOut, PhaseRun run) {
        TestDesign design = investigation.design();
        PromptSet discovery = half.prompts();
        PromptSet some = discovery.of(
                IntStream.range(0, Math.min(design.pilot(), discovery.size())).toArray());
        Metric metric = investigation.behaviour().measure();
        // A mean takes more prompts than a pilot has.
        Evidence evidence = StudyForces.forcing(
                        investigation,
                        autoencoders.in(new HalfPrompts<DiscoveryHalf>(some).evidence(model.model(), metric)),
                        () -> autoencoders.in(half.evidence(model.model(), metric)))
                .evidence()
                .journalled(run.journals())
                .progress((done, total) -> run.progress().advanced("pilot", done, total));
        double[] clean = evidence.clean();
        double gap = StudyGap.of(clean, StudyGap.empty(investigation, evidence));
        List<ClaimComponent> circuit = investigation.circuit() == null
                ? List.of()
                : CircuitDiscovery.run(evidence, investigation.circuit()).circuit();
        long search = evidence.work().full();
        List<Planned> planned = new ArrayList<>();
        for (Claim claim : investigation.claims()) {
            int family = (int) investigation.claims().stream()
                    .filter(other -> other.primary() == claim.primary())
                    .count();
            try {
                planned.add(new Planned(
                        claim,
                        ClaimPower.of(evidence.measure(claim.of(circuit)), some.units(), heldOut, design, family, gap),
                        null));
            } catch (BadInputException e) {
                // The pilot's circuit may lack what the claim means, where that of the whole half has it.
                planned.add(new Planned(claim, null, e.getMessage()));
            }
        }
        return new Pilot(
                some, clean, gap, circuit, planned, search, evidence.work().full() - search);
    }

    private static List<String> remarks(Investigation investigation, StudyPrompts prompts, Units heldOut, Pilot pilot) {
        List<String> remarks = new ArrayList<>();
        int tested = prompts.all().size() - prompts.discovery();
        if (prompts.discovery() < investigation.prompts().discovery()
                || tested < investigation.prompts().heldOut()) {
            remarks.add("There are " + prompts.discovery() + " pairs for discovery and " + tested
                    + " held out where " + investigation.prompts().discovery() + " and "
                    + investigation.prompts().heldOut() + " were asked for.");
        }
        if (heldOut.count() < FEW_UNITS) {
            remarks.add("The held-out half has " + heldOut.count() + " units; with fewer than " + FEW_UNITS
                    + " a claim may be confirmed falsely more often than its level says if effects are skewed.");
        }
        if (prompts.leakage().units() > 0) {
            remarks.add("The halves share " + prompts.leakage().units() + " units.");
        }
        for (Planned planned : pilot.claims) {
            String name = "Claim " + Printable.quoted(planned.claim.name());
            if (planned.problem != null) {
                remarks.add(name + " has no planned power: " + planned.problem + ".");
                continue;
            }
            ClaimPower power = Objects.requireNonNull(planned.power);
            if (!power.canConfirm()) {
                remarks.add(name + " cannot be confirmed by any result: with " + power.units()
                        + " units the smallest adjusted p is " + number(power.smallestP()) + ", above "
                        + number(power.alpha()) + "; " + investigation.minUnits() + " units are the least.");
            } else if (power.power() < investigation.design().power()) {
                remarks.add(name + " has a power of " + number(power.power()) + " with " + power.units() + " units "
                        + ClaimPower.assumption(planned.claim.expectation())
                        + (power.needed() > 0 ? "; " + power.needed() + " units would be needed." : "."));
            }
        }
        return remarks;
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.2g", value);
    }

    private static byte[] json(
            Investigation investigation,
            StudyPrompts prompts,
            Units heldOut,
            Pilot pilot,
            StudyForecast forecast,
            DesignMatrix matrix,
            List<String> remarks) {
        TestDesign design = investigation.design();
        return JsonText.indented(json -> {
            json.writeStartObject();
            json.writeStringProperty("format", "hyaline-design/1");
            json.writeObjectPropertyStart("prompts");
            half(
                    "discovery",
                    prompts.discovery(),
                    prompts.discoveryHalf().prompts().units().count(),
                    json);
            half("held_out", prompts.all().size() - prompts.discovery(), heldOut.count(), json);
            factors(prompts, json);
            json.writeEndObject();
            json.writeObjectPropertyStart("leakage");
            json.writeNumberProperty("shared_prompts", prompts.leakage().prompts());
            json.writeNumberProperty("shared_units", prompts.leakage().units());
            json.writeNumberProperty("shared_runs", prompts.leakage().runs());
            json.writeNumberProperty("run_length", Leakage.RUN);
            json.writeEndObject();
            json.writeObjectPropertyStart("pilot");
            json.writeNumberProperty("pairs", pilot.prompts.size());
            json.writeNumberProperty("units", pilot.prompts.units().count());
            Written.number("mean", Arrays.stream(pilot.clean).average().orElse(Double.NaN), json);
            Written.number("gap", pilot.gap, json);
            Written.strings("circuit", pilot.circuit, json);
            json.writeEndObject();
            json.writeNumberProperty("alpha", design.alpha());
            json.writeNumberProperty("power_wanted", design.power());
            json.writeArrayPropertyStart("claims");
            for (Planned planned : pilot.claims) {
                json.writeStartObject();
                json.writeStringProperty("name", planned.claim.name());
                json.writeBooleanProperty("primary", planned.claim.primary());
                Written.text("problem", planned.problem, json);
                if (planned.power != null) {
                    planned.power.write(json);
                }
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeObjectPropertyStart("looks");
            json.writeNumberProperty("number", design.looks());
            json.writeStringProperty("spending", design.spending().toString());
            json.writeArrayPropertyStart("bounds_of_z");
            for (double bound : design.spending().bounds(design.looks(), design.alpha())) {
                json.writeNumber(bound);
            }
            json.writeEndArray();
            json.writeEndObject();
            forecast.write(json);
            matrix.write(json);
            Written.strings("remarks", remarks, json);
            json.writeEndObject();
        });
    }

    private static void half(String key, int pairs, int units, JsonGenerator json) {
        json.writeObjectPropertyStart(key);
        json.writeNumberProperty("pairs", pairs);
        json.writeNumberProperty("units", units);
        json.writeEndObject();
    }

    private static void factors(StudyPrompts prompts, JsonGenerator json) {
        json.writeObjectPropertyStart("factors");
        prompts.all().factors().forEach((name, levels) -> {
            json.writeObjectPropertyStart(name);
            for (String level : levels.stream().distinct().sorted().toList()) {
                json.writeObjectPropertyStart(level);
                json.writeNumberProperty("discovery", count(levels.subList(0, prompts.discovery()), level));
                json.writeNumberProperty("held_out", count(levels.subList(prompts.discovery(), levels.size()), level));
                json.writeEndObject();
            }
            json.writeEndObject();
        });
        json.writeEndObject();
    }

    private static long count(List<String> levels, String level) {
        return levels.stream().filter(level::equals).count();
    }
}
