package dev.hyaline.files;

import java.util.List;

/**
 * A tensor as a safetensors header describes it.
 *
 * @param begin of its bytes, counted from the end of the header
 * @param end of its bytes, exclusive
 */
public record StoredTensor(String name, Dtype dtype, List<Long> shape, long begin, long end) {
    public StoredTensor {
        shape = List.copyOf(shape);
    }

    /** The number of bytes. */
    public long bytes() {
        return end - begin;
    }
}
