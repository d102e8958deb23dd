package dev.hyaline.instrument.edit;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.NpyValues;
import dev.hyaline.files.Printable;
import dev.hyaline.files.TensorValues;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Numbers that an intervention writes, adds or projects on: a steering vector, a direction. Immutable. */
public final class Direction {
    /** The origin of a vector that was read from a file: a tensor's row of as many values as its last axis has. */
    public record Source(Path file, String tensor, long row) {
        @Override
        public String toString() {
            return "row " + row + " of " + Printable.plain(tensor) + " in " + file;
        }
    }

    private final float[] values;
    private final @Nullable Source source;

    private Direction(float[] values, @Nullable Source source) {
        this.values = values;
        this.source = source;
    }

    /**
     * Takes a copy.
     *
     * @throws BadInputException if there is no value
     */
    public static Direction of(float... values) {
        if (values.length == 0) {
            throw new BadInputException("a vector needs at least one value, found none");
        }
        return new Direction(values.clone(), null);
    }

    /**
     * Reads a row of a tensor in a safetensors file. A row is what the tensor's last axis holds; rows count through all
     * the others.
     *
     * @throws FileException if the file cannot be read
     * @throws BadInputException if it has no such tensor or row
     */
    public static Direction read(Path file, String tensor, long row) {
        TensorValues reader = TensorValues.open(file, InputErrors.INSTANCE);
        List<Long> shape = reader.shape(tensor);
        long width = shape.isEmpty() ? 1 : shape.getLast();
        if (row < 0 || width == 0 || row > Long.MAX_VALUE / width - 1) {
            throw new BadInputException(file + " has no row " + row + " in " + tensor);
        }
        return new Direction(reader.floats(tensor, row * width, width), new Source(file, tensor, row));
    }

    /**
     * Reads the only vector of a file: the first row of the one tensor of a safetensors file, or an array of NumPy's
     * {@code .npy} that is one row.
     *
     * @throws FileException if the file cannot be read
     * @throws BadInputException if it has more than one tensor, or the array more than one row
     */
    public static Direction read(Path file) {
        if (file.toString().endsWith(".npy")) {
            return of(NpyValues.row(file, InputErrors.INSTANCE));
        }
        List<String> names = TensorValues.open(file, InputErrors.INSTANCE).names();
        if (names.size() != 1) {
            throw new BadInputException(file + " has " + names.size() + " tensors where one is needed; name one"
                    + (names.isEmpty() ? "" : " of " + Printable.listed(names)));
        }
        return read(file, names.getFirst(), 0);
    }

    /** The file, tensor and row it was read from; empty if it was given as values. */
    public Optional<Source> source() {
        return Optional.ofNullable(source);
    }

    public int length() {
        return values.length;
    }

    public float get(int index) {
        return values[BadInputException.requireIndex("value", index, values.length)];
    }

    /** A copy of the values. */
    public float[] values() {
        return values.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Direction vector && Arrays.equals(values, vector.values);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(values);
    }

    @Override
    public String toString() {
        return "a vector of " + values.length;
    }
}
