package dev.hyaline.files;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * A folder on its way to its name: filled beside it under a hidden one, and gone again if it is closed, or the JVM told
 * to stop, before it is committed. It holds files, no folders.
 */
public final class PartialFolder implements AutoCloseable {
    private final Path path;
    private final Path target;
    private final Thread onExit = new Thread(this::delete, "hyaline-folder-cleanup");

    private PartialFolder(Path path, Path target) {
        this.path = path;
        this.target = target;
    }

    /**
     * Begins a folder, and makes the one that it is to lie in if need be.
     *
     * @param target absolute; must not exist, or be an empty folder, when the new one is committed
     */
    public static PartialFolder begin(Path target) throws IOException {
        Files.createDirectories(target.getParent());
        String name = "." + target.getFileName() + ".partial-"
                + ProcessHandle.current().pid();
        PartialFolder folder = new PartialFolder(Files.createDirectory(target.resolveSibling(name)), target);
        Runtime.getRuntime().addShutdownHook(folder.onExit);
        return folder;
    }

    /** The folder as long as it is filled. */
    public Path path() {
        return path;
    }

    /** Gives the folder its name, once all in it is durable. */
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

    /** Takes back what is not committed. */
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
            // What cannot be removed is hidden and named as partial.
        }
    }
}
