package dev.hyaline.files;

import dev.hyaline.engine.error.HyalineException;
import java.io.IOException;

/**
 * A factory of exceptions for a file with wrong content. Each module has its own, so that callers can tell a broken
 * checkpoint from a broken dump.
 */
public interface FileErrors {
    /**
     * The exception for a file that is wrong as a whole, or in a part that is not a tensor.
     *
     * @param file its name in the message
     */
    HyalineException file(String file, String expected, String found);

    /** The exception of {@link #file(String, String, String)} with its cause. */
    HyalineException file(String file, String expected, String found, Throwable cause);

    /** The exception for a wrong tensor of a file. */
    HyalineException tensor(String file, String tensor, String expected, String found);

    /** The exception for a file that does not exist or cannot be read. */
    HyalineException unreadable(String file, IOException cause);
}
