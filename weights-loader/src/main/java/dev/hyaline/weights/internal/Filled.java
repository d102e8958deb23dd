package dev.hyaline.weights.internal;

import dev.hyaline.files.Printable;
import dev.hyaline.weights.StorageDtype;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/** A vector that a file omits because all its values are equal, such as the zeros of an absent bias. */
public record Filled(String file, String name, List<Long> shape, float value) implements Parameter {
    public Filled {
        shape = List.copyOf(shape);
    }

    @Override
    public String shown() {
        return Printable.plain(shape.toString()) + " of " + value;
    }

    @Override
    public Set<StorageDtype> storage() {
        return Set.of();
    }

    @Override
    public long storedBytes() {
        return 0;
    }

    @Override
    public void read(int firstRow, int rows, float[] out, int offset, int stride) {
        int columns = Math.toIntExact(shape.getLast());
        for (int row = 0; row < rows; row++) {
            Arrays.fill(out, offset + row * stride, offset + row * stride + columns, value);
        }
    }

    @Override
    public void unload() {
        // Nothing is mapped.
    }
}
