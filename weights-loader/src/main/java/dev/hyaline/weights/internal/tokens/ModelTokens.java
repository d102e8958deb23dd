package dev.hyaline.weights.internal.tokens;

import dev.hyaline.files.Json;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The facts about tokens in a model's configuration.
 *
 * @param size of the model's vocabulary; 0 if it is not known
 * @param begin id of the token before a text; null if the configuration names none
 * @param ends ids of the tokens that end a text, the usual one first; empty if it names none
 */
public record ModelTokens(int size, @Nullable Integer begin, List<Integer> ends) {
    /** No known facts. */
    public static final ModelTokens UNKNOWN = new ModelTokens(0, null, List.of());

    public ModelTokens {
        ends = List.copyOf(ends);
    }

    /** Reads {@code config.json} or {@code generation_config.json}, where {@code eos_token_id} is one id or several. */
    public static ModelTokens read(Json json) {
        Integer begin = json.nullable("bos_token_id").map(ModelTokens::id).orElse(null);
        List<Integer> ends = json
                .nullable("eos_token_id")
                .map(ids -> ids.isArray() ? ids.elements() : List.of(ids))
                .orElse(List.of())
                .stream()
                .map(ModelTokens::id)
                .distinct()
                .toList();
        return new ModelTokens(0, begin, ends);
    }

    private static int id(Json json) {
        return json.integer(0, Integer.MAX_VALUE);
    }

    /** These facts, supplemented by those of another file; the ends of both count. */
    public ModelTokens or(ModelTokens other) {
        Set<Integer> all = new LinkedHashSet<>(ends);
        all.addAll(other.ends);
        return new ModelTokens(Math.max(size, other.size), begin == null ? other.begin : begin, List.copyOf(all));
    }

    /** These facts for a vocabulary of a given size. */
    public ModelTokens ofSize(int vocabulary) {
        return new ModelTokens(vocabulary, begin, ends);
    }
}
