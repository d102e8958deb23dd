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
        SANITY("a sanity check of the experiment failed"),
        /** Not even the largest effect could be significant, or there are too few units for an interval. */
        TOO_FEW_UNITS("so few units could not confirm it whatever they show"),
        /** Levels of a factor have effects of opposite sign, so that no pooled number stands for the claim. */
        HETEROGENEOUS("levels of a factor have effects of opposite sign"),
        /** The interval lies on the other side of 0. */
        OPPOSITE("the interval lies on the other side of 0"),
        /** The interval lies below the claimed number. */
        NEGLIGIBLE("the interval lies below the claimed number"),
        /** There is an effect where none was claimed. */
        EFFECT_PRESENT("there is an effect where none was claimed"),
        /** The interval holds the claimed number. */
        IMPRECISE("the interval holds the claimed number, and more units would narrow it"),
        /** The adjusted p is above the level. */
        MULTIPLICITY("the adjusted p is above the level"),
        /** Controls do as much. */
        CONTROLS_AS_LARGE("controls, such as random components, do as much");

        private final String meaning;

        ClaimReason(String meaning) {
            this.meaning = meaning;
        }

        /** What it says, as a clause. */
        public String meaning() {
            return meaning;
        }

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
