package dev.hyaline.weights.internal.tokens;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The tokens that mark where a text begins and ends.
 *
 * @param begin put before a prompt; empty if there is none
 * @param after put after a prompt, if the tokenizer's files say so
 * @param end the one between texts; empty if there is none
 * @param ends all that end a text
 */
record TextMarks(OptionalInt begin, List<Integer> after, OptionalInt end, List<Integer> ends) {
    TextMarks {
        after = List.copyOf(after);
        ends = List.copyOf(ends);
    }

    /** The marks in a tokenizer's own files; those of a configuration count where these are silent. */
    record Named(
            OptionalInt before,
            List<Integer> after,
            @Nullable Integer bos,
            @Nullable Integer eos) {
        static final Named NONE = new Named(OptionalInt.empty(), List.of(), null, null);
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
        OptionalInt end = first(
                optional(named.eos()),
                model.ends().stream()
                        .filter(id -> id < size)
                        .mapToInt(Integer::intValue)
                        .findFirst(),
                optional(endOfText));
        OptionalInt begin = first(
                named.before(),
                optional(named.bos()),
                model.begin().stream().filter(id -> id < size).findFirst(),
                endOfText == null ? end : OptionalInt.of(endOfText));
        Set<Integer> ends = new LinkedHashSet<>();
        end.ifPresent(ends::add);
        ends.addAll(model.ends());
        return new TextMarks(begin, named.after(), end, List.copyOf(ends));
    }

    /** These marks with the end after each text. */
    TextMarks withEndAfter() {
        return new TextMarks(begin, List.of(end.getAsInt()), end, ends);
    }

    private static OptionalInt optional(@Nullable Integer id) {
        return id == null ? OptionalInt.empty() : OptionalInt.of(id);
    }

    private static OptionalInt first(OptionalInt... choices) {
        for (OptionalInt choice : choices) {
            if (choice.isPresent()) {
                return choice;
            }
        }
        return OptionalInt.empty();
    }
}
