package dev.hyaline.files;

import dev.hyaline.engine.error.HyalineException;
import java.io.IOException;

/**
 * The exceptions for a file that does not hold what it must. Each module has its own: whoever reads a checkpoint
 * catches another than whoever reads a dump.
 */
public interface FileErrors {
    /**
     * The file as a whole, or a part of it that is not a tensor, is wrong.
     *
     * @param file its name in the message
     */
    HyalineException file(String file, String expected, String found);

    /** As {@link #file(String, String, String)}, keeping the failure that revealed it. */
    HyalineException file(String file, String expected, String found, Throwable cause);

    /** One tensor of the file is wrong. */
    HyalineException tensor(String file, String tensor, String expected, String found);

    /** There is no such file, or it cannot be read. */
    HyalineException unreadable(String file, IOException cause);
}
