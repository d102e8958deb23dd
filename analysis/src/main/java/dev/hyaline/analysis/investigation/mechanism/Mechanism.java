package dev.hyaline.analysis.investigation.mechanism;

import java.util.List;

/** A word for what components do, and all that must hold if they do it. One of a user's own is a small class. */
public interface Mechanism {
    /** The word, such as {@code copies}. */
    String name();

    /** What must hold; none of a mechanism that claims importance alone. */
    List<SubClaim> subClaims();

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
