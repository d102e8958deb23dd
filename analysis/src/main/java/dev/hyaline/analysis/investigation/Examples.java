package dev.hyaline.analysis.investigation;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The built-in investigations of fable. */
final class Examples {
    private static final Map<String, String> BY_NAME = new LinkedHashMap<>();

    static {
        BY_NAME.put("ioi", """
            {"format": "hyaline-investigation/1", "title": "How fable finds the indirect object", "model": "fable",
             "seed": 7,
             "behaviour": {"task": "ioi", "present_if": {"mean_at_least": 3, "accuracy_at_least": 0.9}},
             "prompts": {"split_by": "names"},
             "circuit": {"tau": 0.1},
             "claims": [
              {"name": "needed", "do": "ablate", "components": "circuit",
               "expect": {"decrease": 0.5, "unit": "gap"}},
              {"name": "enough", "do": "keep-only", "components": "circuit",
               "expect": {"faithfulness_at_least": 0.8}},
              {"name": "inhibits", "do": "ablate", "components": ["1.0", "1.3"], "expect": {"decrease": 1}},
              {"name": "looks at the subject", "do": "attend", "at": "S2", "components": ["1.0", "1.3"],
               "expect": {"attention_at_least": 0.3}},
              {"name": "steered", "do": "look", "at": "S1", "components": "circuit[2.*]",
               "expect": {"decrease": 0.5, "unit": "gap"}},
              {"name": "idle", "do": "ablate", "components": ["0.0", "3.7"], "expect": {"no_effect": 0.5},
               "primary": false}]}
            """);
        BY_NAME.put("induction", """
            {"format": "hyaline-investigation/1", "title": "How fable repeats what it has seen", "model": "fable",
             "behaviour": {"task": "induction-words", "present_if": {"mean_at_least": 1}},
             "claims": [
              {"name": "needed", "do": "ablate", "components": "circuit",
               "expect": {"decrease": 0.5, "unit": "gap"}},
              {"name": "enough", "do": "keep-only", "components": "circuit",
               "expect": {"faithfulness_at_least": 0.8}}]}
            """);
        BY_NAME.put("greater-than", """
            {"format": "hyaline-investigation/1", "title": "How fable finds a later year", "model": "fable",
             "behaviour": {"task": "greater-than", "metric": "logit-diff"},
             "prompts": {"units": "YY"},
             "circuit": {"of": "heads-and-mlps"},
             "claims": [
              {"name": "needed", "do": "ablate", "components": "circuit",
               "expect": {"decrease": 0.5, "unit": "gap"}},
              {"name": "enough", "do": "keep-only", "components": "circuit",
               "expect": {"faithfulness_at_least": 0.8}}]}
            """);
    }

    private Examples() {}

    static Investigation read(String name) {
        String json = BY_NAME.get(name);
        if (json == null) {
            throw new BadInputException("there is no example " + Printable.quoted(name) + "; there are "
                    + String.join(", ", BY_NAME.keySet()));
        }
        return Investigation.parse("example " + name, json);
    }

    static List<String> names() {
        return List.copyOf(BY_NAME.keySet());
    }
}
