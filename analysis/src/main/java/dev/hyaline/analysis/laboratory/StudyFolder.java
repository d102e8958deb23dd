package dev.hyaline.analysis.laboratory;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.Digests;
import dev.hyaline.files.Disk;
import dev.hyaline.files.PartialFile;
import dev.hyaline.files.PartialFolder;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A study's folder while this process alone writes it. */
final class StudyFolder implements AutoCloseable {
    static final String INPUTS = "inputs.sha256";
    static final String OUTPUTS = "outputs.sha256";
    private static final String LOCK = ".lock";
    static final String JOURNALS = ".cells-";

    private final Path path;
    private final FileChannel lock;

    private StudyFolder(Path path, FileChannel lock) {
        this.path = path;
        this.lock = lock;
    }

    /**
     * Opens a folder, and makes it if it is not there. What a killed run left half-written is deleted.
     *
     * @throws BadInputException if another run is writing it
     */
    static StudyFolder open(Path path) {
        try {
            Files.createDirectories(path);
            FileChannel lock = Disk.open(path.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            if (!tryLock(lock)) {
                lock.close();
                throw new BadInputException(path + " is being written by another run");
            }
            StudyFolder folder = new StudyFolder(path, lock);
            folder.deletePartial();
            return folder;
        } catch (IOException e) {
            throw FileException.writing(path, e);
        }
    }

    private static boolean tryLock(FileChannel channel) throws IOException {
        try {
            @Nullable FileLock lock = channel.tryLock();
            return lock != null;
        } catch (OverlappingFileLockException e) {
            return false;
        }
    }

    private void deletePartial() throws IOException {
        for (Path entry : list(path)) {
            if (name(entry).matches("\\.\\d-[a-z-]+\\.(partial-.*|old)")) {
                deleteTree(entry);
            }
        }
    }

    StudyFiles files() {
        return new StudyFiles(path);
    }

    Path path() {
        return path;
    }

    /** The folder for what a phase keeps until its files are safe. */
    Path journals(String phase) {
        Path folder = path.resolve(JOURNALS + phase);
        try {
            return Files.createDirectories(folder);
        } catch (IOException e) {
            throw FileException.writing(folder, e);
        }
    }

    /** Returns whether a phase has finished with such inputs. */
    boolean isDone(String phase, String inputs) {
        return files().has(phase + "/" + INPUTS)
                && new String(files().bytes(phase + "/" + INPUTS), StandardCharsets.UTF_8).equals(inputs);
    }

    /**
     * Checks that a finished phase's files are those that were written.
     *
     * @throws BadInputException naming the first that is not
     */
    void requireWhole(String phase) {
        Map<String, byte[]> found = contents(phase);
        String listed = new String(files().bytes(phase + "/" + OUTPUTS), StandardCharsets.UTF_8);
        found.remove(INPUTS);
        found.remove(OUTPUTS);
        String now = digests(found);
        if (!now.equals(listed)) {
            List<String> before = listed.lines().toList();
            String changed = now.lines()
                    .filter(line -> !before.contains(line))
                    .findFirst()
                    .or(() ->
                            before.stream().filter(line -> !now.contains(line)).findFirst())
                    .map(line -> line.substring(line.indexOf(' ') + 2))
                    .orElse(OUTPUTS);
            throw new BadInputException(path.resolve(phase).resolve(changed)
                    + " is not what the study wrote: its SHA-256 is not the one in " + OUTPUTS
                    + "; put it back, or begin the study anew");
        }
    }

    /** The files of a phase by name. */
    Map<String, byte[]> contents(String phase) {
        Map<String, byte[]> contents = new TreeMap<>();
        files().names(phase).forEach(name -> contents.put(name, files().bytes(phase + "/" + name)));
        return contents;
    }

    /** The digests of files, a line each, as sha256sum writes them. */
    static String digests(Map<String, byte[]> files) {
        StringBuilder lines = new StringBuilder();
        new TreeMap<>(files)
                .forEach((name, content) -> lines.append(Digests.sha256(content))
                        .append("  ")
                        .append(name)
                        .append('\n'));
        return lines.toString();
    }

    /** Writes a phase's files, which appear together or not at all, and deletes its journals. */
    void commit(String phase, String inputs, Map<String, byte[]> files) {
        Path target = path.resolve(phase).toAbsolutePath();
        try (PartialFolder folder = PartialFolder.begin(target)) {
            folder.write(files);
            Files.writeString(folder.path().resolve(OUTPUTS), digests(files));
            Files.writeString(folder.path().resolve(INPUTS), inputs);
            remove(phase);
            folder.commit();
            deleteTree(path.resolve(JOURNALS + phase));
        } catch (IOException e) {
            throw FileException.writing(target, e);
        }
    }

    /** Removes a phase of other inputs. */
    void remove(String phase) {
        Path folder = path.resolve(phase);
        try {
            if (Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
                // Half a folder must not be taken for a whole one.
                Path old = path.resolve("." + phase + ".old");
                Files.move(folder, old, StandardCopyOption.ATOMIC_MOVE);
                deleteTree(old);
            }
        } catch (IOException e) {
            throw FileException.writing(folder, e);
        }
    }

    /** Removes what an unfinished run of a phase has kept. */
    void removeJournals(String phase) {
        try {
            deleteTree(path.resolve(JOURNALS + phase));
        } catch (IOException e) {
            throw FileException.writing(path, e);
        }
    }

    /** Writes a file of the study that belongs to no phase. */
    void write(String name, byte[] content) {
        try {
            PartialFile.write(path.resolve(name), content);
        } catch (IOException e) {
            throw FileException.writing(path.resolve(name), e);
        }
    }

    /** Moves files and folders of an earlier study into a folder of their own, in the given order. */
    void moveAway(String into, List<String> names) {
        Path target = path.resolve(into);
        try {
            Files.createDirectories(target);
            for (String name : names) {
                if (Files.exists(path.resolve(name), LinkOption.NOFOLLOW_LINKS)) {
                    Files.move(path.resolve(name), target.resolve(name), StandardCopyOption.ATOMIC_MOVE);
                }
            }
            Disk.sync(target);
            Disk.sync(path);
        } catch (IOException e) {
            throw FileException.writing(target, e);
        }
    }

    /** The folders of earlier studies, by name. */
    List<String> earlier(String prefix) {
        try {
            return list(path).stream()
                    .map(StudyFolder::name)
                    .filter(name -> name.startsWith(prefix))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw FileException.reading(path, e);
        }
    }

    private static List<Path> list(Path folder) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return new ArrayList<>(entries.toList());
        }
    }

    private static String name(Path path) {
        return Objects.requireNonNull(path.getFileName()).toString();
    }

    private static void deleteTree(Path path) throws IOException {
        if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
            for (Path entry : list(path)) {
                deleteTree(entry);
            }
        }
        Files.deleteIfExists(path);
    }

    @Override
    public void close() {
        try {
            lock.close();
        } catch (IOException e) {
            throw FileException.writing(path, e);
        }
    }
}
