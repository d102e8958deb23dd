package dev.hyaline.engine;

import java.util.List;

/**
 * A tensor a checkpoint must hold.
 *
 * @param name Hugging Face's name without a {@code transformer.} prefix, such as {@code h.0.attn.c_attn.weight}
 * @param shape one or two sizes; matrices of blocks are {@code [in, out]} (Conv1D), embeddings {@code [n, dModel]}
 */
public record TensorSpec(String name, List<Integer> shape) {
    public TensorSpec {
        shape = List.copyOf(shape);
    }

    static TensorSpec of(String name, Integer... shape) {
        return new TensorSpec(name, List.of(shape));
    }

    /** Rows of the tensor seen as a matrix; a vector is one row. */
    public int rows() {
        return shape.size() == 1 ? 1 : shape.getFirst();
    }

    public int columns() {
        return shape.getLast();
    }

    public long elements() {
        return (long) rows() * columns();
    }
}
