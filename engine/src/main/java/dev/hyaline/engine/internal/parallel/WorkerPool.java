package dev.hyaline.engine.internal.parallel;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * A fixed set of threads for parallel loops. Which thread runs which task is left open, so a task's result must not depend on it; a loop allocates nothing.
 *
 * <p>One loop runs on the threads at a time. A caller that finds them taken runs its loop alone, which is what concurrent passes want anyway.
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

    /** Loops of a pass follow each other within this time; parking in between would cost more than the loops. */
    private static final long SPIN_NANOS = 50_000;

    /** Set in {@link #members} while a loop accepts workers; the bits below count those inside. */
    private static final int OPEN = 1 << 30;

    private final Thread[] workers;
    private final AtomicIntegerArray parked;
    private final AtomicBoolean taken = new AtomicBoolean();
    private final AtomicInteger members = new AtomicInteger();
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    /** Counts loops, so that a waiting worker sees that a new one began. */
    private final AtomicInteger loop = new AtomicInteger();

    private volatile boolean closed;
    private Task task;
    private int count;

    /** A pool of {@code threads} in all, the caller's included. */
    public WorkerPool(int threads) {
        workers = new Thread[threads - 1];
        parked = new AtomicIntegerArray(threads - 1);
        for (int i = 0; i < workers.length; i++) {
            int worker = i + 1;
            workers[i] = Thread.ofPlatform().daemon().name("hyaline-" + worker).unstarted(() -> work(worker));
        }
        for (Thread worker : workers) {
            worker.start();
        }
    }

    public int threads() {
        return workers.length + 1;
    }

    /** Runs {@code task} for each index from 0 to {@code count}, and returns when all are done. A task's failure is thrown here. */
    public void run(int count, Task task) {
        if (count <= 1 || workers.length == 0 || closed || !taken.compareAndSet(false, true)) {
            for (int i = 0; i < count; i++) {
                task.run(0, i);
            }
            return;
        }
        try {
            this.task = task;
            this.count = count;
            next.set(0);
            members.set(OPEN);
            loop.incrementAndGet();
            for (int i = 0; i < workers.length; i++) {
                if (parked.get(i) != 0) {
                    LockSupport.unpark(workers[i]);
                }
            }
            take(0);
            awaitMembers();
            Throwable thrown = failure.getAndSet(null);
            if (thrown != null) {
                throw rethrow(thrown);
            }
        } finally {
            this.task = null;
            taken.set(false);
        }
    }

    /** Ends the threads; later loops run on their caller alone. */
    @Override
    public void close() {
        closed = true;
        for (Thread worker : workers) {
            LockSupport.unpark(worker);
        }
    }

    private void work(int worker) {
        int seen = 0;
        while (!closed) {
            int current = awaitLoop(seen, worker);
            if (join()) {
                take(worker);
                members.decrementAndGet();
            }
            seen = current;
        }
    }

    /** Claims indices until none is left. */
    private void take(int worker) {
        try {
            for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
                task.run(worker, i);
            }
        } catch (Throwable thrown) {
            failure.compareAndSet(null, thrown);
            next.set(count);
        }
    }

    private boolean join() {
        int now = members.get();
        while (now >= OPEN) {
            if (members.compareAndSet(now, now + 1)) {
                return true;
            }
            now = members.get();
        }
        return false;
    }

    /** Closes the loop to latecomers and waits for those inside. */
    private void awaitMembers() {
        int inside = members.addAndGet(-OPEN);
        long deadline = System.nanoTime() + SPIN_NANOS;
        while (inside > 0) {
            if (System.nanoTime() < deadline) {
                Thread.onSpinWait();
            } else {
                // A worker that lost its processor needs ours more than a spinning caller does.
                LockSupport.parkNanos(SPIN_NANOS);
            }
            inside = members.get();
        }
    }

    private int awaitLoop(int seen, int worker) {
        long deadline = System.nanoTime() + SPIN_NANOS;
        while (loop.get() == seen && !closed) {
            if (System.nanoTime() < deadline) {
                Thread.onSpinWait();
                continue;
            }
            parked.set(worker - 1, 1);
            if (loop.get() == seen && !closed) {
                LockSupport.park(this);
            }
            parked.set(worker - 1, 0);
        }
        return loop.get();
    }

    private static RuntimeException rethrow(Throwable thrown) {
        if (thrown instanceof Error error) {
            throw error;
        }
        return (RuntimeException) thrown;
    }
}
