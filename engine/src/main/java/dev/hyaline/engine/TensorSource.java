package dev.hyaline.engine;

import java.util.List;

/** The source of the tensors of {@link Gpt2Weights}. It must allow reads from several threads at once. */
public interface TensorSource {
    /** The name of the source in an error, usually a file. */
    String name();

    /**
     * Copies whole rows of a tensor, widened to float.
     *
     * @param tensor one of {@link Gpt2Weights#tensors}; a vector is one row
     * @param out receives {@code rows * tensor.columns()} values, row-major, from {@code offset}
     */
    void read(TensorSpec tensor, int firstRow, int rows, float[] out, int offset);

    /**
     * Returns whether every value of the tensor is a bfloat16; matrices of such are kept in two bytes a value, which
     * changes no bit of a result.
     */
    default boolean isBfloat16(TensorSpec tensor) {
        return false;
    }

    /** Returns whether {@link #read} also knows {@link Gpt2Weights#UNEMBEDDING_BIAS}, which checkpoints do not hold. */
    default boolean hasUnembeddingBias() {
        return false;
    }

    /**
     * The changes made to the checkpoint's values, in order, such as {@code fold_ln}; nothing, unless this says
     * otherwise.
     */
    default List<String> processing() {
        return List.of();
    }
}
