package dev.hyaline.tools.option;

import java.util.List;
import java.util.Map;

/** A prompt as the user entered it. */
public sealed interface PromptInput {
    /** The origin, such as {@code corpus.jsonl:3}: the prompt's name in errors and in the manifest. */
    String source();

    /** The positions of tokens by role; negative ones count from the end. */
    Map<String, Integer> positions();

    record OfText(String source, String text, Map<String, Integer> positions) implements PromptInput {
        public OfText(String source, String text) {
            this(source, text, Map.of());
        }
    }

    /** Token ids, taken as they are. */
    record OfTokens(String source, List<Integer> tokens, Map<String, Integer> positions) implements PromptInput {
        public OfTokens(String source, List<Integer> tokens) {
            this(source, tokens, Map.of());
        }
    }
}
