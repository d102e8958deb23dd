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
    /** What the file that holds it is called in errors. */
    String file();

    /** Its name in that file. */
    String name();

    List<Long> shape();

    /** Type and shape, for errors. */
    String shown();

    /** The types its values are stored in; none if they are not stored. */
    Set<StorageDtype> storage();

    /** Bytes its values take in the file. */
    long storedBytes();

    /**
     * Copies rows, widened to float; a vector is one row.
     *
     * @param stride from one row's first value to the next one's in {@code out}
     */
    void read(int firstRow, int rows, float[] out, int offset, int stride);

    /** Gives the memory of mapped pages back. */
    void unload();

    /** The complaint that this is not what it should be. */
    default BadCheckpointException bad(String expected, String found) {
        return BadCheckpointException.tensor(file(), Printable.plain(name()), expected, found);
    }
}
