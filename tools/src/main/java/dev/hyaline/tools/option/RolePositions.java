package dev.hyaline.tools.option;

import dev.hyaline.analysis.causal.PositionAxis;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.instrument.IndexSelection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Positions of pairs of prompts as {@code --positions} takes them: by index, {@code 0,3-5,-1}, or by role,
 * {@code S2,end}.
 */
public final class RolePositions {
    private static final String OPTION = "--positions";

    private RolePositions() {}

    /**
     * Checks a selection without knowing the prompts.
     *
     * @throws dev.hyaline.engine.error.BadInputException if the indices cannot be read
     */
    public static void check(String chosen) {
        if (!areRoles(chosen)) {
            SelectionOptions.indices(OPTION, chosen);
        }
    }

    /** Returns the chosen positions; all of them if {@code chosen} is null. */
    public static PositionAxis of(PromptPairs pairs, ModelVocabulary vocabulary, @Nullable String chosen) {
        if (chosen != null && areRoles(chosen)) {
            return PositionAxis.ofRoles(pairs, List.of(chosen.split(",")));
        }
        IndexSelection indices = chosen == null ? IndexSelection.all() : SelectionOptions.indices(OPTION, chosen);
        return PositionAxis.of(pairs, indices, vocabulary::label);
    }

    private static boolean areRoles(String chosen) {
        return chosen.matches(".*[A-Za-z].*") && !chosen.equals("all") && !chosen.equals("last");
    }
}
