package dev.hyaline.analysis.investigation;

import dev.hyaline.analysis.investigation.ClaimVerdict.ClaimReason;
import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.engine.error.BadInputException;
import org.jspecify.annotations.Nullable;

/**
 * The numbers of a claim that its verdict depends on, turned so that the predicted direction is positive.
 *
 * @param direction of the claim
 * @param interval null where there is none: with too few units, or without spread
 * @param bound the claimed number; of a claim of no effect, the largest size that counts as none
 * @param adjustedP of the minimum-effect test, or of the equivalence test of a claim of no effect
 * @param alpha the level that the adjusted p must not exceed
 * @param smallestP the smallest adjusted p that so many units can give
 * @param controlsBeaten false if controls do as much
 * @param sanity false if a sanity check of the experiment failed
 * @param heterogeneous whether levels of a factor have effects of opposite sign
 */
public record ClaimFinding(
        ClaimDirection direction,
        @Nullable Interval interval,
        double bound,
        double adjustedP,
        double alpha,
        double smallestP,
        boolean controlsBeaten,
        boolean sanity,
        boolean heterogeneous) {

    /** Directions of claims. */
    public enum ClaimDirection {
        /** At least so much, to the predicted side. */
        AT_LEAST,
        /** Less than so much, to either side. */
        NO_EFFECT
    }

    /** @throws BadInputException if a p value or the level is not from 0 to 1, or the bound of no effect not above 0 */
    public ClaimFinding {
        if (!(adjustedP >= 0 && adjustedP <= 1) || !(smallestP >= 0 && smallestP <= 1) || !(alpha > 0 && alpha < 1)) {
            throw new BadInputException("p values and levels lie between 0 and 1, found adjusted p " + adjustedP
                    + ", smallest p " + smallestP + ", level " + alpha);
        }
        if (!Double.isFinite(bound) || (direction == ClaimDirection.NO_EFFECT && bound <= 0)) {
            throw new BadInputException(
                    "the number of a claim must be finite, and above 0 of a claim of no effect, found " + bound);
        }
    }

    /** The verdict, by the first rule that applies. */
    public ClaimVerdict verdict() {
        if (!sanity) {
            return ClaimVerdict.inconclusive(ClaimReason.SANITY);
        }
        if (smallestP > alpha || interval == null) {
            return ClaimVerdict.inconclusive(ClaimReason.TOO_FEW_UNITS);
        }
        if (heterogeneous) {
            return ClaimVerdict.inconclusive(ClaimReason.HETEROGENEOUS);
        }
        return direction == ClaimDirection.NO_EFFECT ? noEffect(interval) : atLeast(interval);
    }

    private ClaimVerdict noEffect(Interval found) {
        if (found.low() > -bound && found.high() < bound) {
            return adjustedP > alpha ? ClaimVerdict.inconclusive(ClaimReason.MULTIPLICITY) : ClaimVerdict.confirmed();
        }
        return found.low() >= bound || found.high() <= -bound
                ? ClaimVerdict.refuted(ClaimReason.EFFECT_PRESENT)
                : ClaimVerdict.inconclusive(ClaimReason.IMPRECISE);
    }

    private ClaimVerdict atLeast(Interval found) {
        if (found.high() <= 0) {
            return ClaimVerdict.refuted(ClaimReason.OPPOSITE);
        }
        if (found.high() < bound) {
            return ClaimVerdict.refuted(ClaimReason.NEGLIGIBLE);
        }
        if (found.low() < bound) {
            return ClaimVerdict.inconclusive(ClaimReason.IMPRECISE);
        }
        if (adjustedP > alpha) {
            return ClaimVerdict.inconclusive(ClaimReason.MULTIPLICITY);
        }
        return controlsBeaten ? ClaimVerdict.confirmed() : ClaimVerdict.inconclusive(ClaimReason.CONTROLS_AS_LARGE);
    }
}
