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
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A folder that a dump's files appear in whole: written beside their final names, then synced and renamed. The one file
 * of a dump of prompts appears with its manifest; the shards of a corpus appear one by one, with a journal of them until
 * the manifest comes. Closed before that, or when the JVM is told to stop, it takes back what is not whole and leaves what
 * was there. From {@link #open} on, no other run can write to the folder: the manifest's file is begun and locked first.
 * Thread-safe.
 */
public final class DumpFolder implements AutoCloseable {
    /** Name of the file that describes the others; always committed last. */
    public static final String MANIFEST = "manifest.json";

    /** Name of the file that lists the shards that are complete, as long as there is no manifest. */
    static final String JOURNAL = "journal.jsonl";

    private static final Pattern SHARD = Pattern.compile("activations-\\d{5,}\\.safetensors");

    /** What becomes of a dump that is in the folder already. */
    public enum IfExists {
        /** It stays, and opening the folder fails. */
        REFUSE,
        /** It is replaced: one file once the new one is complete, shards from the start. */
        REPLACE,
        /** If it is one of shards, it is gone on with; any other stays, and opening the folder fails. */
        RESUME
    }

    private record Partial(Path path, Path target, FileChannel channel) {}

    private final Path folder;
    private final IfExists ifExists;
    /** Stands between a file and its writer; a test's may fail. */
    private final UnaryOperator<FileChannel> disk;

    private final List<Path> created = new ArrayList<>();
    private final Deque<Partial> partials = new ArrayDeque<>();
    private final Thread onExit = new Thread(this::removePartials, "hyaline-dump-cleanup");
    private Partial manifest;
    /** Whether the journal lists nothing that would be lost with it. */
    private boolean emptyJournal;

    private boolean over;

    private DumpFolder(Path folder, IfExists ifExists, UnaryOperator<FileChannel> disk) {
        this.folder = folder;
        this.ifExists = ifExists;
        this.disk = disk;
    }

    /**
     * Opens a folder for writing, which others then cannot, and makes it if need be.
     *
     * @throws FileException if the folder cannot be made or written to, another run writes to it, or it holds a dump
     *     that is to stay
     */
    public static DumpFolder open(Path folder, IfExists ifExists) {
        return open(folder, ifExists, UnaryOperator.identity());
    }

    static DumpFolder open(Path folder, IfExists ifExists, UnaryOperator<FileChannel> disk) {
        requireFree(folder, ifExists);
        DumpFolder opened = new DumpFolder(folder, ifExists, disk);
        Runtime.getRuntime().addShutdownHook(opened.onExit);
        try {
            opened.createFolders();
            opened.lockFolder();
            // Again, for another run may have finished since.
            requireFree(folder, ifExists);
        } catch (IOException e) {
            opened.close();
            throw FileException.writing(folder, e);
        } catch (HyalineException e) {
            opened.close();
            throw e;
        }
        return opened;
    }

    private static void requireFree(Path folder, IfExists ifExists) {
        boolean unfinished = Files.exists(folder.resolve(JOURNAL));
        for (Path path : existing(folder)) {
            if (Files.isDirectory(path)) {
                throw FileException.occupied(path, "is a folder, where a file is to be written; choose another folder");
            }
            boolean shards = isShard(path) || unfinished;
            switch (ifExists) {
                case REPLACE -> {}
                case REFUSE ->
                    throw unfinished
                            ? FileException.occupied(
                                    folder,
                                    "holds a dump that is not finished; go on with it (--resume), start over (--force)"
                                            + " or choose another folder")
                            : FileException.occupied(
                                    path, "exists already; choose another folder, or have it replaced (--force)");
                case RESUME -> {
                    if (!shards && !path.endsWith(MANIFEST)) {
                        throw FileException.occupied(
                                path,
                                "exists already, and is of a dump without shards, which cannot be resumed; choose"
                                        + " another folder, or have it replaced (--force)");
                    }
                }
            }
        }
    }

    /** Files of an earlier dump in a folder; none if there is no such folder. */
    public static List<Path> existing(Path folder) {
        List<Path> existing = new ArrayList<>(
                Stream.concat(Stream.of(DumpFormat.values()).map(DumpFormat::fileName), Stream.of(JOURNAL, MANIFEST))
                        .map(folder::resolve)
                        .filter(Files::exists)
                        .toList());
        if (Files.isDirectory(folder)) {
            try (Stream<Path> files = Files.list(folder)) {
                files.filter(DumpFolder::isShard).sorted().forEach(existing::add);
            } catch (IOException e) {
                throw FileException.reading(folder, e);
            }
        }
        return List.copyOf(existing);
    }

    private static boolean isShard(Path path) {
        return SHARD.matcher(path.getFileName().toString()).matches();
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

    IfExists ifExists() {
        return ifExists;
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

    /** Gives one file its name, now: what was written to it is durable. */
    synchronized void publish(String name) throws IOException {
        requireOpen();
        Partial partial = partials.stream()
                .filter(begun -> begun.target.endsWith(name))
                .findFirst()
                .orElseThrow();
        rename(partial);
        partials.remove(partial);
        partial.channel.close();
        created.clear();
        emptyJournal = false;
        syncFolder();
    }

    /** Begins a journal, which disappears again with this folder unless a file is published. */
    synchronized FileChannel createJournal() throws IOException {
        requireOpen();
        emptyJournal = true;
        FileChannel journal =
                FileChannel.open(folder.resolve(JOURNAL), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        return disk.apply(journal);
    }

    /** Removes the files of an earlier dump. */
    synchronized void clear() throws IOException {
        requireOpen();
        for (Path path : existing(folder)) {
            Files.delete(path);
        }
        syncFolder();
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
                    return new Partial(path, target, disk.apply(channel));
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
            finish();
        } catch (IOException e) {
            throw FileException.writing(folder, e);
        }
    }

    /** Gives the manifest of shards its name. They need their journal no more. */
    synchronized void commitShards() {
        requireOpen();
        try {
            manifest.channel.force(true);
            finish();
        } catch (IOException e) {
            throw FileException.writing(folder, e);
        }
    }

    private void finish() throws IOException {
        rename(manifest);
        created.clear();
        syncFolder();
        Files.deleteIfExists(folder.resolve(JOURNAL));
        // Last, for with it goes the lock on the folder.
        manifest.channel.close();
        manifest = null;
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
            if (emptyJournal) {
                Files.deleteIfExists(folder.resolve(JOURNAL));
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
