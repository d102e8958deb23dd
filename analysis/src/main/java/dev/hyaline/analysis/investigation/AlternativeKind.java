package dev.hyaline.analysis.investigation;

import java.util.Locale;

/** The built-in alternatives to what a claim says, by the names that a file has for them. */
public enum AlternativeKind {
    /** Any set of as many components in the same layers would do as well. */
    RANDOM_COMPONENTS,
    /** Any displacement of the same size would do as much. */
    NORM_MATCHED,
    /** The model is damaged in general, not in this behaviour. */
    GENERIC_DAMAGE,
    /** The components go by positions, not by what stands there. */
    POSITION_ONLY,
    /** The components prefer what comes last, or first, whatever it is. */
    RECENCY,
    /** The components prefer frequent tokens. */
    FREQUENCY_ONLY,
    /** The effect is there for answers exchanged by a coin. */
    SHUFFLED_LABELS,
    /** The effect is that of values the model never has. */
    OFF_MANIFOLD,
    /** Other components make up for what is taken away. */
    SELF_REPAIR;

    /** In lower case, with hyphens. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
