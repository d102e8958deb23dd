package dev.hyaline.analysis.investigation.mechanism;

import dev.hyaline.analysis.investigation.Claim;
import dev.hyaline.analysis.investigation.MechanismClaim;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import java.util.List;

/** A word for what components do, and all that must hold if they do it. One of a user's own is a small class. */
public interface Mechanism {
    /** The word, such as {@code copies}. */
    String name();

    /** What must hold; none of a mechanism that claims importance alone. */
    List<SubClaim> subClaims();

    /**
     * The mechanism that a claim of named components states.
     *
     * @param pairs whose roles stand in for those that the claim leaves out
     * @throws BadInputException if the claim states none, it is not one of such components, or the model lacks what it
     *     names
     */
    static Mechanism of(Claim claim, Gpt2Config config, PromptPairs pairs) {
        MechanismClaim stated = claim.mechanism();
        if (stated == null) {
            throw new BadInputException("the claim " + Printable.quoted(claim.name()) + " states no mechanism");
        }
        return new StatedMechanism(claim, stated, config, pairs).mechanism();
    }

    /** Importance alone: nothing is said about what the components do. */
    static Mechanism general() {
        return new Mechanism() {
            @Override
            public String name() {
                return "general";
            }

            @Override
            public List<SubClaim> subClaims() {
                return List.of();
            }
        };
    }
}
