package dev.hyaline.files;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * A folder that is being filled under a hidden name beside its final one, and deleted if it is closed, or the JVM is
 * stopped, before it is committed. It holds files but no folders.
 */
public final class PartialFolder implements AutoCloseable {
    /** Folders of killed runs beside which another one is created. */
    private static final int MAX_LEFT = 1000;

    private final Path path;
    private final Path target;
    private final Thread onExit = new Thread(this::delete, "hyaline-folder-cleanup");

    private PartialFolder(Path path, Path target) {
        this.path = path;
        this.target = target;
    }

    /**
     * Begins a folder, and creates its parent if necessary.
     *
     * @param target absolute; must not exist, or be an empty folder, when the new one is committed
     */
    public static PartialFolder begin(Path target) throws IOException {
        Disk.createParent(target);
        PartialFolder folder = new PartialFolder(create(target), target);
        Runtime.getRuntime().addShutdownHook(folder.onExit);
        return folder;
    }

    /**
     * Creates the hidden folder, under a number of its own if one is there: in containers, each run may have the number
     * of the process that was killed.
     */
    private static Path create(Path target) throws IOException {
        String name = "." + target.getFileName() + ".partial-"
                + ProcessHandle.current().pid();
        for (int number = 1; ; number++) {
            try {
                return Files.createDirectory(target.resolveSibling(number == 1 ? name : name + "-" + number));
            } catch (FileAlreadyExistsException e) {
                if (number == MAX_LEFT) {
                    throw e;
                }
            }
        }
    }

    /** The folder while it is being filled. */
    public Path path() {
        return path;
    }

    /**
     * Writes files.
     *
     * @param files content by name
     * @throws FileAlreadyExistsException if one of a name is there
     */
    public void write(Map<String, byte[]> files) throws IOException {
        for (Map.Entry<String, byte[]> file : files.entrySet()) {
            Files.write(path.resolve(file.getKey()), file.getValue(), StandardOpenOption.CREATE_NEW);
        }
    }

    /** Makes all files durable, and gives the folder its final name. */
    public void commit() throws IOException {
        for (Path file : files()) {
            Disk.sync(file);
        }
        Disk.sync(path);
        Files.move(path, target, StandardCopyOption.ATOMIC_MOVE);
        Disk.sync(Objects.requireNonNull(target.getParent()));
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(path)) {
            return files.toList();
        }
    }

    /** Deletes the folder unless it is committed. */
    @Override
    public void close() {
        delete();
        try {
            Runtime.getRuntime().removeShutdownHook(onExit);
        } catch (IllegalStateException e) {
            // The JVM is already shutting down: the hook runs or has run.
        }
    }

    private void delete() {
        try {
            if (Files.isDirectory(path)) {
                for (Path file : files()) {
                    Files.deleteIfExists(file);
                }
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            // A file that cannot be removed stays under a hidden name that says it is partial.
        }
    }
}
