package dev.hyaline.engine.internal.backward;

import dev.hyaline.engine.internal.parallel.WorkerPool;

/** Work on each row by itself, shared among the threads. */
final class RowLoop {
    private static final int ROWS_PER_TASK = 16;

    /** What is done with a row. */
    interface Task {
        void run(int row);
    }

    private RowLoop() {}

    static void run(WorkerPool pool, int rows, Task task) {
        pool.run(Math.ceilDiv(rows, ROWS_PER_TASK), (worker, index) -> {
            int end = Math.min(rows, (index + 1) * ROWS_PER_TASK);
            for (int row = index * ROWS_PER_TASK; row < end; row++) {
                task.run(row);
            }
        });
    }
}
