package dev.hyaline.analysis.sparse.train;

/**
 * Entries that reconstruct something, with the gradient of its error.
 *
 * @param entries what is decoded
 * @param gradients of the reconstruction, by group of latents, each {@code [tokens, dOut]}
 * @param ends of the groups; empty for one group of all latents
 * @param biased whether the decoder's bias is part of what is reconstructed, and trained by its error
 * @param skipped whether the linear path around the latents is
 * @param exponential whether what is decoded is the exponential of the pre-activations
 */
record ReconstructionPath(
        Entries entries, float[][] gradients, int[] ends, boolean biased, boolean skipped, boolean exponential) {
    ReconstructionPath(Entries entries, float[][] gradients, int[] ends, boolean biased, boolean skipped) {
        this(entries, gradients, ends, biased, skipped, false);
    }

    /** The same of entries that are decoded by the exponential of their pre-activations. */
    ReconstructionPath ofExponentials() {
        return new ReconstructionPath(entries, gradients, ends, biased, skipped, true);
    }

    /** The gradient that a latent sees. */
    float[] of(int latent) {
        int group = 0;
        while (ends.length > 0 && latent >= ends[group]) {
            group++;
        }
        return gradients[group];
    }
}
