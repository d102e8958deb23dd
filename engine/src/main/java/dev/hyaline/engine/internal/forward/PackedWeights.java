package dev.hyaline.engine.internal.forward;

import dev.hyaline.engine.internal.kernel.PackedMatrix;

/**
 * The weights as the pass reads them.
 *
 * @param embedding the token embedding, transposed: {@code [dModel, dVocab]}; with tied embeddings also the unembedding
 * @param positions {@code [nCtx, dModel]}, row-major
 * @param unembedding {@code [dModel, dVocab]}
 */
public record PackedWeights(
        PackedMatrix embedding, float[] positions, Block[] blocks, Norm finalNorm, PackedMatrix unembedding) {

    /** Gain and bias, {@code [dModel]} each. */
    public record Norm(float[] gain, float[] bias) {}

    /**
     * One transformer block.
     *
     * @param o {@code [nHeads * dHead, dModel]} with bias
     * @param oByHead the rows of {@code o} that read a head's z, without bias
     */
    public record Block(
            Norm ln1,
            PackedMatrix q,
            PackedMatrix k,
            PackedMatrix v,
            PackedMatrix o,
            PackedMatrix[] oByHead,
            Norm ln2,
            PackedMatrix in,
            PackedMatrix out) {}
}
