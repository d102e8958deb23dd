package dev.hyaline.analysis.sparse;

import dev.hyaline.engine.error.BadInputException;

/** A change of activations before they are encoded, undone after they are decoded. */
public sealed interface Normalization {
    /** Nothing. */
    record None() implements Normalization {}

    /** Each activation is brought to the length {@code sqrt(d)}. */
    record ConstantNorm() implements Normalization {}

    /** {@code (x - mean) / (deviation + 1e-5)}, the deviation unbiased. */
    record LayerNorm() implements Normalization {}

    /** One factor for all, which {@link SparseAutoencoder#foldNormalization} puts into the weights. */
    record Factor(float factor) implements Normalization {
        public Factor {
            if (!(factor > 0) || Float.isInfinite(factor)) {
                throw new BadInputException("a normalisation factor must be a finite number above 0, found " + factor);
            }
        }
    }

    static Normalization none() {
        return new None();
    }
}
