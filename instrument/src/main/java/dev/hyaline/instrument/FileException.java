package dev.hyaline.instrument;

import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.error.Remedy;
import dev.hyaline.files.IoReason;
import java.io.IOException;
import java.nio.file.Path;

/** A file or folder that cannot be read or written. */
public final class FileException extends HyalineException {
    private static final long serialVersionUID = 1L;

    private FileException(String message, Throwable cause) {
        super(message, cause);
    }

    public static FileException reading(Object file, IOException cause) {
        return new FileException("cannot read " + file + ": " + IoReason.of(cause), cause);
    }

    public static FileException writing(Path file, IOException cause) {
        return new FileException("cannot write " + file + ": " + IoReason.of(cause), cause);
    }

    /** As {@link #writing}, of a dump whose complete shards stay. */
    public static FileException stopped(Path folder, IOException cause) {
        return new FileException(
                "cannot write " + folder + ": " + IoReason.of(cause) + "; what is complete stays, go on with it ("
                        + Remedy.RESUME + ")",
                cause);
    }

    /** An output that must not be replaced, or is being written by someone else. */
    public static FileException occupied(Path file, String reasonAndRemedy) {
        return new FileException(file + " " + reasonAndRemedy, null);
    }

    /** A file of a dump that does not hold what it must. */
    public static FileException corrupt(Object file, String expected, String found) {
        return new FileException(file + ": expected " + expected + ", found " + found, null);
    }
}
