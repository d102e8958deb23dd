package dev.hyaline.analysis.investigation.alternative;

import dev.hyaline.analysis.investigation.Claim;
import dev.hyaline.analysis.investigation.TestedClaim;
import dev.hyaline.engine.error.BadInputException;

/** A rival explanation of what a claim predicts, with a test of its own. One of a user's own is a small class. */
public interface Alternative {
    /** The name in tables, such as {@code random-components}. */
    String name();

    /** What it says, and what it predicts, in a sentence. */
    String prediction();

    /** Returns whether its test is one of such claims. */
    boolean concerns(Claim claim);

    /** Returns whether a claim is not confirmed unless its test excludes this: it is a control of the claim. */
    default boolean isControlOf(Claim claim) {
        return false;
    }

    /** Returns whether the hypothesis is not supported unless its test excludes this. */
    default boolean isRequiredBy(Claim claim) {
        return false;
    }

    /**
     * Tests it against a claim.
     *
     * @throws BadInputException if it does not concern the claim, or the metric is not finite
     */
    AlternativeFinding test(TestedClaim claim);
}
