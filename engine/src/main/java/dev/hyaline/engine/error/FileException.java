package dev.hyaline.engine.error;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;

/** A file or folder that cannot be read or written. */
public final class FileException extends HyalineException {
    private static final long serialVersionUID = 1L;

    private FileException(String message) {
        super(message);
    }

    private FileException(String message, IOException cause) {
        super(message, cause);
    }

    public static FileException reading(Object file, IOException cause) {
        return new FileException("cannot read " + file + ": " + reason(cause), cause);
    }

    public static FileException writing(Object file, IOException cause) {
        return new FileException("cannot write " + file + ": " + reason(cause), cause);
    }

    /** As {@link #writing}, of a dump whose complete shards stay. */
    public static FileException stopped(Path folder, IOException cause) {
        return new FileException(
                "cannot write " + folder + ": " + reason(cause) + "; what is complete stays, go on with it ("
                        + Remedy.RESUME + ")",
                cause);
    }

    /** An output that must not be replaced, or is being written by someone else. */
    public static FileException occupied(Object file, String reasonAndRemedy) {
        return new FileException(file + " " + reasonAndRemedy);
    }

    /** A file of a dump that does not hold what it must. */
    public static FileException corrupt(Object file, String expected, String found) {
        return new FileException(file + ": expected " + expected + ", found " + found);
    }

    /**
     * The reason of a failure to read or write, in words to stand after a colon, such as {@code permission denied};
     * Java's message is often the file's name alone.
     */
    public static String reason(IOException failure) {
        return switch (failure) {
            case NoSuchFileException e -> "no such file or folder";
            case AccessDeniedException e -> "permission denied";
            case FileAlreadyExistsException e -> "a file of that name is in the way";
            case NotDirectoryException e -> "it is not a folder";
            case DirectoryNotEmptyException e -> "a folder that is not empty is in the way";
            case CharacterCodingException e -> "it is not UTF-8 text";
            case FileSystemException e when e.getReason() != null -> e.getReason();
            default -> failure.getMessage() == null ? failure.getClass().getSimpleName() : failure.getMessage();
        };
    }
}
