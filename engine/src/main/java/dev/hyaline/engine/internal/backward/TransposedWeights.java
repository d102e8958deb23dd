package dev.hyaline.engine.internal.backward;

import dev.hyaline.engine.internal.forward.PackedWeights;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.kernel.SpareMatrices;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import java.util.Arrays;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The weight matrices packed once more, transposed, for the products of a backward pass. They take as many bytes again
 * as the blocks' matrices do: 340 MB for GPT-2 small in float32. They are made at the first backward pass, and the
 * unembedding, another 154 MB, at the first one from the whole vocabulary.
 */
public final class TransposedWeights {
    /** The transposed matrices of a block, without bias. */
    public record Block(
            PackedMatrix q, PackedMatrix k, PackedMatrix v, PackedMatrix o, PackedMatrix in, PackedMatrix out) {}

    private final PackedWeights weights;
    private final SpareMatrices spare;
    private Block @Nullable [] blocks;
    private @Nullable PackedMatrix unembedding;

    /** Nothing is packed yet. */
    public TransposedWeights(PackedWeights weights) {
        this(weights, SpareMatrices.none());
    }

    /** Nothing is packed yet; it will be, into the arrays of the matrices that are spare. */
    public TransposedWeights(PackedWeights weights, SpareMatrices spare) {
        this.weights = weights;
        this.spare = spare;
    }

    /** The matrices that were packed, for others like them once these are no longer read. */
    public synchronized SpareMatrices spare() {
        Stream<PackedMatrix> ofBlocks = blocks == null
                ? Stream.empty()
                : Arrays.stream(blocks)
                        .flatMap(block ->
                                Stream.of(block.q(), block.k(), block.v(), block.o(), block.in(), block.out()));
        return new SpareMatrices(Stream.concat(ofBlocks, Stream.ofNullable(unembedding)));
    }

    /** The blocks' matrices. */
    synchronized Block[] blocks(WorkerPool pool) {
        if (blocks != null) {
            return blocks;
        }
        Block[] packed = new Block[weights.blocks().length];
        for (int layer = 0; layer < packed.length; layer++) {
            PackedWeights.Block block = weights.blocks()[layer];
            packed[layer] = new Block(
                    transposed(block.q(), pool),
                    transposed(block.k(), pool),
                    transposed(block.v(), pool),
                    transposed(block.o(), pool),
                    transposed(block.in(), pool),
                    transposed(block.out(), pool));
        }
        blocks = packed;
        return packed;
    }

    /** The unembedding, {@code [dVocab, dModel]}. */
    synchronized PackedMatrix unembedding(WorkerPool pool) {
        if (unembedding != null) {
            return unembedding;
        }
        PackedMatrix packed = transposed(weights.unembedding(), pool);
        unembedding = packed;
        return packed;
    }

    private PackedMatrix transposed(PackedMatrix matrix, WorkerPool pool) {
        PackedMatrix transposed = matrix.roomForTranspose(spare);
        pool.run(transposed.panels(), (worker, panel) -> matrix.transposeInto(transposed, panel));
        return transposed;
    }
}
