package dev.hyaline.instrument.internal;

import dev.hyaline.files.FileLayout;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Writes to files while its caller computes: pieces on one thread, what completes a file (checksum, sync) on another.
 * It holds a fixed number of buffers; who is ahead of the disk waits for one. After a failure nothing more is written,
 * and the caller hears of it at its next call. Used by one thread.
 */
public final class BackgroundWriter implements AutoCloseable {
    private static final int BUFFERS = 16;
    private static final int BUFFER_BYTES = 1 << 20;
    /** Files that may wait for their completion. */
    private static final int COMPLETING = 2;

    /** Work on a file. */
    @FunctionalInterface
    public interface Task {
        void run() throws IOException;
    }

    private final BlockingQueue<ByteBuffer> free = new ArrayBlockingQueue<>(BUFFERS);
    private final Semaphore completing = new Semaphore(COMPLETING);
    private final ExecutorService writes = thread("hyaline-dump-write");
    private final ExecutorService completions = thread("hyaline-dump-complete");
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    /** Buffers made so far: a small dump needs few. */
    private int made;

    private static ExecutorService thread(String name) {
        return Executors.newSingleThreadExecutor(
                Thread.ofPlatform().name(name).daemon().factory());
    }

    /** An empty buffer, little-endian, to be filled and given to {@link #write}. Waits until there is one. */
    public ByteBuffer buffer() throws IOException {
        requireSound();
        ByteBuffer buffer = free.poll();
        if (buffer == null && made < BUFFERS) {
            made++;
            buffer = ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        }
        if (buffer == null) {
            buffer = await(free::take);
        }
        return buffer.clear();
    }

    /** Writes a buffer, from its begin to its position, to a place in a file. */
    public void write(FileChannel channel, long position, ByteBuffer buffer) throws IOException {
        requireSound();
        writes.execute(() -> {
            attempt(() -> FileLayout.writeFully(channel, buffer.flip(), position));
            free.add(buffer);
        });
    }

    /** Runs what completes a file, after all that was given to {@link #write} so far. Completions come one by one. */
    public void complete(Task task) throws IOException {
        requireSound();
        await(() -> {
            completing.acquire();
            return true;
        });
        writes.execute(() -> completions.execute(() -> {
            attempt(task);
            completing.release();
        }));
    }

    private void attempt(Task task) {
        if (failure.get() != null) {
            return;
        }
        try {
            task.run();
        } catch (Throwable e) {
            failure.compareAndSet(null, e);
        }
    }

    /** Waits until everything is written and complete. */
    public void finish() throws IOException {
        await(() -> {
            // Each acquired permit stands for a completion that is over.
            completing.acquire(COMPLETING);
            completing.release(COMPLETING);
            return true;
        });
        requireSound();
    }

    private interface Waiting<T> {
        T get() throws InterruptedException;
    }

    private static <T> T await(Waiting<T> waiting) throws IOException {
        try {
            return waiting.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while waiting for the disk", e);
        }
    }

    private void requireSound() throws IOException {
        switch (failure.get()) {
            case null -> {}
            case IOException e -> throw e;
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            case Throwable e -> throw new IOException(e);
        }
    }

    /** Gives up what is not written yet and ends the threads. */
    @Override
    public void close() {
        failure.compareAndSet(null, new IOException("the writer is closed"));
        writes.shutdown();
        try {
            boolean ended = writes.awaitTermination(1, TimeUnit.MINUTES);
            completions.shutdown();
            if (!ended || !completions.awaitTermination(1, TimeUnit.MINUTES)) {
                writes.shutdownNow();
                completions.shutdownNow();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
