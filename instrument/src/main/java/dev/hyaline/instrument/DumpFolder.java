package dev.hyaline.instrument;

import dev.hyaline.engine.HyalineException;
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
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;

/**
 * A folder that a dump's files appear in together: written beside their final names, then synced and renamed by {@link
 * #commit}. Closed before that, or when the JVM is told to stop, it takes back what it wrote and leaves what was there.
 * From {@link #open} on, no other run can write to the folder: the manifest's file is begun and locked first. Thread-safe.
 */
public final class DumpFolder implements AutoCloseable {
    /** Name of the file that describes the others; always committed last. */
    public static final String MANIFEST = "manifest.json";

    private record Partial(Path path, Path target, FileChannel channel) {}

    private final Path folder;
    private final List<Path> created = new ArrayList<>();
    private final Deque<Partial> partials = new ArrayDeque<>();
    private final Thread onExit = new Thread(this::removePartials, "hyaline-dump-cleanup");
    private Partial manifest;
    private boolean over;

    private DumpFolder(Path folder) {
        this.folder = folder;
    }

    /**
     * Opens a folder for writing, which others then cannot, and makes it if need be.
     *
     * @param overwrite whether a dump already there is replaced, once the new one is complete
     * @throws FileException if the folder cannot be made or written to, another run writes to it, or it holds a dump
     *     that is not to be replaced
     */
    public static DumpFolder open(Path folder, boolean overwrite) {
        requireReplaceable(folder, overwrite);
        DumpFolder opened = new DumpFolder(folder);
        Runtime.getRuntime().addShutdownHook(opened.onExit);
        try {
            opened.createFolders();
            opened.lockFolder();
            // Again, for another run may have finished since.
            requireReplaceable(folder, overwrite);
        } catch (IOException e) {
            opened.close();
            throw FileException.writing(folder, e);
        } catch (HyalineException e) {
            opened.close();
            throw e;
        }
        return opened;
    }

    private static void requireReplaceable(Path folder, boolean overwrite) {
        for (Path path : existing(folder)) {
            if (Files.isDirectory(path)) {
                throw FileException.occupied(path, "is a folder, where a file is to be written; choose another folder");
            }
            if (!overwrite) {
                throw FileException.occupied(
                        path, "exists already; choose another folder, or have it replaced (--force)");
            }
        }
    }

    /** Files of an earlier dump in a folder; none if there is no such folder. */
    public static List<Path> existing(Path folder) {
        return Stream.concat(Stream.of(DumpFormat.values()).map(DumpFormat::fileName), Stream.of(MANIFEST))
                .map(folder::resolve)
                .filter(Files::exists)
                .toList();
    }

    private synchronized void createFolders() throws IOException {
        for (Path p = folder.toAbsolutePath(); p != null && !Files.exists(p); p = p.getParent()) {
            created.addFirst(p);
        }
        Files.createDirectories(folder);
    }

    private synchronized void lockFolder() {
        requireOpen();
        manifest = beginLocked(MANIFEST);
    }

    public Path path() {
        return folder;
    }

    /** Bytes that the folder's file system has room for. */
    public long usableSpace() {
        try {
            return Files.getFileStore(folder).getUsableSpace();
        } catch (IOException e) {
            throw FileException.writing(folder, e);
        }
    }

    /**
     * Begins a file, which takes its name when all are committed.
     *
     * @return open for reading and writing, empty; closed by this folder
     * @throws FileException if it cannot be written, or another process is writing it
     */
    synchronized FileChannel begin(String name) {
        requireOpen();
        Partial partial = beginLocked(name);
        partials.add(partial);
        return partial.channel;
    }

    /** The manifest's file, begun when the folder was opened and committed last; else as {@link #begin}. */
    synchronized FileChannel manifest() {
        requireOpen();
        return manifest.channel;
    }

    private Partial beginLocked(String name) {
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
                    return new Partial(path, target, channel);
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

    /**
     * Gives all files their names; those of an earlier dump that were not written anew disappear. The earlier manifest
     * goes first and the new one comes last, so that none ever lies beside activations of another dump.
     */
    synchronized void commit() {
        requireOpen();
        try {
            for (Partial partial : partials) {
                partial.channel.force(true);
            }
            manifest.channel.force(true);
            if (Files.deleteIfExists(manifest.target)) {
                syncFolder();
            }
            Set<Path> targets =
                    Set.copyOf(partials.stream().map(Partial::target).toList());
            for (Path path : existing(folder)) {
                if (!targets.contains(path)) {
                    Files.delete(path);
                }
            }
            while (!partials.isEmpty()) {
                rename(partials.getFirst());
                partials.removeFirst().channel.close();
            }
            rename(manifest);
            created.clear();
            syncFolder();
            // Last, for with it goes the lock on the folder.
            manifest.channel.close();
            manifest = null;
        } catch (IOException e) {
            throw FileException.writing(folder, e);
        }
    }

    private static void rename(Partial partial) throws IOException {
        Files.move(partial.path, partial.target, StandardCopyOption.ATOMIC_MOVE);
    }

    /** Makes the renames themselves durable, where the system can open a folder as a file. */
    private void syncFolder() throws IOException {
        if (System.getProperty("os.name").startsWith("Windows")) {
            return;
        }
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    private void requireOpen() {
        if (over) {
            throw new HyalineException("the dump was stopped before it was complete");
        }
    }

    /** Takes back whatever is not committed. */
    @Override
    public void close() {
        removePartials();
        try {
            Runtime.getRuntime().removeShutdownHook(onExit);
        } catch (IllegalStateException e) {
            // The JVM is already shutting down: the hook runs or has run.
        }
    }

    private synchronized void removePartials() {
        if (over) {
            return;
        }
        over = true;
        if (manifest != null) {
            partials.addLast(manifest);
        }
        try {
            for (Partial partial : partials) {
                // Deleted before the channel is closed, and with it the lock: nobody else can have begun the file.
                Files.deleteIfExists(partial.path);
                partial.channel.close();
            }
            for (Path path : created.reversed()) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            // A file that cannot be removed is hidden and will be reused; a folder that is not empty is no longer ours
            // alone.
        }
    }
}
