package dev.hyaline.engine.internal.parallel;

import dev.hyaline.engine.internal.parallel.WorkerPool.Task;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/** The threads of a {@link WorkerPool} and what they share. It must not refer to the pool, whose garbage ends it. */
final class Workers {
    /** Loops of a pass follow each other within this time; parking in between would cost more than the loops. */
    private static final long SPIN_NANOS = 50_000;

    /** Longs that keep two values off one cache line and off the pair that is fetched together. */
    private static final int LINE = 16;

    /** Set in {@link #members} while a loop accepts workers; the bits below count those inside. */
    private static final int OPEN = 1 << 30;

    private static final Task NOTHING = (worker, index) -> {};

    private final Thread[] workers;
    private final AtomicIntegerArray parked;
    private final AtomicBoolean taken = new AtomicBoolean();
    private final AtomicInteger members = new AtomicInteger();
    /** What each worker still has to do, as {@code first << 32 | end}, each on a cache line of its own. */
    private final AtomicLongArray shares;

    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    /** Counts loops, so that a waiting worker sees that a new one began. */
    private final AtomicInteger loop = new AtomicInteger();

    private volatile boolean closed;
    private Task task = NOTHING;

    Workers(int threads) {
        workers = new Thread[threads - 1];
        parked = new AtomicIntegerArray(threads - 1);
        shares = new AtomicLongArray(threads * LINE);
        for (int i = 0; i < workers.length; i++) {
            int worker = i + 1;
            workers[i] = Thread.ofPlatform().daemon().name("hyaline-" + worker).unstarted(() -> work(worker));
        }
        for (Thread worker : workers) {
            worker.start();
        }
    }

    int threads() {
        return workers.length + 1;
    }

    void run(int count, Task task) {
        if (count <= 1 || workers.length == 0 || closed || !taken.compareAndSet(false, true)) {
            for (int i = 0; i < count; i++) {
                task.run(0, i);
            }
            return;
        }
        try {
            this.task = task;
            deal(count);
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
            this.task = NOTHING;
            taken.set(false);
        }
    }

    void end() {
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

    /**
     * Gives each worker a share of neighbouring indices. Neighbouring tasks write into the same cache lines; were they
     * done by two processors at once, the lines would travel between them, and a pass of 128 tokens takes half as long
     * again where the processors share no cache.
     */
    private void deal(int count) {
        int threads = threads();
        for (int worker = 0; worker < threads; worker++) {
            shares.set(worker * LINE, share((long) count * worker / threads, (long) count * (worker + 1) / threads));
        }
    }

    /** Does a worker's share from the front, then helps with the others' from behind. */
    private void take(int worker) {
        try {
            int threads = threads();
            for (int turn = 0; turn < threads; turn++) {
                int owner = (worker + turn) % threads;
                for (int i = claim(owner, turn == 0); i >= 0; i = claim(owner, turn == 0)) {
                    task.run(worker, i);
                }
            }
        } catch (Throwable thrown) {
            failure.compareAndSet(null, thrown);
            deal(0);
        }
    }

    /** The first or last index of a worker's share, or -1 if nothing is left of it. */
    private int claim(int worker, boolean front) {
        int at = worker * LINE;
        while (true) {
            long share = shares.get(at);
            int first = (int) (share >>> 32);
            int end = (int) share;
            if (first >= end) {
                return -1;
            }
            if (shares.compareAndSet(at, share, front ? share(first + 1, end) : share(first, end - 1))) {
                return front ? first : end - 1;
            }
        }
    }

    private static long share(long first, long end) {
        return first << 32 | end;
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
