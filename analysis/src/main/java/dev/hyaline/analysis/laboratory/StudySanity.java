package dev.hyaline.analysis.laboratory;

import dev.hyaline.analysis.investigation.Investigation;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.sanity.BuiltInMethod;
import dev.hyaline.analysis.sanity.SanityCheck;
import dev.hyaline.analysis.sanity.SanitySuite;
import dev.hyaline.analysis.sanity.Subject;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Json;
import dev.hyaline.files.JsonText;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The sanity checks of a study, before its experiments: of mean ablation, which these are made of, on some prompts. */
final class StudySanity {
    static final String FILE = "sanity.json";
    static final String PATH = DiscoveryPhase.NAME + "/" + FILE;

    /** Pairs of the discovery half that the checks are run on. */
    private static final int PAIRS = 8;

    private StudySanity() {}

    static byte[] run(StudyModel model, Investigation investigation, PromptSet discovery) {
        List<SanityCheck> checks = List.of();
        String problem = null;
        try {
            checks = SanitySuite.of(BuiltInMethod.ABLATE_MEAN)
                    .run(new Subject(
                            model.model(),
                            PromptPairs.of(model.model().config(), some(discovery)),
                            investigation.behaviour().measure(),
                            investigation.seed()));
        } catch (BadInputException e) {
            // Too few pairs, or no behaviour to check a method on.
            problem = e.getMessage();
        }
        return json(checks, problem);
    }

    /** Some pairs, stratum by stratum: the suite compares every other unit with the rest, and both should have all. */
    private static List<PromptPair> some(PromptSet discovery) {
        return discovery.pairs().stream()
                .limit(PAIRS)
                .sorted(Comparator.comparing(pair -> String.valueOf(pair.stratum())))
                .toList();
    }

    private static byte[] json(List<SanityCheck> checks, @Nullable String problem) {
        return JsonText.indented(json -> {
            json.writeStartObject();
            json.writeStringProperty("format", "hyaline-sanity/1");
            Written.text("problem", problem, json);
            json.writeArrayPropertyStart("checks");
            for (SanityCheck check : checks) {
                json.writeStartObject();
                json.writeStringProperty("name", check.name());
                json.writeStringProperty("status", check.status().toString());
                Written.number("figure", check.figure(), json);
                Written.number("bound", check.bound(), json);
                json.writeStringProperty("words", check.words());
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeEndObject();
        });
    }

    /** Returns whether the checks were run and none failed. */
    static boolean passed(StudyFiles files) {
        if (!files.has(PATH)) {
            return false;
        }
        Json json = files.json(PATH);
        return json.nullable("problem").isEmpty()
                && json.require("checks").elements().stream()
                        .noneMatch(check -> check.require("status").string().equals("failed"));
    }
}
