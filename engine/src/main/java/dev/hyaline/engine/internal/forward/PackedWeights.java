package dev.hyaline.engine.internal.forward;

import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.kernel.SpareMatrices;
import java.util.Arrays;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * The weights as the pass reads them.
 *
 * @param embedding the token embedding, transposed: {@code [dModel, dVocab]}; with tied embeddings also the unembedding
 * @param positions {@code [nCtx, dModel]}, row-major
 * @param unembedding {@code [dModel, dVocab]}
 */
public record PackedWeights(
        PackedMatrix embedding, float[] positions, Block[] blocks, Norm finalNorm, PackedMatrix unembedding) {

    /** The matrices in the order in which they are made, for others like them once these are no longer read. */
    public SpareMatrices spare() {
        Stream<PackedMatrix> ofBlocks = Arrays.stream(blocks)
                .flatMap(block -> Stream.of(block.q(), block.k(), block.v(), block.o(), block.in(), block.out()));
        // With tied embeddings the last is the first again, and nobody takes it.
        return new SpareMatrices(Stream.of(Stream.of(embedding), ofBlocks, Stream.of(unembedding))
                .flatMap(Function.identity()));
    }

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
