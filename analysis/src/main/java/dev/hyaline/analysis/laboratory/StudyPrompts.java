package dev.hyaline.analysis.laboratory;

import dev.hyaline.analysis.laboratory.HalfPrompts.Half.DiscoveryHalf;
import dev.hyaline.analysis.laboratory.HalfPrompts.Half.HeldOutHalf;
import dev.hyaline.analysis.prompt.PairFile;
import dev.hyaline.analysis.prompt.PromptEncoder;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.files.Json;
import dev.hyaline.files.JsonText;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import tools.jackson.core.JsonGenerator;

/**
 * All prompts of a study, as {@code prompts.json} holds them: the discovery half, then the held-out one.
 *
 * @param discovery number of pairs of the discovery half
 * @param leakage what the halves share
 */
record StudyPrompts(PromptSet all, int discovery, Leakage leakage) {
    static final String FILE = "prompts.json";
    private static final String FORMAT = "hyaline-prompts/1";

    /** For pairs of token ids. */
    static final PromptEncoder NO_ENCODER = new PromptEncoder(
            text -> {
                throw new AssertionError("there is no text to encode");
            },
            List.of(),
            List.of(),
            0);

    /** The pairs to find a circuit on. */
    HalfPrompts<DiscoveryHalf> discoveryHalf() {
        return new HalfPrompts<>(all.of(IntStream.range(0, discovery).toArray()));
    }

    /** The pairs to test claims on, under the seal of a plan. */
    Sealed<HalfPrompts<HeldOutHalf>> heldOutHalf(PlanLock plan) {
        return Sealed.of(
                new HalfPrompts<>(all.of(IntStream.range(discovery, all.size()).toArray())), plan);
    }

    byte[] toJson() {
        return JsonText.indented(json -> {
            json.writeStartObject();
            json.writeStringProperty("format", FORMAT);
            json.writeNumberProperty("discovery", discovery);
            json.writeNumberProperty("held_out", all.size() - discovery);
            json.writeObjectPropertyStart("leakage");
            json.writeNumberProperty("shared_prompts", leakage.prompts());
            json.writeNumberProperty("shared_units", leakage.units());
            json.writeNumberProperty("shared_runs_of_" + Leakage.RUN + "_tokens", leakage.runs());
            json.writeEndObject();
            json.writeArrayPropertyStart("pairs");
            for (int pair = 0; pair < all.size(); pair++) {
                pair(
                        all.pairs().get(pair),
                        pair < discovery ? PromptSplit.Half.DISCOVERY : PromptSplit.Half.HELD_OUT,
                        json);
            }
            json.writeEndArray();
            json.writeObjectPropertyStart("factors");
            all.factors().forEach((name, levels) -> {
                json.writeArrayPropertyStart(name);
                levels.forEach(json::writeString);
                json.writeEndArray();
            });
            json.writeEndObject();
            json.writeArrayPropertyStart("references");
            for (List<int[]> group : all.references()) {
                json.writeStartArray();
                group.forEach(prompt -> json.writeArray(prompt, 0, prompt.length));
                json.writeEndArray();
            }
            json.writeEndArray();
            integers("group", all.groups(), json);
            integers("donor", all.donors(), json);
            json.writeEndObject();
        });
    }

    private static void pair(PromptPair pair, PromptSplit.Half half, JsonGenerator json) {
        json.writeStartObject();
        json.writeStringProperty("name", pair.name());
        tokens("clean", pair.clean(), json);
        tokens("corrupted", pair.corrupted(), json);
        tokens("answer", pair.answers(), json);
        tokens("distractor", pair.distractors(), json);
        json.writeObjectPropertyStart("positions");
        pair.roles().forEach(json::writeNumberProperty);
        json.writeEndObject();
        if (pair.unit() != null) {
            json.writeStringProperty("unit", pair.unit());
        }
        if (pair.stratum() != null) {
            json.writeStringProperty("stratum", pair.stratum());
        }
        json.writeStringProperty("split", half.toString());
        json.writeEndObject();
    }

    private static void tokens(String key, int[] tokens, JsonGenerator json) {
        json.writeName(key);
        json.writeArray(tokens, 0, tokens.length);
    }

    private static void integers(String key, List<Integer> values, JsonGenerator json) {
        json.writeArrayPropertyStart(key);
        values.forEach(json::writeNumber);
        json.writeEndArray();
    }

    static StudyPrompts read(StudyFiles files, String path) {
        Json json = files.json(path);
        List<PromptPair> pairs = PairFile.parse(path, new String(files.bytes(path), StandardCharsets.UTF_8))
                .encode(NO_ENCODER);
        Map<String, List<String>> factors = new LinkedHashMap<>();
        Json levels = json.require("factors");
        levels.names()
                .forEach(name -> factors.put(
                        name,
                        levels.require(name).elements().stream()
                                .map(Json::string)
                                .toList()));
        List<List<int[]>> references = new ArrayList<>();
        for (Json group : json.require("references").elements()) {
            references.add(group.elements().stream()
                    .map(prompt -> prompt.elements().stream()
                            .mapToInt(token -> token.integer(0, Integer.MAX_VALUE))
                            .toArray())
                    .toList());
        }
        Json leakage = json.require("leakage");
        return new StudyPrompts(
                new PromptSet(pairs, factors, references, integers(json, "group"), integers(json, "donor")),
                json.require("discovery").integer(0, pairs.size()),
                new Leakage(
                        count(leakage, "shared_prompts"),
                        count(leakage, "shared_units"),
                        count(leakage, "shared_runs_of_" + Leakage.RUN + "_tokens")));
    }

    private static int count(Json json, String key) {
        return json.require(key).integer(0, Integer.MAX_VALUE);
    }

    private static List<Integer> integers(Json json, String key) {
        return json.require(key).elements().stream()
                .map(value -> value.integer(0, Integer.MAX_VALUE))
                .toList();
    }
}
