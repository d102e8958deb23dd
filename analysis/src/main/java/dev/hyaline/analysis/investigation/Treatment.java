package dev.hyaline.analysis.investigation;

import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.engine.error.BadInputException;
import java.util.List;
import java.util.Locale;

/** An experiment's treatment of a claim's components. */
public sealed interface Treatment {
    /** A replacement for values that are taken away. */
    enum Replacement {
        /** Zeros. */
        ZERO,
        /** The mean over all positions of the reference prompts. */
        MEAN,
        /** The mean over the reference prompts, position by position. */
        MEAN_BY_POSITION,
        /** The values of one reference prompt, drawn for each pair, the same for all components. */
        RESAMPLE;

        /** In lower case, with hyphens. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /** The components that a circuit is made of. */
    enum Candidates {
        /** Every attention head. */
        HEADS,
        /** Every head and MLP. */
        HEADS_AND_MLPS;

        /** In lower case, with hyphens. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /** Replaces the components. */
    record AblateComponents(Replacement replacement) implements Treatment {}

    /** Replaces every candidate but the components. */
    record KeepOnly(Replacement replacement, Candidates of) implements Treatment {}

    /** Gives the components of one run the values of the pair's other run. */
    record PatchComponents(PatchingDirection direction) implements Treatment {}

    /**
     * Patches the paths from the components, which are heads or MLPs, to receivers, the real LayerNorm included.
     *
     * @param to receivers as {@link dev.hyaline.analysis.graph.Receiver#parse} takes them
     */
    record PatchPath(PatchingDirection direction, List<String> to) implements Treatment {
        public PatchPath {
            to = List.copyOf(to);
            if (to.isEmpty()) {
                throw new BadInputException("a path needs a receiver");
            }
        }
    }

    /** Sets the attention of heads from one role to all of it on another. */
    record LookAt(String from, String at) implements Treatment {}

    /** Leaves the run as it is and reads the attention of heads from one role to another. */
    record Attend(String from, String at) implements Treatment {}

    /** The word in a file. */
    default String word() {
        return switch (this) {
            case AblateComponents ablate -> "ablate";
            case KeepOnly keep -> "keep-only";
            case PatchComponents patch -> "patch";
            case PatchPath path -> "path";
            case LookAt look -> "look";
            case Attend attend -> "attend";
        };
    }

    /** In words, with the names of the components. */
    default String words(String components) {
        return switch (this) {
            case AblateComponents(Replacement replacement) -> "ablating " + components + " (" + replacement + ")";
            case KeepOnly(Replacement replacement, Candidates of) ->
                "keeping only " + components + " of all " + of + " (" + replacement + ")";
            case PatchComponents(PatchingDirection direction) -> "patching " + components + " (" + direction + ")";
            case PatchPath(PatchingDirection direction, List<String> to) ->
                "patching the paths from " + components + " to " + String.join(", ", to) + " (" + direction + ")";
            case LookAt(String from, String at) -> "making " + components + " look from " + from + " at " + at;
            case Attend(String from, String at) -> "the attention of " + components + " from " + from + " to " + at;
        };
    }
}
