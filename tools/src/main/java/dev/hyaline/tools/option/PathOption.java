package dev.hyaline.tools.option;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** The names of files and folders that are given to options. */
public final class PathOption {
    private PathOption() {}

    /**
     * Parses a name.
     *
     * @throws BadInputException if no file can have that name here
     */
    public static Path parse(String option, String name) {
        if (name.isEmpty()) {
            throw new BadInputException(option + " needs a name, but none was given");
        }
        try {
            return Path.of(name);
        } catch (InvalidPathException e) {
            throw new BadInputException(option + ": '" + name + "' cannot be a file name here (" + e.getReason() + ")");
        }
    }

    /**
     * Parses the name of a file that must exist, a pipe also.
     *
     * @throws BadInputException if no file can have that name here, or it is a folder
     * @throws FileException if it cannot be read
     */
    public static Path readable(String option, String name) {
        return file(option, name, readableOrFolder(option, name));
    }

    /**
     * Parses the name of a file or folder that must exist.
     *
     * @throws BadInputException if no file can have that name here
     * @throws FileException if it cannot be read
     */
    public static Path readableOrFolder(String option, String name) {
        Path path = parse(option, name);
        if (!Files.isReadable(path)) {
            throw FileException.reading(
                    path, Files.exists(path) ? new AccessDeniedException(name) : new NoSuchFileException(name));
        }
        return path;
    }

    /**
     * Parses the name of a folder to make.
     *
     * @throws BadInputException if it exists, or cannot be made
     */
    public static Path newFolder(String option, String name) {
        return fresh(option, name, "folder");
    }

    /**
     * Parses the name of a file to make.
     *
     * @throws BadInputException if it exists, or cannot be made
     */
    public static Path newFile(String option, String name) {
        file(option, name, parse(option, name));
        return fresh(option, name, "file");
    }

    private static Path file(String option, String name, Path path) {
        if (Files.isDirectory(path)) {
            throw new BadInputException(option + ": " + name + " is a folder; name a file");
        }
        return path;
    }

    private static Path fresh(String option, String name, String kind) {
        Path path = parse(option, name);
        if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            throw new BadInputException(option + ": " + name + " exists already; choose another " + kind);
        }
        requireWritable(option, path);
        return path;
    }

    /**
     * Checks before any work that a file can be made, or files in a folder.
     *
     * @throws BadInputException if the nearest folder that is there is none, or cannot be written
     */
    public static void requireWritable(String option, Path path) {
        Path nearest = path.toAbsolutePath().normalize();
        while (nearest.getParent() != null && !Files.exists(nearest, LinkOption.NOFOLLOW_LINKS)) {
            nearest = nearest.getParent();
        }
        if (!Files.isDirectory(nearest)) {
            throw new BadInputException(option + ": cannot write " + path + ": " + nearest + " is not a folder");
        }
        try {
            // Permissions do not tell: a file system may be read-only, or one that takes no files, as /proc.
            Files.delete(Files.createTempFile(nearest, ".hyaline", ""));
        } catch (IOException e) {
            throw new BadInputException(option + ": cannot write " + path + ": " + nearest + " is read-only");
        }
    }
}
