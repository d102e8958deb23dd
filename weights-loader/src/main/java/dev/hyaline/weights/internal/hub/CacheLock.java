package dev.hyaline.weights.internal.hub;

import dev.hyaline.files.Disk;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A lock that one thread of one process holds. The operating system frees it when the process ends, however it does.
 */
final class CacheLock implements AutoCloseable {
    /** The files locked by this process, because the system's locks do not distinguish its threads. */
    private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

    private static final long POLL_MILLIS = 50;

    private final Path file;
    private final FileChannel channel;

    private CacheLock(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /**
     * Waits for a lock and takes it.
     *
     * @param waiting is told once, if somebody else holds it
     */
    static CacheLock take(Path file, Runnable waiting) throws IOException {
        Disk.createParent(file);
        boolean told = false;
        while (true) {
            if (HELD.add(file)) {
                Optional<CacheLock> lock = tryTake(file);
                if (lock.isPresent()) {
                    return lock.get();
                }
            }
            if (!told) {
                waiting.run();
                told = true;
            }
            try {
                Thread.sleep(POLL_MILLIS);
            } catch (InterruptedException e) {
                throw Wire.interrupted(e);
            }
        }
    }

    /** Takes a lock that no thread of this process has; empty if another process has it. */
    private static Optional<CacheLock> tryTake(Path file) throws IOException {
        FileChannel channel = null;
        boolean taken = false;
        try {
            channel = Disk.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            FileLock lock = channel.tryLock();
            taken = lock != null;
            return taken ? Optional.of(new CacheLock(file, channel)) : Optional.empty();
        } catch (OverlappingFileLockException e) {
            return Optional.empty(); // This process has it by another name of the file.
        } finally {
            if (!taken) {
                if (channel != null) {
                    channel.close();
                }
                HELD.remove(file);
            }
        }
    }

    @Override
    public void close() throws IOException {
        try {
            channel.close();
        } finally {
            HELD.remove(file);
        }
    }
}
