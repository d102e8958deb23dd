package dev.hyaline.analysis.investigation;

import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;

/** The built-in mechanisms, by the words that a file has for them, and the keys that belong to each. */
public enum MechanismKind {
    /** Heads copy the token at a role. */
    COPIES,
    /** Heads suppress what stands at a role. */
    SUPPRESSES,
    /** Heads continue what came before. */
    INDUCTION,
    /** Heads attend to the token before. */
    PREVIOUS_TOKEN,
    /** Heads attend to an earlier occurrence of a token. */
    DUPLICATE_TOKEN,
    /** Heads attend to the first position. */
    FIRST_TOKEN,
    /** Heads attend to their own position. */
    CURRENT_TOKEN,
    /** Heads attend to a few positions before. */
    LOCAL,
    /** A node passes on the effect of a component. */
    MEDIATES,
    /** A head makes a later one look at a role. */
    COMPOSES,
    /** A head keeps a later one from looking at a role. */
    INHIBITS_COMPONENT,
    /** The values at a site and a role hold a variable. */
    ENCODES,
    /** Importance alone. */
    GENERAL;

    private static final String ATTENTION = "attention_at_least";
    private static final String PATH = "share_of_path_at_least";

    /** The names that a claim of it must give. */
    public List<String> requiredNames() {
        return switch (this) {
            case COPIES, ENCODES -> List.of("role");
            case SUPPRESSES -> List.of("role", "answer_role");
            case MEDIATES -> List.of("via");
            case COMPOSES, INHIBITS_COMPONENT -> List.of("receiver", "role");
            default -> List.of();
        };
    }

    /** The names that a claim of it may give. */
    public List<String> optionalNames() {
        return switch (this) {
            case COPIES -> List.of("others");
            case SUPPRESSES, MEDIATES -> List.of("to");
            case ENCODES -> List.of("variable");
            case INDUCTION -> List.of("previous", "role");
            case COMPOSES, INHIBITS_COMPONENT -> List.of("by");
            default -> List.of();
        };
    }

    /** The numbers of its sub-claims by default, by key. */
    public SortedMap<String, Double> numbers() {
        SortedMap<String, Double> numbers = new TreeMap<>();
        switch (this) {
            case COPIES -> {
                numbers.put(ATTENTION, 0.3);
                numbers.put("rank_at_most", 5.0);
                numbers.put("share_of_prompts_at_least", 0.75);
            }
            case SUPPRESSES -> {
                numbers.put(ATTENTION, 0.3);
                numbers.put(PATH, 0.5);
            }
            case INDUCTION -> numbers.put(ATTENTION, 0.4);
            case PREVIOUS_TOKEN, DUPLICATE_TOKEN, FIRST_TOKEN, CURRENT_TOKEN, LOCAL ->
                numbers.put("score_at_least", 0.4);
            case MEDIATES -> numbers.put(PATH, 0.5);
            case COMPOSES, INHIBITS_COMPONENT -> numbers.put("attention_change_at_least", 0.2);
            case ENCODES -> {
                numbers.put("share_of_prompts_at_least", 0.9);
                numbers.put("selectivity_at_least", 0.2);
            }
            case GENERAL -> {
                // It has no sub-claims.
            }
        }
        return numbers;
    }

    /** In lower case, with hyphens. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
