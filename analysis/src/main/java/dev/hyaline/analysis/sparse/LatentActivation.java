package dev.hyaline.analysis.sparse;

import dev.hyaline.engine.error.BadInputException;

/** The function from pre-activations {@code z = h W_enc + b_enc} to latents. */
public sealed interface LatentActivation {
    /** {@code relu(z)}. */
    record Relu() implements LatentActivation {}

    /**
     * {@code 1[u + b_gate > 0] relu(u exp(r_mag) + b_mag)}, where {@code u = h W_enc} (Rajamanoharan et al. 2024,
     * "Improving dictionary learning with gated sparse autoencoders").
     */
    record Gated() implements LatentActivation {}

    /**
     * The {@code k} largest of a token, then relu (Gao et al. 2024, "Scaling and evaluating sparse autoencoders"). Of
     * equal ones the lowest latent wins.
     *
     * @param rescaled whether {@code z} is multiplied by the length of its decoder row before the choice, and the
     *     latent divided by it in decoding
     */
    record TopK(int k, boolean rescaled) implements LatentActivation {
        public TopK {
            requireCount("k", k);
        }
    }

    /**
     * The {@code floor(k tokens)} largest positive ones of all tokens encoded together, which is how batch top-k
     * autoencoders are trained. Of equal ones the lowest latent wins, then the first token.
     *
     * @param k latents a token on average
     * @param rescaled as in {@link TopK}
     */
    record BatchTopK(double k, boolean rescaled) implements LatentActivation {
        public BatchTopK {
            if (!(k > 0) || Double.isInfinite(k)) {
                throw new BadInputException("k must be a finite number above 0, found " + k);
            }
        }
    }

    /**
     * {@code s 1[s > threshold]}: what batch top-k and Matryoshka autoencoders do once they are trained (Bussmann et
     * al. 2024, "BatchTopK sparse autoencoders").
     *
     * @param rescaled whether {@code s} is {@code z} times the length of its decoder row, or {@code z}
     */
    record Threshold(float threshold, boolean rescaled) implements LatentActivation {}

    /**
     * {@code relu(z) 1[z > max(threshold, 0)]}, with a threshold a latent (Rajamanoharan et al. 2024, "Jumping ahead").
     */
    record JumpRelu() implements LatentActivation {}

    /** The latents cut into equal groups, of each only the largest, then relu. */
    record GroupMax(int groups) implements LatentActivation {
        public GroupMax {
            requireCount("the number of groups", groups);
        }
    }

    /**
     * Greedy pursuit with tied weights: the decoder row with the largest product with what is left is taken out of it,
     * until the chosen latents stay the same or what is left is short.
     *
     * @param residualThreshold length of what is left at which to stop
     * @param maxIterations rows taken at most
     */
    record MatchingPursuit(float residualThreshold, int maxIterations) implements LatentActivation {
        public MatchingPursuit {
            requireCount("the number of iterations", maxIterations);
        }
    }

    /** Returns whether latents carry the length of their decoder row, by which decoding divides. */
    default boolean isRescaled() {
        return switch (this) {
            case TopK top -> top.rescaled;
            case BatchTopK top -> top.rescaled;
            case Threshold cut -> cut.rescaled;
            default -> false;
        };
    }

    private static void requireCount(String what, int count) {
        if (count < 1) {
            throw new BadInputException(what + " must be at least 1, found " + count);
        }
    }
}
