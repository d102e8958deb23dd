package dev.hyaline.engine;

/** Where {@link Gpt2Weights} reads its tensors from. Must allow reads from several threads at once. */
public interface TensorSource {
    /** What the source is called in an error, usually a file. */
    String name();

    /**
     * Copies whole rows of a tensor, widened to float.
     *
     * @param tensor one of {@link Gpt2Weights#tensors}; a vector is one row
     * @param out receives {@code rows * tensor.columns()} values, row-major, from {@code offset}
     */
    void read(TensorSpec tensor, int firstRow, int rows, float[] out, int offset);
}
