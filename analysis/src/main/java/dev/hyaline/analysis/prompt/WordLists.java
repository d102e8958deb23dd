package dev.hyaline.analysis.prompt;

import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import dev.hyaline.files.RecordText;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;

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
    private static final String FILE = "words.json";

    /** The built-in lists without the words that are several tokens. */
    public static WordLists read(PromptEncoder encoder) {
        Json words = builtIn();
        Predicate<String> isToken = word -> encoder.isToken(" " + word);
        Map<String, String> capitals = new LinkedHashMap<>();
        words.require("capitals").forEachField((country, capital) -> {
            if (isToken.test(country) && isToken.test(capital.string())) {
                capitals.put(country, capital.string());
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

    private static List<String> list(Json words, String name, Predicate<String> kept) {
        return words.require(name).elements().stream()
                .map(Json::string)
                .filter(kept)
                .toList();
    }

    private static Json builtIn() {
        try (InputStream in = WordLists.class.getResourceAsStream(FILE)) {
            return Json.readObject(
                    InputErrors.INSTANCE, FILE, Objects.requireNonNull(in, FILE).readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
