package dev.hyaline.analysis.laboratory;

import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.Investigation;
import dev.hyaline.files.JsonText;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The held-out half: each claim's experiment, on prompts that are first run here. */
record HeldOutPhase(StudyModel model) implements Phase<HeldOutPhase.@Nullable Input, Map<String, byte[]>> {
    static final String NAME = "4-held-out";
    static final String TABLE_NAME = "measurements";
    static final String TABLE = NAME + "/" + TABLE_NAME;
    static final String FILE = "held-out.json";

    record Input(Investigation claimed, Sealed<PromptSet> prompts, ClaimsLock lock) {}

    @Override
    public String name() {
        return NAME;
    }

    /** Null where the behaviour was not found: then the half stays sealed. */
    @Override
    public @Nullable Input read(StudyFiles before) {
        return DiscoveryPhase.isPresent(before)
                ? new Input(
                        DiscoveryPhase.claimed(before),
                        StudyPrompts.read(before, DesignPhase.PROMPTS)
                                .heldOutHalf(PlanLock.read(before.json(DesignPhase.LOCK))),
                        ClaimsLock.read(before.json(DiscoveryPhase.LOCK)))
                : null;
    }

    @Override
    public Map<String, byte[]> run(@Nullable Input input, PhaseRun run) {
        if (input == null) {
            return Map.of(FILE, json(0, null));
        }
        PromptSet prompts = input.prompts.open(input.lock);
        Evidence evidence = prompts.evidence(
                        model.model(), input.claimed.behaviour().measure())
                .journalled(run.journals())
                .progress((done, total) -> run.progress().advanced("held-out half", done, total));
        Map<String, double[]> columns = new LinkedHashMap<>();
        columns.put("clean", evidence.clean());
        columns.put("corrupted", evidence.experiment().baselines().corrupted().clone());
        columns.put("empty", StudyGap.empty(input.claimed, evidence));
        input.claimed.claims().stream()
                .filter(claim -> !claim.isOfCircuit())
                .forEach(claim -> DiscoveryPhase.put(evidence.measure(claim), columns));
        StudyTable table = new StudyTable(prompts.size(), columns);
        Map<String, byte[]> files = new LinkedHashMap<>(table.files(TABLE_NAME, prompts.names()));
        files.put(FILE, json(prompts.size(), evidence));
        return files;
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
