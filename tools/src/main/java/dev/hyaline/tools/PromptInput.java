package dev.hyaline.tools;

import java.util.List;

/** A prompt as the user gave it. */
sealed interface PromptInput {
    /** Where it comes from, such as {@code corpus.jsonl:3}: its name in errors and in the manifest. */
    String source();

    record OfText(String source, String text) implements PromptInput {}

    /** Token ids, taken as they are. */
    record OfTokens(String source, List<Integer> tokens) implements PromptInput {}
}
