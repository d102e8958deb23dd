package dev.hyaline.analysis.investigation;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The verdict on a claim.
 *
 * @param reason null for a confirmed claim; every other has one
 */
public record ClaimVerdict(ClaimOutcome outcome, @Nullable ClaimReason reason) {

    /** The three words that there are. */
    public enum ClaimOutcome {
        CONFIRMED,
        REFUTED,
        INCONCLUSIVE;

        /** In lower case. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Why a claim is not confirmed. */
    public enum ClaimReason {
        /** A sanity check of the experiment failed. */
        SANITY,
        /** Not even the largest effect could be significant, or there are too few units for an interval. */
        TOO_FEW_UNITS,
        /** Levels of a factor have effects of opposite sign, so that no pooled number stands for the claim. */
        HETEROGENEOUS,
        /** The interval lies on the other side of 0. */
        OPPOSITE,
        /** The interval lies below the claimed number. */
        NEGLIGIBLE,
        /** There is an effect where none was claimed. */
        EFFECT_PRESENT,
        /** The interval holds the claimed number. */
        IMPRECISE,
        /** The adjusted p is above the level. */
        MULTIPLICITY,
        /** Controls do as much. */
        CONTROLS_AS_LARGE;

        /** In lower case, with hyphens. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    static ClaimVerdict confirmed() {
        return new ClaimVerdict(ClaimOutcome.CONFIRMED, null);
    }

    static ClaimVerdict refuted(ClaimReason reason) {
        return new ClaimVerdict(ClaimOutcome.REFUTED, reason);
    }

    static ClaimVerdict inconclusive(ClaimReason reason) {
        return new ClaimVerdict(ClaimOutcome.INCONCLUSIVE, reason);
    }

    public boolean isConfirmed() {
        return outcome == ClaimOutcome.CONFIRMED;
    }

    /** The outcome, and the reason in brackets. */
    @Override
    public String toString() {
        return reason == null ? outcome.toString() : outcome + " (" + reason + ")";
    }
}
