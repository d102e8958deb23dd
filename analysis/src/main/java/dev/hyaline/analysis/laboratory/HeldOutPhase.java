package dev.hyaline.analysis.laboratory;

import dev.hyaline.analysis.investigation.AlternativeKind;
import dev.hyaline.analysis.investigation.ClaimComponent;
import dev.hyaline.analysis.investigation.ClaimMeasurement;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.Investigation;
import dev.hyaline.analysis.investigation.StudyPlan.CircuitSearch;
import dev.hyaline.analysis.laboratory.HalfPrompts.Half.DiscoveryHalf;
import dev.hyaline.analysis.laboratory.HalfPrompts.Half.HeldOutHalf;
import dev.hyaline.analysis.laboratory.HalfPrompts.HalfEvidence;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptEncoder;
import dev.hyaline.files.JsonText;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The held-out half: each claim's experiment, on prompts that are first run here. */
record HeldOutPhase(StudyModel model, StudyAutoencoders autoencoders)
        implements Phase<HeldOutPhase.Input, Map<String, byte[]>> {
    static final String NAME = "4-held-out";
    static final String TABLE_NAME = "measurements";
    static final String TABLE = NAME + "/" + TABLE_NAME;
    static final String FILE = "held-out.json";

    record SealedHalf(
            Investigation claimed,
            List<ClaimComponent> circuit,
            double gap,
            HalfPrompts<DiscoveryHalf> discovery,
            Sealed<HalfPrompts<HeldOutHalf>> prompts,
            ClaimsLock lock) {}

    /** @param half null where the behaviour was not found: then it stays sealed */
    record Input(@Nullable SealedHalf half) {}

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
        return new Input(new SealedHalf(
                DiscoveryPhase.claimed(before),
                DiscoveryPhase.circuit(before),
                DiscoveryPhase.gap(before),
                prompts.discoveryHalf(),
                prompts.heldOutHalf(PlanLock.read(before.json(DesignPhase.LOCK))),
                ClaimsLock.read(before.json(DiscoveryPhase.LOCK))));
    }

    @Override
    public Map<String, byte[]> run(Input input, PhaseRun run) {
        SealedHalf half = input.half;
        if (half == null) {
            return Map.of(FILE, json(0, null));
        }
        HalfPrompts<HeldOutHalf> opened = half.prompts.open(half.lock);
        PromptSet prompts = opened.prompts();
        Metric metric = half.claimed.behaviour().measure();
        Supplier<HalfEvidence<DiscoveryHalf>> discovery =
                () -> autoencoders.in(half.discovery.evidence(model.model(), metric));
        HalfEvidence<HeldOutHalf> heldOut = StudyForces.forcing(
                        half.claimed, autoencoders.in(opened.evidence(model.model(), metric)), discovery)
                .with(runs -> runs.journalled(run.journals())
                        .progress((done, total) -> run.progress().advanced("held-out half", done, total)));
        Evidence evidence = heldOut.evidence();
        Map<String, double[]> columns = new LinkedHashMap<>();
        columns.put("clean", evidence.clean());
        columns.put("corrupted", evidence.experiment().baselines().corrupted().clone());
        columns.put("empty", StudyGap.empty(half.claimed, evidence));
        Map<String, ClaimMeasurement> measurements = new LinkedHashMap<>();
        half.claimed.claims().stream()
                .filter(claim -> !claim.isOfCircuit())
                .forEach(claim -> measurements.put(claim.name(), evidence.measure(claim)));
        measurements.values().forEach(measurement -> DiscoveryPhase.put(measurement, columns));
        StudyTable table = new StudyTable(prompts.size(), columns);
        Map<String, byte[]> files = new LinkedHashMap<>(table.files(TABLE_NAME, prompts.names()));
        FurtherTests further = new FurtherTests(
                half.claimed, evidence, afterSentence(half, opened, discovery), half.gap, measurements, run);
        files.put(FurtherTests.MECHANISMS_FILE, further.mechanisms());
        files.put(FurtherTests.RIVALS_FILE, further.rivals(others(half.claimed)));
        byte[] forces = StudyForces.run(half.claimed, heldOut, half.gap, discovery);
        if (forces != null) {
            files.put(StudyForces.FILE, forces);
        }
        CircuitSearch search = half.claimed.circuit();
        if (search != null) {
            files.put(CircuitStudy.FILE, new CircuitStudy(half.claimed, heldOut, search, half.circuit).run());
        }
        files.put(FILE, json(prompts.size(), evidence));
        return files;
    }

    /** Evidence of the prompts with a sentence before them, where that is asked for and fits. */
    private @Nullable Evidence afterSentence(
            SealedHalf half, HalfPrompts<HeldOutHalf> opened, Supplier<HalfEvidence<DiscoveryHalf>> discovery) {
        PromptEncoder encoder = model.encoder();
        if (encoder == null || !half.claimed.alternatives().contains(AlternativeKind.POSITION_ONLY)) {
            return null;
        }
        PromptSet moved = opened.prompts()
                .after(
                        encoder.encoder().encode(RobustnessPhase.SENTENCE),
                        model.model().config().nCtx());
        return moved == null
                ? null
                : StudyForces.forcing(
                                half.claimed,
                                autoencoders.in(new HalfPrompts<HeldOutHalf>(moved)
                                        .evidence(
                                                model.model(),
                                                half.claimed.behaviour().measure())),
                                discovery)
                        .evidence();
    }

    /** Evidence of the tasks that should not suffer from what the claims ablate. */
    private Map<String, Evidence> others(Investigation claimed) {
        Map<String, Evidence> others = new LinkedHashMap<>();
        new PromptDraw(claimed, null, model.encoder())
                .others()
                .forEach((task, prompts) -> others.put(
                        task,
                        autoencoders.in(prompts.evidence(
                                model.model(), claimed.behaviour().measure()))));
        return others;
    }

    private static byte[] json(int pairs, @Nullable Evidence evidence) {
        return JsonText.indented(json -> {
            json.writeStartObject();
            json.writeStringProperty("format", "hyaline-held-out/1");
            json.writeNumberProperty("pairs", pairs);
            if (evidence != null) {
                json.writeNumberProperty(
                        "multiply_adds_of_full_reruns", evidence.work().full());
            }
            json.writeEndObject();
        });
    }

    @Override
    public Map<String, byte[]> files(Map<String, byte[]> output) {
        return output;
    }
}
