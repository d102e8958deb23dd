package dev.hyaline.analysis.laboratory;

import dev.hyaline.analysis.investigation.Claim;
import dev.hyaline.analysis.investigation.ClaimFinding;
import dev.hyaline.analysis.investigation.ClaimMeasurement;
import dev.hyaline.analysis.investigation.ClaimTest;
import dev.hyaline.analysis.investigation.ClaimVerdict;
import dev.hyaline.analysis.investigation.Investigation;
import dev.hyaline.analysis.investigation.StudyPlan.TestDesign;
import dev.hyaline.analysis.investigation.alternative.AlternativeFinding;
import dev.hyaline.analysis.statistics.Heterogeneity;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.files.JsonText;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.commons.statistics.distribution.NormalDistribution;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/** The statistics of both halves, and each claim's verdict on the held-out one. No model is run. */
record AnalysisPhase() implements Phase<AnalysisPhase.Input, byte[]> {
    static final String NAME = "5-analysis";
    static final String FILE = "analysis.json";
    static final String PATH = NAME + "/" + FILE;

    /** One half's prompts and measurements. */
    record Half(PromptSet prompts, StudyTable table) {
        /** The first so many pairs. */
        Half first(int pairs) {
            Map<String, double[]> columns = new LinkedHashMap<>();
            table.columns().forEach((name, values) -> columns.put(name, Arrays.copyOf(values, pairs)));
            return new Half(prompts.of(IntStream.range(0, pairs).toArray()), new StudyTable(pairs, columns));
        }
    }

    /** A claim as one look at the held-out half judges it. */
    private record Judged(ClaimTest test, ClaimFinding finding, Half half, int look) {}

    record Measured(
            Investigation claimed,
            double gap,
            Half discovery,
            Half heldOut,
            List<AlternativeFinding> rivals,
            Map<String, ClaimVerdict> mechanisms) {}

    /** @param measured null where the behaviour was not found: then there is nothing to analyse */
    record Input(@Nullable Measured measured) {}

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Input read(StudyFiles before) {
        if (!DiscoveryPhase.isPresent(before)) {
            return new Input(null);
        }
        StudyPrompts prompts = StudyPrompts.read(before, DesignPhase.PROMPTS);
        PromptSet heldOut = prompts.heldOutHalf(PlanLock.read(before.json(DesignPhase.LOCK)))
                .open(ClaimsLock.read(before.json(DiscoveryPhase.LOCK)))
                .prompts();
        Investigation claimed = DiscoveryPhase.claimed(before);
        Map<String, ClaimVerdict> mechanisms = new LinkedHashMap<>();
        for (Claim claim : claimed.claims()) {
            ClaimVerdict verdict = FurtherTests.ofMechanism(before, claim.name());
            if (verdict != null) {
                mechanisms.put(claim.name(), verdict);
            }
        }
        return new Input(new Measured(
                claimed,
                DiscoveryPhase.gap(before),
                new Half(prompts.discoveryHalf().prompts(), before.table(DiscoveryPhase.TABLE)),
                new Half(heldOut, before.table(HeldOutPhase.TABLE)),
                FurtherTests.rivals(before),
                mechanisms));
    }

    @Override
    public Map<String, byte[]> files(byte[] output) {
        return Map.of(FILE, output);
    }

    @Override
    public byte[] run(Input input, PhaseRun run) {
        Measured measured = input.measured;
        return JsonText.indented(json -> {
            json.writeStartObject();
            json.writeStringProperty("format", "hyaline-analysis/1");
            json.writeBooleanProperty("behaviour_present", measured != null);
            if (measured != null) {
                write(measured, run, json);
            }
            json.writeEndObject();
        });
    }

    private static void write(Measured input, PhaseRun run, JsonGenerator json) {
        json.writeNumberProperty("gap", input.gap);
        half("discovery", input.discovery, json);
        half("held_out", input.heldOut, json);
        List<Claim> testable = input.claimed.claims().stream()
                .filter(claim -> !claim.isOfCircuit())
                .toList();
        List<ClaimTest> found = tests(input, input.discovery, testable, input.claimed.design(), "discovery half", run);
        List<Judged> judged = judged(input, testable, run);
        json.writeArrayPropertyStart("claims");
        for (Claim claim : input.claimed.claims()) {
            json.writeStartObject();
            json.writeStringProperty("name", claim.name());
            json.writeStringProperty("sentence", claim.sentence());
            json.writeBooleanProperty("primary", claim.primary());
            Written.strings("components", claim.components(), json);
            json.writeStringProperty("do", claim.treatment().word());
            json.writeStringProperty("expect", claim.expectation().key());
            int index = testable.indexOf(claim);
            ClaimVerdict own = index < 0
                    ? new ClaimVerdict(ClaimVerdict.ClaimOutcome.INCONCLUSIVE, ClaimVerdict.ClaimReason.SANITY)
                    : judged.get(index).finding().verdict();
            ClaimVerdict ofMechanism = input.mechanisms.get(claim.name());
            // All that a mechanism promises must hold beside the claim's own number.
            FurtherTests.verdict(own.isConfirmed() && ofMechanism != null ? ofMechanism : own, json);
            if (ofMechanism != null) {
                json.writeObjectPropertyStart("mechanism");
                FurtherTests.verdict(ofMechanism, json);
                json.writeEndObject();
            }
            if (index < 0) {
                json.writeStringProperty("problem", "the circuit has no member that " + claim.components() + " means");
            } else {
                ClaimFinding finding = judged.get(index).finding();
                json.writeObjectPropertyStart("held_out");
                json.writeNumberProperty("look", judged.get(index).look());
                test(judged.get(index).test(), judged.get(index).half(), input.gap, json);
                Written.number("adjusted_p", finding.adjustedP(), json);
                Written.number("alpha", finding.alpha(), json);
                Written.number("smallest_adjusted_p", finding.smallestP(), json);
                json.writeEndObject();
                json.writeObjectPropertyStart("discovery");
                test(found.get(index), input.discovery, input.gap, json);
                json.writeEndObject();
            }
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    /**
     * The claims at the last look at the held-out half; a primary claim at the first look that confirms it, at the
     * level that the spending leaves to that look.
     */
    private static List<Judged> judged(Measured input, List<Claim> claims, PhaseRun run) {
        TestDesign design = input.claimed.design();
        double[] bounds = design.spending().bounds(design.looks(), design.alpha());
        Judged[] judged = new Judged[claims.size()];
        int pairs = input.heldOut.prompts.size();
        for (int look = 1; look <= design.looks(); look++) {
            Half part = input.heldOut.first(Math.ceilDiv(look * pairs, design.looks()));
            double alpha = design.looks() == 1
                    ? design.alpha()
                    : 2 * NormalDistribution.of(0, 1).survivalProbability(bounds[look - 1]);
            TestDesign atLook =
                    new TestDesign(alpha, design.power(), design.pilot(), design.looks(), design.spending());
            List<ClaimTest> tests =
                    tests(input, part, claims, atLook, "held-out half" + (look == 1 ? "" : ", look " + look), run);
            List<ClaimFinding> findings =
                    ClaimTest.findings(tests, atLook, claim -> AlternativeFinding.controlsBeaten(input.rivals, claim));
            for (int claim = 0; claim < judged.length; claim++) {
                boolean stopped = judged[claim] != null
                        && claims.get(claim).primary()
                        && judged[claim].finding.verdict().isConfirmed();
                if (!stopped) {
                    judged[claim] = new Judged(tests.get(claim), findings.get(claim), part, look);
                }
            }
        }
        return List.of(judged);
    }

    private static void half(String key, Half half, JsonGenerator json) {
        double[] clean = half.table.column("clean");
        json.writeObjectPropertyStart(key);
        json.writeNumberProperty("pairs", clean.length);
        json.writeNumberProperty("units", half.prompts.units().count());
        Written.number("mean", mean(clean), json);
        Written.number(
                "accuracy",
                (double) Arrays.stream(clean).filter(value -> value > 0).count() / clean.length,
                json);
        Written.number("mean_corrupted", mean(half.table.column("corrupted")), json);
        Written.number("mean_empty", mean(half.table.column("empty")), json);
        Written.number("gap", StudyGap.of(clean, half.table.column("empty")), json);
        json.writeEndObject();
    }

    private static double mean(double[] values) {
        return Arrays.stream(values).sum() / values.length;
    }

    private static List<ClaimTest> tests(
            Measured input, Half half, List<Claim> claims, TestDesign design, String work, PhaseRun run) {
        Units units = half.prompts.units();
        Map<String, Units> factors = half.prompts.levels();
        List<ClaimTest> tests = new ArrayList<>();
        for (Claim claim : claims) {
            tests.add(ClaimTest.of(
                    DiscoveryPhase.measurement(claim, half.table),
                    units,
                    factors,
                    input.gap,
                    design,
                    input.claimed.seed()));
            run.progress().advanced("statistics of the " + work, tests.size(), claims.size());
        }
        return tests;
    }

    private static void test(ClaimTest test, Half half, double gap, JsonGenerator json) {
        ClaimMeasurement measurement = DiscoveryPhase.measurement(test.claim(), half.table);
        double[] values = measurement.values();
        Units units = half.prompts.units();
        json.writeNumberProperty("pairs", values.length);
        json.writeNumberProperty("units", units.count());
        Written.number("estimate", test.estimate(), json);
        Written.interval("interval", test.interval(), json);
        Written.number("bound", test.bound(), json);
        if (measurement.ratio(units).isPresent()) {
            Written.number(
                    "mean_absolute_gap", measurement.ratio(units).orElseThrow().meanAbsoluteGap(), json);
        } else {
            Written.number("share_of_gap", test.estimate() / Math.abs(gap), json);
        }
        Written.number("mean_before", mean(measurement.before()), json);
        Written.number("mean_after", mean(measurement.after()), json);
        Written.number("p", test.p(), json);
        Written.number("smallest_p", test.smallestP(), json);
        Written.number(
                "share_in_direction",
                (double) Arrays.stream(values).filter(value -> value > 0).count() / values.length,
                json);
        json.writeBooleanProperty("changes_something", test.changesSomething());
        json.writeBooleanProperty("heterogeneous", test.isHeterogeneous());
        json.writeObjectPropertyStart("levels");
        test.levels().forEach((factor, levels) -> {
            json.writeArrayPropertyStart(factor);
            for (Heterogeneity.Level level : levels.levels()) {
                json.writeStartObject();
                json.writeStringProperty("level", level.name());
                json.writeNumberProperty("pairs", level.prompts());
                json.writeNumberProperty("units", level.units());
                Written.number("mean", level.mean(), json);
                Written.interval("interval", level.interval(), json);
                json.writeEndObject();
            }
            json.writeEndArray();
        });
        json.writeEndObject();
    }
}
