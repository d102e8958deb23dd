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
 * A file on its way to its name: written beside it under a hidden one, and locked against other processes.
 *
 * @param path of the file as long as it is written
 * @param target the name it takes when it is whole
 * @param channel open for reading and writing; to be closed by whoever began the file
 */
public record PartialFile(Path path, Path target, FileChannel channel) {
    /**
     * Begins a file, empty, which this process alone can write. A link in its place is removed; what it points at stays
     * as it is.
     *
     * @param disk stands between the file and its writer
     * @return empty if another process is writing the file
     */
    public static Optional<PartialFile> begin(Path folder, String name, UnaryOperator<FileChannel> disk)
            throws IOException {
        Path target = folder.resolve(name);
        // The same name each time, so that what a killed run left behind is replaced, not piled up.
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

    /** Writes a whole file, durably: under its name are either these bytes or what was there before. */
    public static void write(Path file, byte[] content) throws IOException {
        Path folder = Objects.requireNonNull(file.toAbsolutePath().getParent(), "a file has a folder");
        PartialFile partial = begin(folder, file.getFileName().toString(), UnaryOperator.identity())
                .orElseThrow(() -> new FileSystemException(file.toString(), null, "another run is writing it"));
        try {
            for (ByteBuffer bytes = ByteBuffer.wrap(content); bytes.hasRemaining(); ) {
                partial.channel.write(bytes);
            }
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
            // Never through a link: what is there already is not created anew.
            return Optional.of(FileChannel.open(
                    path, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE));
        } catch (FileAlreadyExistsException e) {
            return Optional.empty();
        }
    }

    /** Removes what a killed run left, or a link; false if it belongs to a run that goes on. */
    private static boolean removeLeftover(Path path) throws IOException {
        if (Files.isSymbolicLink(path)) {
            Files.deleteIfExists(path);
            return true;
        }
        Optional<Object> file = fileKey(path);
        try (FileChannel channel = Disk.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            if (!lock(channel)) {
                return false;
            }
            // A run that ended between these steps may have given the file its final name: it is not ours then.
            if (file.equals(fileKey(path))) {
                Files.deleteIfExists(path);
            }
            return true;
        } catch (NoSuchFileException e) {
            return true;
        }
    }

    /**
     * What tells a file from another that has its name later; empty where the system knows no such thing, or there is
     * no file. Does not open it: on POSIX systems, to close it again would give up this process's lock on it.
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

    /** Gives the file its name. */
    public void rename() throws IOException {
        Files.move(path, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /** Gives the file up. */
    public void discard() throws IOException {
        // Deleted before the channel is closed, and with it the lock: nobody else can have begun the file.
        Files.deleteIfExists(path);
        channel.close();
    }
}
