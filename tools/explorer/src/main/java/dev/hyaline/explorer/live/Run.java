package dev.hyaline.explorer.live;

import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A run of the model that a page asked for: waiting, going on, or ended. Thread-safe. */
final class Run implements RunProgress {
    private final String id;
    private final String page;
    private final CompletableFuture<byte[]> result = new CompletableFuture<>();
    private volatile Step step = new Step(0, 0);

    /**
     * How far a run has come.
     *
     * @param done parts done
     * @param total all parts; 0 where that is not known
     */
    record Step(long done, long total) {}

    Run(String id, String page) {
        this.id = id;
        this.page = page;
    }

    String id() {
        return id;
    }

    /** The page that asked for it; empty if none did. */
    String page() {
        return page;
    }

    Step step() {
        return step;
    }

    boolean hasEnded() {
        return result.isDone();
    }

    @Override
    public void requireWanted() {
        if (result.isCancelled()) {
            throw new RunCancelledException();
        }
    }

    @Override
    public void step(long done, long total) {
        requireWanted();
        step = new Step(done, total);
    }

    void cancel() {
        result.cancel(false);
    }

    void perform(RunTask task) {
        try {
            requireWanted();
            result.complete(task.run(this));
        } catch (RunCancelledException e) {
            result.cancel(false);
        } catch (Throwable failure) { // told to the page; also too little memory
            result.completeExceptionally(failure);
        }
    }

    /** Waits for the end, for some time. */
    boolean awaitEnd(long milliseconds) throws InterruptedException {
        try {
            result.get(milliseconds, TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException | CancellationException e) {
            return true;
        }
    }

    /**
     * Waits for the result.
     *
     * @throws RunCancelledException if it was cancelled
     * @throws ExecutionException with what it threw
     */
    byte[] result() throws InterruptedException, ExecutionException {
        try {
            return result.get();
        } catch (CancellationException e) {
            throw new RunCancelledException();
        }
    }
}
