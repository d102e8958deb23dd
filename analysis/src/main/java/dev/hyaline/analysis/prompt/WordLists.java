package dev.hyaline.analysis.prompt;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Words that tasks are made of, each one token after a blank in both GPT-2's and fable's vocabulary, or left out for
 * the vocabulary in which it is more.
 *
 * @param capitals a country's capital
 */
public record WordLists(
        List<String> femaleNames,
        List<String> maleNames,
        List<String> places,
        List<String> objects,
        List<String> giving,
        List<String> events,
        Map<String, String> capitals) {

    /** The built-in lists without the words that are several tokens. */
    public static WordLists read(PromptEncoder encoder) {
        JsonNode words = builtIn();
        Predicate<String> isToken = word -> encoder.isToken(" " + word);
        Map<String, String> capitals = new LinkedHashMap<>();
        words.get("capitals").properties().forEach(entry -> {
            if (isToken.test(entry.getKey()) && isToken.test(entry.getValue().asString())) {
                capitals.put(entry.getKey(), entry.getValue().asString());
            }
        });
        return new WordLists(
                list(words, "female_names", isToken),
                list(words, "male_names", isToken),
                list(words, "places", isToken),
                list(words, "objects", isToken),
                list(words, "giving", isToken),
                list(words, "events", isToken),
                capitals);
    }

    private static List<String> list(JsonNode words, String name, Predicate<String> kept) {
        return words.get(name)
                .valueStream()
                .map(JsonNode::asString)
                .filter(kept)
                .collect(Collectors.toUnmodifiableList());
    }

    private static JsonNode builtIn() {
        try (InputStream in = WordLists.class.getResourceAsStream("words.json")) {
            return JsonMapper.shared().readTree(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
