package dev.hyaline.engine.internal.backward;

import dev.hyaline.engine.internal.forward.PackedWeights;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.parallel.WorkerPool;
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
    private Block @Nullable [] blocks;
    private @Nullable PackedMatrix unembedding;

    /** Nothing is packed yet. */
    public TransposedWeights(PackedWeights weights) {
        this.weights = weights;
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

    static PackedMatrix transposed(PackedMatrix matrix, WorkerPool pool) {
        PackedMatrix transposed = matrix.transposedZeros();
        pool.run(transposed.panels(), (worker, panel) -> matrix.transposeInto(transposed, panel));
        return transposed;
    }
}
