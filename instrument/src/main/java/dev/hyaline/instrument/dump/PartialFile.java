package dev.hyaline.instrument.dump;

import dev.hyaline.instrument.FileException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;
import java.util.function.UnaryOperator;

/**
 * A file on its way to its name: written beside it under a hidden one, and locked against other processes.
 *
 * @param path where it is written
 * @param target the name it takes when it is whole
 * @param channel open for reading and writing; to be closed by whoever began the file
 */
record PartialFile(Path path, Path target, FileChannel channel) {
    /**
     * Begins a file, empty, which this process alone can write.
     *
     * @param disk stands between the file and its writer
     * @throws FileException if it cannot be written, or another process is writing it
     */
    static PartialFile begin(Path folder, String name, UnaryOperator<FileChannel> disk) {
        Path target = folder.resolve(name);
        // The same name each time, so that what a killed run left behind is reused, not piled up.
        Path path = folder.resolve("." + name + ".partial");
        try {
            while (true) {
                createIfAbsent(path);
                Object file = fileKey(path);
                FileChannel channel = FileChannel.open(
                        path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
                if (!lock(channel)) {
                    channel.close();
                    throw FileException.occupied(target, "is being written by another run; choose another folder");
                }
                // A run that ended between these steps may have given the file its final name: it is not ours then.
                if (Files.exists(path) && Objects.equals(file, fileKey(path))) {
                    channel.truncate(0);
                    return new PartialFile(path, target, disk.apply(channel));
                }
                channel.close();
            }
        } catch (IOException e) {
            throw FileException.writing(target, e);
        }
    }

    private static void createIfAbsent(Path path) throws IOException {
        try {
            Files.createFile(path);
        } catch (FileAlreadyExistsException e) {
            // Left behind by a killed run, or of a run that goes on: the lock tells.
        }
    }

    /**
     * What tells a file from another that has its name later; null where the system knows no such thing, or there is no
     * file. Does not open it: on POSIX systems, to close it again would give up this process's lock on it.
     */
    private static Object fileKey(Path path) throws IOException {
        try {
            return Files.readAttributes(path, BasicFileAttributes.class).fileKey();
        } catch (NoSuchFileException e) {
            return null;
        }
    }

    private static boolean lock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock() != null;
        } catch (OverlappingFileLockException e) {
            return false;
        }
    }

    /** Gives the file its name. */
    void rename() throws IOException {
        Files.move(path, target, StandardCopyOption.ATOMIC_MOVE);
    }
}
