package dev.hyaline.weights.internal;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.files.Printable;
import dev.hyaline.weights.StorageDtype;
import java.util.List;
import java.util.Set;

/**
 * One of the model's tensors, a vector or a matrix, wherever a file keeps its values. Readable from several threads.
 */
public sealed interface Parameter permits TensorView, JoinedColumns, Filled {
    /** The name of its file in errors. */
    String file();

    /** The name in that file. */
    String name();

    List<Long> shape();

    /** The type and shape, for errors. */
    String shown();

    /** The types of the stored values; none if they are not stored. */
    Set<StorageDtype> storage();

    /** The number of bytes of its values in the file. */
    long storedBytes();

    /**
     * Copies rows, widened to float; a vector is one row.
     *
     * @param stride from one row's first value to the next one's in {@code out}
     */
    void read(int firstRow, int rows, float[] out, int offset, int stride);

    /** Releases the memory of mapped pages. */
    void unload();

    /** The exception that this is not as expected. */
    default BadCheckpointException bad(String expected, String found) {
        return BadCheckpointException.tensor(file(), Printable.plain(name()), expected, found);
    }
}
