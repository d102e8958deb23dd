package dev.hyaline.weights.internal.tokens;

import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The tokens that mark where a text begins and ends.
 *
 * @param begin put before a prompt; null if there is none
 * @param after put after a prompt, if the tokenizer's files say so
 * @param end the one between texts; null if there is none
 * @param ends all that end a text
 */
record TextMarks(
        @Nullable Integer begin,
        List<Integer> after,
        @Nullable Integer end,
        List<Integer> ends) {
    TextMarks {
        after = List.copyOf(after);
        ends = List.copyOf(ends);
    }

    /** The marks in a tokenizer's own files; those of a configuration count where these are silent. */
    record Named(
            @Nullable Integer before,
            List<Integer> after,
            @Nullable Integer bos,
            @Nullable Integer eos) {
        static final Named NONE = new Named(null, List.of(), null, null);
    }

    /**
     * Chooses the marks: the template of the post-processor, the names in the tokenizer's files, the configuration's
     * ids as far as the tokenizer has them, then {@code <|endoftext|>}. Without a token for the beginning, a text
     * begins with the token that ends the one before.
     *
     * @param size of the tokenizer's vocabulary
     * @param endOfText id of {@code <|endoftext|>}, if the vocabulary has it
     */
    static TextMarks choose(Named named, ModelTokens model, int size, @Nullable Integer endOfText) {
        Integer end = first(
                named.eos(),
                model.ends().stream().filter(id -> id < size).findFirst().orElse(null),
                endOfText);
        Integer begin = first(
                named.before(),
                named.bos(),
                model.begin() != null && model.begin() < size ? model.begin() : null,
                endOfText,
                end);
        Set<Integer> ends = new LinkedHashSet<>();
        if (end != null) {
            ends.add(end);
        }
        ends.addAll(model.ends());
        return new TextMarks(begin, named.after(), end, List.copyOf(ends));
    }

    /** These marks with the end after each text. */
    TextMarks withEndAfter() {
        return new TextMarks(begin, List.of(Objects.requireNonNull(end)), end, ends);
    }

    private static @Nullable Integer first(@Nullable Integer... choices) {
        return Arrays.stream(choices).filter(Objects::nonNull).findFirst().orElse(null);
    }
}
