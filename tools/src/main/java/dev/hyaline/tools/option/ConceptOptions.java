package dev.hyaline.tools.option;

import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import dev.hyaline.instrument.Prompts;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import picocli.CommandLine.Option;

/** Sets of tokens that latents may stand for. */
public final class ConceptOptions implements CheckedOptions {
    @Option(
            names = "--concepts",
            paramLabel = "FILE",
            description = {
                "Count the latents that say one nameable thing: that the token, the one before or the one after"
                        + " is one of a set. FILE is a JSON object, {\"colours\": [\"red\", \"blue\"]}, of words"
                        + " that are single tokens."
            })
    private String concepts = "";

    @Override
    public void check() {
        if (isGiven()) {
            PathOption.readable("--concepts", concepts);
        }
    }

    public boolean isGiven() {
        return !concepts.isEmpty();
    }

    /** Sets of tokens by name; words that are no single token are left out. */
    public Map<String, Set<Integer>> sets(ModelVocabulary vocabulary) {
        Path file = PathOption.parse("--concepts", concepts);
        Map<String, Set<Integer>> sets = new TreeMap<>();
        Json json = Json.readObject(InputErrors.INSTANCE, concepts, WholeFile.read(file));
        json.forEachField((name, words) -> {
            if (words.isArray()) {
                Set<Integer> tokens = new TreeSet<>();
                for (Json word : words.elements()) {
                    for (String written : List.of(word.string(), " " + word.string())) {
                        int[] encoded = vocabulary.encode(written, false);
                        if (encoded.length == 1) {
                            tokens.add(encoded[0]);
                        }
                    }
                }
                sets.put(name, tokens);
            }
        });
        return sets;
    }

    /** The sets that are named and, besides, each token of some texts as a set of its own. */
    public Map<String, Set<Integer>> setsAndTokens(ModelVocabulary vocabulary, Prompts prompts) {
        Map<String, Set<Integer>> sets = isGiven() ? sets(vocabulary) : new TreeMap<>();
        for (int i = 0; i < prompts.size(); i++) {
            for (int token : prompts.tokens(i)) {
                sets.put("token " + token, Set.of(token));
            }
        }
        return sets;
    }
}
