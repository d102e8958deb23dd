package dev.hyaline.analysis.investigation.alternative;

import dev.hyaline.analysis.investigation.AlternativeKind;
import dev.hyaline.engine.error.BadInputException;
import java.util.List;
import java.util.stream.Stream;

/** The built-in alternatives, by their kinds. */
public final class BuiltInAlternatives {
    private BuiltInAlternatives() {}

    /** All that need nothing but a claim's own evidence. */
    public static List<Alternative> all() {
        return Stream.of(AlternativeKind.values())
                .filter(kind -> kind != AlternativeKind.GENERIC_DAMAGE)
                .map(BuiltInAlternatives::of)
                .toList();
    }

    /**
     * The alternative of a kind.
     *
     * @throws BadInputException of generic damage, which needs evidence of other behaviours: {@link GenericDamage#on}
     */
    public static Alternative of(AlternativeKind kind) {
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
