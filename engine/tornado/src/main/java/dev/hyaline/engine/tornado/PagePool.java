package dev.hyaline.engine.tornado;

import dev.hyaline.engine.error.BackendUnavailableException;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * The pages of keys and values of a device: which are free, and how many hold each of the others. Thread-safe: caches
 * are let go of by the garbage collector.
 */
final class PagePool {
    private final Deque<Integer> free = new ArrayDeque<>();
    private final int[] holders;

    PagePool(int pages) {
        holders = new int[pages];
        for (int page = 0; page < pages; page++) {
            free.add(page);
        }
    }

    /**
     * A page for one holder.
     *
     * @throws BackendUnavailableException if none is free
     */
    synchronized int take() {
        if (free.isEmpty()) {
            collectGarbage();
        }
        if (free.isEmpty()) {
            throw new BackendUnavailableException(
                    "the device's room for keys and values, " + holders.length * AttentionKernels.PAGE
                            + " positions, is full",
                    "keep fewer caches, or ask for more with -D" + DeviceSizes.POSITIONS_PROPERTY);
        }
        int page = free.remove();
        holders[page] = 1;
        return page;
    }

    /** Caches that nobody has any more fill the device, which the collector does not see. */
    private void collectGarbage() {
        System.gc();
        try {
            for (int tries = 0; tries < 10 && free.isEmpty(); tries++) {
                wait(20);
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** One more holder. */
    synchronized void share(int page) {
        holders[page]++;
    }

    /** One holder less. */
    synchronized void release(int page) {
        if (--holders[page] == 0) {
            free.add(page);
            notifyAll();
        }
    }

    synchronized int free() {
        return free.size();
    }
}
