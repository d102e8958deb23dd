package dev.hyaline.analysis.investigation;

import dev.hyaline.analysis.investigation.ClaimVerdict.ClaimOutcome;
import dev.hyaline.analysis.investigation.ClaimVerdict.ClaimReason;
import dev.hyaline.analysis.robustness.Verdict;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The verdict on a hypothesis. It is refuted if a primary claim is refuted on held-out prompts; supported if every
 * primary claim is confirmed there, all sanity checks pass, every required alternative is excluded and the finding is
 * robust; else inconclusive.
 *
 * @param reasons all that stands against "supported"; empty for that
 */
public record HypothesisVerdict(Word word, List<String> reasons) {

    /** The three words that there are. */
    public enum Word {
        SUPPORTED,
        REFUTED,
        INCONCLUSIVE;

        /** In lower case. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * A claim and its verdict.
     *
     * @param primary whether the hypothesis depends on it
     */
    public record Judged(String claim, boolean primary, ClaimVerdict verdict) {
        private String reason() {
            ClaimReason reason = verdict.reason();
            return reason == null ? claim : claim + ": " + reason + " (" + reason.meaning() + ")";
        }
    }

    /** A rival and whether its own test excludes it. */
    public record Rival(String name, boolean required, boolean excluded) {}

    public HypothesisVerdict {
        reasons = List.copyOf(reasons);
    }

    /**
     * The verdict.
     *
     * @param sanity whether all sanity checks passed
     * @param robustness null if the finding was not repeated under variations
     * @param heldOut whether the claims were judged on prompts that they were not found on
     */
    public static HypothesisVerdict of(
            List<Judged> claims,
            List<Rival> alternatives,
            boolean sanity,
            @Nullable Verdict robustness,
            boolean heldOut) {
        List<String> refuted = new ArrayList<>();
        List<String> reasons = new ArrayList<>();
        for (Judged claim : claims) {
            if (claim.primary && claim.verdict.outcome() == ClaimOutcome.REFUTED) {
                refuted.add(claim.reason());
            }
            if (claim.primary && !claim.verdict.isConfirmed()) {
                reasons.add(claim.reason());
            }
        }
        if (heldOut && !refuted.isEmpty()) {
            return new HypothesisVerdict(Word.REFUTED, refuted);
        }
        if (!sanity) {
            reasons.add("sanity (a sanity check failed, or the suite was not run)");
        }
        for (Rival rival : alternatives) {
            if (rival.required && !rival.excluded) {
                reasons.add("alternative not excluded: " + rival.name);
            }
        }
        if (robustness != Verdict.ROBUST) {
            reasons.add("robustness: "
                    + (robustness == null ? "not tested" : robustness + " (" + robustness.meaning() + ")"));
        }
        if (!heldOut) {
            reasons.add("not tested on held-out prompts");
        }
        if (claims.stream().noneMatch(Judged::primary)) {
            reasons.add("there is no primary claim");
        }
        return new HypothesisVerdict(reasons.isEmpty() ? Word.SUPPORTED : Word.INCONCLUSIVE, reasons);
    }
}
