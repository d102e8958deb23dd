package dev.hyaline.instrument.dump;

import dev.hyaline.engine.error.FileException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.error.Remedy;
import dev.hyaline.files.Disk;
import dev.hyaline.files.PartialFile;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A folder that a dump's files appear in whole: written beside their final names, then synced and renamed. The one file
 * of a dump of prompts appears with its manifest; the shards of a corpus appear one by one, with a journal of them
 * until the manifest comes. Closed before that, or when the JVM is told to stop, it takes back what is not whole and
 * leaves what was there. From {@link #open} on, no other run can write to the folder: the manifest's file is begun and
 * locked first. Thread-safe.
 */
public final class DumpFolder implements AutoCloseable {
    /** Name of the file that describes the others; always committed last. */
    public static final String MANIFEST = "manifest.json";

    /** Name of the file that lists the shards that are complete, as long as there is no manifest. */
    static final String JOURNAL = "journal.jsonl";

    private static final Pattern SHARD = Pattern.compile("activations-\\d{5,}\\.safetensors(\\.json)?");

    /** The treatment of a dump that is in the folder already. */
    public enum IfExists {
        /** It stays, and opening the folder fails. */
        REFUSE,
        /** It is replaced: one file once the new one is complete, shards from the start. */
        REPLACE,
        /** A dump of shards is resumed; any other stays, and opening the folder fails. */
        RESUME
    }

    private static final String IN_USE =
            "is being written by another run; wait for it or stop it, or choose another folder";

    private final Path folder;
    private final IfExists ifExists;
    /** Stands between a file and its writer; a test's may fail. */
    private final UnaryOperator<FileChannel> disk;

    private final List<Path> created = new ArrayList<>();
    private final Deque<PartialFile> partials = new ArrayDeque<>();
    private final Thread onExit = new Thread(this::removePartials, "hyaline-dump-cleanup");
    /** There from when the folder is locked until all is committed. */
    private @Nullable PartialFile manifest;
    /** True if the journal lists nothing that would be lost with it. */
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

    /**
     * Checks that a folder can be opened for writing as far as what is in it goes, before any work.
     *
     * @throws FileException if it holds a dump that is to stay, or cannot be made or written to
     */
    public static void requireFree(Path folder, IfExists ifExists) {
        requireWritable(folder);
        boolean unfinished = Files.exists(folder.resolve(JOURNAL));
        for (Path path : existing(folder)) {
            if (Files.isDirectory(path)) {
                throw FileException.occupied(path, "is a folder, where a file is to be written; choose another folder");
            }
            boolean shards = isShard(path) || unfinished;
            switch (ifExists) {
                case REPLACE -> {}
                case REFUSE -> {
                    if (unfinished && isBeingWritten(folder)) {
                        throw FileException.occupied(folder, IN_USE);
                    }
                    throw unfinished
                            ? FileException.occupied(
                                    folder,
                                    "holds a dump that is not finished; go on with it (" + Remedy.RESUME
                                            + "), start over (" + Remedy.REPLACE + ")" + " or choose another folder")
                            : FileException.occupied(
                                    path,
                                    "exists already; choose another folder, or have it replaced (" + Remedy.REPLACE
                                            + ")");
                }
                case RESUME -> {
                    if (!shards && !path.endsWith(MANIFEST) && !path.endsWith(DumpPlan.FILE)) {
                        throw FileException.occupied(
                                path,
                                "exists already, and is of a dump without shards, which cannot be resumed; choose"
                                        + " another folder, or have it replaced (" + Remedy.REPLACE + ")");
                    }
                }
            }
        }
    }

    private static boolean isBeingWritten(Path folder) {
        try {
            return PartialFile.isBeingWritten(folder, MANIFEST);
        } catch (IOException e) {
            throw FileException.reading(folder, e);
        }
    }

    private static void requireWritable(Path folder) {
        Path there = folder.toAbsolutePath();
        while (there != null && !Files.exists(there)) {
            there = there.getParent();
        }
        if (there != null && !Files.isDirectory(there)) {
            throw FileException.writing(folder, new NotDirectoryException(there.toString()));
        }
        if (there != null && !Files.isWritable(there)) {
            throw FileException.writing(folder, new AccessDeniedException(there.toString()));
        }
    }

    /** Files of an earlier dump in a folder; none if there is no such folder. */
    public static List<Path> existing(Path folder) {
        List<Path> existing = new ArrayList<>(Stream.concat(
                        Stream.of(DumpFormat.values()).map(DumpFormat::fileName),
                        Stream.of(JOURNAL, DumpPlan.FILE, MANIFEST))
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
        manifest = partial(MANIFEST);
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
        PartialFile partial = partial(name);
        partials.add(partial);
        return partial.channel();
    }

    /** Gives one file its name, now: what was written to it is durable. */
    synchronized void publish(String name) throws IOException {
        requireOpen();
        PartialFile partial = partials.stream()
                .filter(begun -> begun.target().endsWith(name))
                .findFirst()
                .orElseThrow();
        partial.rename();
        partials.remove(partial);
        partial.channel().close();
        created.clear();
        emptyJournal = false;
        Disk.sync(folder);
    }

    /** Begins a journal, which disappears again with this folder unless a file is published. */
    synchronized FileChannel createJournal() throws IOException {
        requireOpen();
        FileChannel journal =
                FileChannel.open(folder.resolve(JOURNAL), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        emptyJournal = true;
        return disk.apply(journal);
    }

    /** Makes a finished dump of shards an unfinished one, whose journal is there already. */
    synchronized void removeManifest() throws IOException {
        requireOpen();
        Files.delete(folder.resolve(MANIFEST));
        Disk.sync(folder);
    }

    /** Removes the files of an earlier dump. */
    synchronized void clear() throws IOException {
        requireOpen();
        for (Path path : existing(folder)) {
            Files.delete(path);
        }
        Disk.sync(folder);
    }

    /** The manifest's file, begun when the folder was opened and committed last; else as {@link #begin}. */
    synchronized FileChannel manifest() {
        return begunManifest().channel();
    }

    /**
     * Gives all files their names; those of an earlier dump that were not written anew disappear. The earlier manifest
     * goes first and the new one comes last, so that none ever lies beside activations of another dump.
     */
    synchronized void commit() {
        PartialFile begun = begunManifest();
        try {
            for (PartialFile partial : partials) {
                partial.channel().force(true);
            }
            begun.channel().force(true);
            if (Files.deleteIfExists(begun.target())) {
                Disk.sync(folder);
            }
            Set<Path> targets =
                    Set.copyOf(partials.stream().map(PartialFile::target).toList());
            for (Path path : existing(folder)) {
                if (!targets.contains(path)) {
                    Files.delete(path);
                }
            }
            while (!partials.isEmpty()) {
                partials.getFirst().rename();
                partials.removeFirst().channel().close();
            }
            finish(begun);
        } catch (IOException e) {
            throw FileException.writing(folder, e);
        }
    }

    /** Gives the manifest of shards its name. They need their journal no more. */
    synchronized void commitShards() {
        PartialFile begun = begunManifest();
        try {
            begun.channel().force(true);
            finish(begun);
        } catch (IOException e) {
            throw FileException.writing(folder, e);
        }
    }

    private void finish(PartialFile begun) throws IOException {
        begun.rename();
        created.clear();
        Disk.sync(folder);
        Files.deleteIfExists(folder.resolve(JOURNAL));
        // Last, for with it goes the lock on the folder.
        begun.channel().close();
        manifest = null;
    }

    private PartialFile begunManifest() {
        requireOpen();
        return Objects.requireNonNull(manifest);
    }

    private PartialFile partial(String name) {
        Path target = folder.resolve(name);
        try {
            return PartialFile.begin(folder, name, disk).orElseThrow(() -> FileException.occupied(target, IN_USE));
        } catch (IOException e) {
            throw FileException.writing(target, e);
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
            for (PartialFile partial : partials) {
                partial.discard();
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

    @Override
    public String toString() {
        return "dump folder " + folder;
    }
}
