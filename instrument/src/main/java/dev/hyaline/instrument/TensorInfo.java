package dev.hyaline.instrument;

import java.util.List;

/** A tensor of a dump: its name, the type of its values and its shape. */
public record TensorInfo(String name, ElementType type, List<Long> shape) {
    public TensorInfo {
        shape = List.copyOf(shape);
    }

    public long elements() {
        return shape.stream().reduce(1L, Math::multiplyExact);
    }

    public long bytes() {
        return Math.multiplyExact(elements(), (long) type.bytes());
    }
}
