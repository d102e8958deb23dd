package dev.hyaline.files;

import java.util.List;

/** A tensor to be written: its name, the type of its values and its shape. */
public record TensorEntry(String name, Dtype dtype, List<Long> shape) {
    public TensorEntry {
        shape = List.copyOf(shape);
    }

    /** The number of bytes of its values. */
    public long bytes() {
        return shape.stream().reduce((long) dtype.bytes(), Math::multiplyExact);
    }
}
