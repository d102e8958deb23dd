package dev.hyaline.analysis.sparse.train;

/** One family of latents in a step: which fire, what makes them sparse, and the gradient through their activation. */
interface TrainedLatents {
    /** The latents of a batch that take part in its loss. */
    Entries encode(Batch batch);

    /** The part of one entry in the penalty, without its coefficient. */
    double penalty(Batch batch, int latent, float z, float f);

    /**
     * The penalty of a batch.
     *
     * @param mean of the tokens' sums of {@link #penalty}
     */
    default double sparsity(Batch batch, double mean, double l0) {
        return batch.penalty() * mean;
    }

    /** Coefficient of the pull on dead latents; 0 where there is none. */
    default double pullCoefficient() {
        return 0;
    }

    /** The part of one entry in the pull on dead latents, without its coefficient. */
    default double pull(Batch batch, int latent, float z) {
        return 0;
    }

    /**
     * The gradient of a latent's pre-activations from that of its activations, with what the penalty adds to both.
     *
     * @param buffer of which {@code df} and {@code f} are given and {@code dz} is filled, at the entries' places
     * @return the derivative with respect to the length of the decoder row
     */
    float gradient(Batch batch, double l0, int latent, Entries e, int from, int count, LatentBuffers buffer);
}
