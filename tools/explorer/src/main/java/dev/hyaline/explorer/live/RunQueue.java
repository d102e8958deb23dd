package dev.hyaline.explorer.live;

import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The runs that pages ask for: one at a time, and up to eight that wait. */
final class RunQueue implements AutoCloseable {
    static final int MAX_WAITING = 8;

    /** Ended runs whose results can still be had. */
    private static final int KEPT = 8;

    private static final int CLOSING_SECONDS = 10;

    private final AtomicLong ids = new AtomicLong();
    private final Map<String, Run> runs = new ConcurrentHashMap<>();
    private final ConcurrentLinkedDeque<Run> ended = new ConcurrentLinkedDeque<>();
    private final ThreadPoolExecutor executor = new ThreadPoolExecutor(
            1,
            1,
            0,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(MAX_WAITING),
            task -> Thread.ofPlatform().name("hyaline-explorer-run").daemon().unstarted(task));

    /** A run in the queue. */
    private final class QueuedRun implements Runnable {
        private final Run run;
        private final RunTask task;

        QueuedRun(Run run, RunTask task) {
            this.run = run;
            this.task = task;
        }

        @Override
        public void run() {
            run.perform(task);
            end(run);
        }
    }

    /**
     * Puts a run at the queue's end.
     *
     * @param page the page that asks for it; empty if none does
     */
    Run submit(String page, RunTask task) throws QueueFullException {
        Run run = new Run(Long.toString(ids.incrementAndGet()), page);
        runs.put(run.id(), run);
        try {
            executor.execute(new QueuedRun(run, task));
        } catch (RejectedExecutionException e) {
            runs.remove(run.id());
            throw new QueueFullException(MAX_WAITING);
        }
        return run;
    }

    private void end(Run run) {
        ended.add(run);
        while (ended.size() > KEPT) {
            runs.remove(ended.remove().id());
        }
    }

    /** Drops a run whose result was taken. */
    void forget(Run run) {
        runs.remove(run.id());
        ended.remove(run);
    }

    /** A run that has not ended, or has lately. */
    @Nullable
    Run find(String id) {
        return runs.get(id);
    }

    /** Cancels a run, which leaves the queue at once or ends at its next step. */
    void cancel(Run run) {
        run.cancel();
        executor.getQueue().removeIf(task -> task instanceof QueuedRun queued && leaves(queued.run));
    }

    private boolean leaves(Run run) {
        if (!run.hasEnded()) {
            return false;
        }
        end(run);
        return true;
    }

    /** Cancels the runs of a page that is gone. */
    void leave(String page) {
        cancelAll(run -> run.page().equals(page));
    }

    private void cancelAll(Predicate<Run> chosen) {
        runs.values().stream().filter(chosen).filter(run -> !run.hasEnded()).forEach(this::cancel);
    }

    /** Cancels everything, and waits some seconds until the model is no longer used. */
    @Override
    public void close() {
        executor.shutdown();
        cancelAll(run -> true);
        try {
            executor.awaitTermination(CLOSING_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
