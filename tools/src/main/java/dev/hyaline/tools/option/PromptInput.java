package dev.hyaline.tools.option;

import java.util.List;
import java.util.Map;

/** A prompt as the user gave it. */
public sealed interface PromptInput {
    /** Where it comes from, such as {@code corpus.jsonl:3}: its name in errors and in the manifest. */
    String source();

    /** Where tokens with a role stand, by role; negative positions count from the end. */
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
