package dev.hyaline.analysis.laboratory;

import dev.hyaline.analysis.investigation.Investigation;
import dev.hyaline.analysis.prompt.PromptEncoder;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.prompt.Task;
import dev.hyaline.analysis.robustness.Robustness;
import dev.hyaline.analysis.robustness.Variation;
import dev.hyaline.analysis.robustness.Variations;
import dev.hyaline.analysis.robustness.Verdict;
import dev.hyaline.analysis.sanity.BuiltInMethod;
import dev.hyaline.analysis.sanity.Subject;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.JsonText;
import dev.hyaline.instrument.CounterRandom;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/**
 * Repeats what every head's ablation costs under variations: other words, names, orders, templates, ablations, metrics,
 * positions, a text before, rounded weights.
 */
record RobustnessPhase(StudyModel model) implements Phase<RobustnessPhase.Input, byte[]> {
    static final String NAME = "6-robustness";
    static final String FILE = "robustness.json";
    static final String PATH = NAME + "/" + FILE;

    /** Pairs of the held-out half that the finding is repeated on; more make the scores little sharper. */
    private static final int MAX_PAIRS = 24;

    /** The smallest share of the gap that matters. */
    private static final double SMALLEST = 0.1;

    /** About nothing that a task is about. */
    static final String SENTENCE = "It was a warm day. ";

    /** @param pairs null where nobody asked, or the behaviour was not found */
    record Input(Investigation investigation, @Nullable List<PromptPair> pairs) {}

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Input read(StudyFiles before) {
        Investigation investigation = FormalisePhase.investigation(before);
        if (!investigation.checks().robustness() || !DiscoveryPhase.isPresent(before)) {
            return new Input(investigation, null);
        }
        List<PromptPair> pairs = StudyPrompts.read(before, DesignPhase.PROMPTS)
                .heldOutHalf(PlanLock.read(before.json(DesignPhase.LOCK)))
                .open(ClaimsLock.read(before.json(DiscoveryPhase.LOCK)))
                .prompts()
                .pairs();
        return new Input(investigation, pairs.subList(0, Math.min(MAX_PAIRS, pairs.size())));
    }

    @Override
    public byte[] run(Input input, PhaseRun run) {
        return JsonText.indented(json -> {
            json.writeStartObject();
            json.writeStringProperty("format", "hyaline-robustness/1");
            if (input.pairs != null) {
                json.writeNumberProperty("pairs", input.pairs.size());
                json.writeStringProperty("finding", BuiltInMethod.ABLATE_MEAN.title() + ", every head");
                try {
                    write(robustness(input.investigation, input.pairs), json);
                } catch (BadInputException e) {
                    // Without a behaviour that corrupted prompts lack, or a variation in scope, there is no score.
                    json.writeStringProperty("problem", e.getMessage());
                }
            }
            json.writeEndObject();
        });
    }

    private Robustness robustness(Investigation investigation, List<PromptPair> pairs) {
        Gpt2Config config = model.model().config();
        Subject subject = new Subject(
                model.model(),
                PromptPairs.of(config, pairs),
                investigation.behaviour().measure(),
                investigation.seed());
        Variations variations = Variations.of(BuiltInMethod.ABLATE_MEAN, subject);
        PromptEncoder encoder = model.encoder();
        if (encoder != null) {
            for (Map.Entry<String, List<PromptPair>> drawn :
                    inOtherWords(investigation, encoder, pairs.size()).entrySet()) {
                variations = variations.prompts("templates", drawn.getKey(), PromptPairs.of(config, drawn.getValue()));
            }
            variations = variations.prefix("after a sentence", encoder.encoder().encode(SENTENCE));
        }
        Variation finding = variations.finding();
        return Robustness.of(
                finding,
                variations.run(),
                SMALLEST,
                Robustness.REPLICATES,
                CounterRandom.of(investigation.seed()).named("robustness/units"));
    }

    /** Pairs of the behaviour's tasks in words that its own templates do not have. */
    private static Map<String, List<PromptPair>> inOtherWords(
            Investigation investigation, PromptEncoder encoder, int count) {
        Map<String, List<PromptPair>> drawn = new LinkedHashMap<>();
        for (Task task : investigation.behaviour().tasks()) {
            long seed = CounterRandom.of(investigation.seed())
                    .named("templates")
                    .named(task.toString())
                    .bits(0);
            drawn.putAll(task.drawInOtherWords(encoder, count, seed));
        }
        return drawn;
    }

    private static void write(Robustness robustness, JsonGenerator json) {
        Written.number("score", robustness.score(), json);
        Written.interval("interval", robustness.interval(), json);
        json.writeNumberProperty("threshold", Verdict.THRESHOLD);
        json.writeStringProperty("verdict", robustness.verdict().toString());
        Map<String, List<Robustness.Scored>> families = new LinkedHashMap<>();
        robustness
                .variations()
                .forEach(scored -> families.computeIfAbsent(scored.family(), f -> new ArrayList<>())
                        .add(scored));
        json.writeArrayPropertyStart("families");
        families.forEach((family, variations) -> {
            json.writeStartObject();
            json.writeStringProperty("name", family);
            Written.number("score", robustness.families().getOrDefault(family, Double.NaN), json);
            json.writeArrayPropertyStart("variations");
            for (Robustness.Scored scored : variations) {
                json.writeStartObject();
                json.writeStringProperty("name", scored.name());
                json.writeBooleanProperty("present", scored.inScope());
                Written.number("score", scored.score(), json);
                Written.number("ranking", scored.ranking(), json);
                Written.number("signs", scored.signs(), json);
                Written.number("set", scored.set(), json);
                Written.number("map", scored.map(), json);
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeEndObject();
        });
        json.writeEndArray();
    }

    @Override
    public Map<String, byte[]> files(byte[] output) {
        return Map.of(FILE, output);
    }
}
