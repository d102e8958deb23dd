package dev.hyaline.analysis.investigation.mechanism;

import dev.hyaline.analysis.investigation.ClaimVerdict;
import dev.hyaline.analysis.investigation.ClaimVerdict.ClaimOutcome;
import java.util.List;
import java.util.Optional;

/**
 * The tests of a mechanism's sub-claims. All must hold (intersection-union test), so that none is adjusted for the
 * others.
 *
 * @param mechanism the word
 * @param subClaims in the mechanism's order
 */
public record MechanismFinding(String mechanism, List<SubClaimFinding> subClaims) {
    public MechanismFinding {
        subClaims = List.copyOf(subClaims);
    }

    /**
     * Tests a mechanism.
     *
     * @param label a name for what is claimed, which begins the labels of what is drawn
     * @throws dev.hyaline.engine.error.BadInputException if the model or a prompt lacks what is measured
     */
    public static MechanismFinding test(Mechanism mechanism, MechanismStudy study, String label) {
        return new MechanismFinding(
                mechanism.name(),
                mechanism.subClaims().stream()
                        .map(subClaim -> SubClaimFinding.of(subClaim, study, label))
                        .toList());
    }

    /** The sub-claim that decides: one that is refuted, else one that is not confirmed; empty if all are confirmed. */
    public Optional<SubClaimFinding> deciding() {
        return subClaims.stream()
                .filter(finding -> finding.verdict().outcome() == ClaimOutcome.REFUTED)
                .findFirst()
                .or(() -> subClaims.stream()
                        .filter(finding -> !finding.verdict().isConfirmed())
                        .findFirst());
    }

    /** Confirmed if every sub-claim is, or there is none; else the deciding one's verdict. */
    public ClaimVerdict verdict() {
        return deciding().map(SubClaimFinding::verdict).orElse(new ClaimVerdict(ClaimOutcome.CONFIRMED, null));
    }
}
