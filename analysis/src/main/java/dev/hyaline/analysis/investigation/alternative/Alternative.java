package dev.hyaline.analysis.investigation.alternative;

import dev.hyaline.analysis.investigation.AlternativeKind;
import dev.hyaline.analysis.investigation.Claim;
import dev.hyaline.analysis.investigation.TestedClaim;
import dev.hyaline.engine.error.BadInputException;
import java.util.List;
import java.util.stream.Stream;

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

    /** The built-in alternative of a kind that needs nothing but the claim's own evidence. */
    static List<Alternative> builtIn() {
        return Stream.of(AlternativeKind.values())
                .filter(kind -> kind != AlternativeKind.GENERIC_DAMAGE)
                .map(Alternative::of)
                .toList();
    }

    /**
     * The built-in alternative of a kind.
     *
     * @throws BadInputException of generic damage, which needs evidence of other behaviours
     */
    static Alternative of(AlternativeKind kind) {
        return switch (kind) {
            case RANDOM_COMPONENTS -> new RandomComponents(RandomComponents.SETS);
            case NORM_MATCHED -> new NormMatched(NormMatched.DRAWS);
            case POSITION_ONLY -> new PositionOnly();
            case RECENCY -> new Recency();
            case FREQUENCY_ONLY -> FrequencyOnly.ofModel();
            case SHUFFLED_LABELS -> new ShuffledLabels();
            case OFF_MANIFOLD -> new OffManifold();
            case SELF_REPAIR -> new SelfRepair();
            case GENERIC_DAMAGE ->
                throw new BadInputException("generic damage is tested on evidence of other behaviours");
        };
    }
}
