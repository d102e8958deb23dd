package dev.hyaline.engine.internal.parallel;

import dev.hyaline.engine.error.BadInputException;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;

/**
 * A fixed set of threads for parallel loops. Which thread runs which task is left open, so a task's result must not
 * depend on it; a loop allocates nothing.
 *
 * <p>One loop runs on the threads at a time. A caller that finds them taken runs its loop alone, which is what
 * concurrent passes want anyway.
 *
 * <p>The threads end when the pool is closed, or is garbage.
 */
public final class WorkerPool implements AutoCloseable {
    /** The body of a loop. */
    @FunctionalInterface
    public interface Task {
        /**
         * Does one part of the loop.
         *
         * @param worker which of the {@link #threads} runs it, for scratch memory
         * @param index from 0 to the loop's count
         */
        void run(int worker, int index);
    }

    /** More threads would only wait for each other, and may exceed what a system allows one process. */
    public static final int MAX_THREADS = 1024;

    private static final Cleaner CLEANER = Cleaner.create();

    private final Workers workers;
    private final Cleaner.Cleanable ending;

    /**
     * A pool of {@code threads} in all, the caller's included.
     *
     * @throws BadInputException if there are none, or more than {@value #MAX_THREADS}
     */
    public WorkerPool(int threads) {
        if (threads < 1 || threads > MAX_THREADS) {
            throw new BadInputException(
                    "threads must be at " + (threads < 1 ? "least 1" : "most " + MAX_THREADS) + ", found " + threads);
        }
        workers = new Workers(threads);
        ending = CLEANER.register(this, workers::end);
    }

    public int threads() {
        return workers.threads();
    }

    /**
     * Runs {@code task} for each index from 0 to {@code count}, and returns when all are done. A task's failure is
     * thrown here. An interrupted caller stays interrupted, and its loop runs to the end.
     */
    public void run(int count, Task task) {
        try {
            workers.run(count, task);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /** Ends the threads; later loops run on their caller alone. */
    @Override
    public void close() {
        ending.clean();
    }
}
