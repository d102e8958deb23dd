package dev.hyaline.analysis.sparse.file;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.files.Printable;
import dev.hyaline.weights.TensorFile;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Parameters taken out of a file, each of the shape that it must have. */
final class Tensors {
    private final TensorFile file;
    private final Set<String> taken = new TreeSet<>();

    Tensors(TensorFile file) {
        this.file = file;
    }

    boolean has(String name) {
        return file.has(name);
    }

    List<Long> shape(String name) {
        return file.shape(name);
    }

    /** Size of one axis of a tensor that must have so many. */
    int size(String name, int axes, int axis) {
        List<Long> shape = file.shape(name);
        if (shape.size() != axes || shape.get(axis) < 1 || shape.get(axis) > Integer.MAX_VALUE) {
            throw bad(name, axes + " axes", shape.toString());
        }
        return shape.get(axis).intValue();
    }

    /** All of a tensor of a shape. */
    float[] floats(String name, long... shape) {
        taken.add(name);
        List<Long> found = file.shape(name);
        if (!found.equals(Arrays.stream(shape).boxed().toList())) {
            throw bad(name, Arrays.toString(shape), found.toString());
        }
        return file.floats(name);
    }

    /** The transpose of a tensor of the shape {@code [rows, columns]}. */
    float[] transposed(String name, int rows, int columns) {
        return transposed(floats(name, rows, columns), rows, columns);
    }

    static float[] transposed(float[] values, int rows, int columns) {
        float[] transposed = new float[values.length];
        int block = 32;
        for (int r0 = 0; r0 < rows; r0 += block) {
            for (int c = 0; c < columns; c++) {
                for (int r = r0; r < Math.min(rows, r0 + block); r++) {
                    transposed[c * rows + r] = values[r * columns + c];
                }
            }
        }
        return transposed;
    }

    /** One number, whether it is kept as a float or as a whole number. */
    double scalar(String name) {
        taken.add(name);
        if (!file.shape(name).isEmpty() && !file.shape(name).equals(List.of(1L))) {
            throw bad(name, "one number", file.shape(name).toString());
        }
        try {
            return file.integers(name)[0];
        } catch (BadCheckpointException e) {
            return file.floats(name)[0];
        }
    }

    void ignore(String... names) {
        taken.addAll(Arrays.asList(names));
    }

    /** Checks that nothing is left that nobody asked for: it would change what the autoencoder computes. */
    void requireAllTaken() {
        Set<String> left = new TreeSet<>(file.names());
        left.removeAll(taken);
        if (!left.isEmpty()) {
            throw BadCheckpointException.file(
                    file.label(), "no tensors but " + Printable.listed(taken), Printable.listed(left));
        }
    }

    BadCheckpointException bad(String name, String expected, String found) {
        return BadCheckpointException.tensor(file.label(), name, expected, Printable.plain(found));
    }
}
