package dev.hyaline.files;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * A file that is being written under a hidden name beside its final one, locked against other processes.
 *
 * @param path the file while it is being written
 * @param target its name once it is complete
 * @param channel open for reading and writing; closed by the caller that began the file
 */
public record PartialFile(Path path, Path target, FileChannel channel) {
    /**
     * Begins an empty file that this process alone can write. A link in its place is removed, its target left as it is.
     *
     * @param disk wraps the file's channel, so that tests can make it fail
     * @return empty if another process is writing the file
     */
    public static Optional<PartialFile> begin(Path folder, String name, UnaryOperator<FileChannel> disk)
            throws IOException {
        Path target = folder.resolve(name);
        // The same name each time, so that the file of a killed run is replaced and none accumulate.
        Path path = folder.resolve("." + name + ".partial");
        while (true) {
            Optional<FileChannel> created = create(path);
            if (created.isEmpty()) {
                if (!removeLeftover(path)) {
                    return Optional.empty();
                }
                continue;
            }
            FileChannel channel = created.get();
            Optional<Object> file = fileKey(path);
            if (!lock(channel)) {
                channel.close();
                return Optional.empty();
            }
            // Another run may have taken the file for a leftover before it was locked, and removed it.
            if (Files.exists(path) && file.equals(fileKey(path))) {
                return Optional.of(new PartialFile(path, target, disk.apply(channel)));
            }
            channel.close();
        }
    }

    /** Returns whether another run is writing a file; what a killed run left does not count. */
    public static boolean isBeingWritten(Path folder, String name) throws IOException {
        try (FileChannel channel =
                Disk.open(folder.resolve("." + name + ".partial"), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            return !lock(channel);
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    /** What is written to a file. */
    public interface Content {
        void write(FileChannel channel) throws IOException;
    }

    /** Writes a whole file durably: its name always holds either these bytes or the previous ones. */
    public static void write(Path file, byte[] content) throws IOException {
        write(file, channel -> {
            for (ByteBuffer bytes = ByteBuffer.wrap(content); bytes.hasRemaining(); ) {
                channel.write(bytes);
            }
        });
    }

    /** As {@link #write(Path, byte[])}, of content that is written piece by piece. */
    public static void write(Path file, Content content) throws IOException {
        Path folder = Objects.requireNonNull(file.toAbsolutePath().getParent(), "a file has a folder");
        PartialFile partial = begin(folder, file.getFileName().toString(), UnaryOperator.identity())
                .orElseThrow(() -> new FileSystemException(file.toString(), null, "another run is writing it"));
        try {
            content.write(partial.channel);
            partial.channel.force(true);
            partial.rename();
        } catch (IOException | RuntimeException e) {
            partial.discard();
            throw e;
        }
        partial.channel.close();
        Disk.sync(folder);
    }

    private static Optional<FileChannel> create(Path path) throws IOException {
        try {
            // CREATE_NEW never follows a link.
            return Optional.of(FileChannel.open(
                    path, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE));
        } catch (FileAlreadyExistsException e) {
            return Optional.empty();
        }
    }

    /** Removes a killed run's file, a link or a FIFO; returns false if the file belongs to a live run. */
    private static boolean removeLeftover(Path path) throws IOException {
        if (!Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)
                && !Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
            Files.deleteIfExists(path);
            return true;
        }
        Optional<Object> file = fileKey(path);
        try (FileChannel channel = Disk.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            if (!lock(channel)) {
                return false;
            }
            // A run that ended between these steps may have renamed the file, which then is not ours.
            if (file.equals(fileKey(path))) {
                Files.deleteIfExists(path);
            }
            return true;
        } catch (NoSuchFileException e) {
            return true;
        }
    }

    /**
     * The identity of a file, which another file of the same name does not share; empty if the system has no such key
     * or the file does not exist. The file is not opened: on POSIX systems, closing it would release this process's
     * lock on it.
     */
    private static Optional<Object> fileKey(Path path) throws IOException {
        try {
            return Optional.ofNullable(Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                    .fileKey());
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    private static boolean lock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock() != null;
        } catch (OverlappingFileLockException e) {
            return false;
        }
    }

    /** Gives the file its final name. */
    public void rename() throws IOException {
        Files.move(path, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /** Deletes the file. */
    public void discard() throws IOException {
        // Deleted before closing the channel releases the lock, so that no other run can have begun the file.
        Files.deleteIfExists(path);
        channel.close();
    }
}
