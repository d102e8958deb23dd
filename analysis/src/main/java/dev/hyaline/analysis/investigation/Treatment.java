package dev.hyaline.analysis.investigation;

import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.causal.Side;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.edit.Interventions;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

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

    /** The values that components are forced to. */
    sealed interface ForcedValue {
        /**
         * The mean over those prompts of the discovery half on which the component is active.
         *
         * @param attended the role by whose attention a head is active; null to go by norms
         */
        record ActiveMean(@Nullable String attended) implements ForcedValue {}

        /** The values of the pair's other run. */
        record OtherRun() implements ForcedValue {}

        /**
         * Given values.
         *
         * @param values as many as the component has, or one for all
         */
        record GivenValues(List<Double> values) implements ForcedValue {
            public GivenValues {
                values = List.copyOf(values);
                if (values.isEmpty()) {
                    throw new BadInputException("forcing to given values takes at least one, found none");
                }
            }
        }

        /**
         * A multiple of the difference of the discovery half's means, clean less corrupted: added to corrupted runs,
         * taken from clean ones.
         */
        record MeansDifference(double alpha) implements ForcedValue {}
    }

    /**
     * Forces the components to values.
     *
     * @param into the runs that are edited
     * @param at the role at whose position the values are read, and written
     * @param everywhere whether they are written at all positions instead
     */
    record ForceTo(ForcedValue value, Side into, String at, boolean everywhere) implements Treatment {}

    /**
     * Interventions of one's own, whatever the components.
     *
     * @param into the runs that are edited
     */
    record Intervene(Interventions edits, Side into) implements Treatment {}

    /** The runs that are treated. */
    default Side base() {
        return switch (this) {
            case PatchComponents(PatchingDirection direction) -> direction.base();
            case PatchPath path -> path.direction.base();
            case ForceTo force -> force.into;
            case Intervene intervene -> intervene.into;
            default -> Side.CLEAN;
        };
    }

    /** The word in a file. */
    default String word() {
        return switch (this) {
            case AblateComponents ablate -> "ablate";
            case KeepOnly keep -> "keep-only";
            case PatchComponents patch -> "patch";
            case PatchPath path -> "path";
            case LookAt look -> "look";
            case Attend attend -> "attend";
            case ForceTo force -> force.value instanceof ForcedValue.MeansDifference ? "steer" : "force";
            case Intervene intervene -> "intervene";
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
            case ForceTo force -> forced(force, components);
            case Intervene(Interventions edits, Side into) ->
                "editing " + components + " in " + side(into) + " runs (" + String.join("; ", edits.describe()) + ")";
        };
    }

    private static String forced(ForceTo force, String components) {
        String where =
                " in " + side(force.into) + " runs " + (force.everywhere ? "at all positions" : "at " + force.at);
        return switch (force.value) {
            case ForcedValue.ActiveMean(@Nullable String attended) ->
                "forcing " + components + " to the mean where active"
                        + (attended == null ? "" : " (attending to " + attended + ")") + " at " + force.at + where;
            case ForcedValue.OtherRun other -> "forcing " + components + " to the other run's values" + where;
            case ForcedValue.GivenValues(List<Double> values) -> "forcing " + components + " to " + values + where;
            case ForcedValue.MeansDifference(double alpha) ->
                "steering " + components + " by " + alpha + " of the difference of means at " + force.at + where;
        };
    }

    private static String side(Side side) {
        return side.name().toLowerCase(Locale.ROOT);
    }
}
