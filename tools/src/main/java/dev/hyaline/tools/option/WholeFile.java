package dev.hyaline.tools.option;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file, or a pipe as the shell makes of {@code <(...)}, that is read once and kept in memory. */
final class WholeFile {
    /** What a device such as {@code /dev/zero} would exceed. */
    private static final int MAX_BYTES = 1 << 26;

    private WholeFile() {}

    /**
     * Reads all of it.
     *
     * @throws FileException if it cannot be read
     * @throws BadInputException if it is too long
     */
    static byte[] read(Path file) {
        return read(file, MAX_BYTES);
    }

    /** Text without the mark that some programs write before UTF-8. */
    static String withoutMark(String text) {
        return text.startsWith("\uFEFF") ? text.substring(1) : text;
    }

    /** As {@link #read(Path)}, of so many bytes at most. */
    static byte[] read(Path file, int limit) {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(limit + 1);
            if (bytes.length > limit) {
                throw new BadInputException(file + ": expected at most " + limit + " bytes, found more");
            }
            return bytes;
        } catch (IOException e) {
            throw FileException.reading(file, e);
        }
    }
}
