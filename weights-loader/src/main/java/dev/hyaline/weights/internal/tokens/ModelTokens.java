package dev.hyaline.weights.internal.tokens;

import dev.hyaline.files.Json;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;

/**
 * What a model's configuration says of tokens.
 *
 * @param size of the model's vocabulary; 0 if it is not known
 * @param begin id of the token before a text; empty if the configuration names none
 * @param ends ids of the tokens after which a text is over, the usual one first; empty if it names none
 */
public record ModelTokens(int size, OptionalInt begin, List<Integer> ends) {
    /** Nothing known. */
    public static final ModelTokens UNKNOWN = new ModelTokens(0, OptionalInt.empty(), List.of());

    public ModelTokens {
        ends = List.copyOf(ends);
    }

    /** What {@code config.json} and {@code generation_config.json} hold: {@code eos_token_id} is one id or several. */
    public static ModelTokens read(Json json) {
        OptionalInt begin =
                json.nullable("bos_token_id").stream().mapToInt(ModelTokens::id).findFirst();
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

    /** These and, where these are silent, what another file says; the ends of both count. */
    public ModelTokens or(ModelTokens other) {
        Set<Integer> all = new LinkedHashSet<>(ends);
        all.addAll(other.ends);
        return new ModelTokens(Math.max(size, other.size), begin.isPresent() ? begin : other.begin, List.copyOf(all));
    }

    /** These, of a model with so many tokens. */
    public ModelTokens ofSize(int vocabulary) {
        return new ModelTokens(vocabulary, begin, ends);
    }
}
