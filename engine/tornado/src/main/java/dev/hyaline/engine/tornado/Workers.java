package dev.hyaline.engine.tornado;

import dev.hyaline.engine.tornado.KernelForm.Extent;
import dev.hyaline.engine.tornado.KernelForm.Task;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid2D;

/** The threads of tasks whose kernels name theirs: groups of one size, in two dimensions, as many as there is to do. */
final class Workers {
    private record Worker(String task, WorkerGrid grid, ToIntFunction<Extent> across, ToIntFunction<Extent> down) {}

    private final int width;
    private final int height;
    private final List<Worker> workers = new ArrayList<>();

    /**
     * Groups of a size.
     *
     * @param width threads across
     * @param height threads down
     */
    Workers(int width, int height) {
        this.width = width;
        this.height = height;
    }

    /** A task with so many groups across and down. */
    void add(Task task, ToIntFunction<Extent> across, ToIntFunction<Extent> down) {
        WorkerGrid grid = new WorkerGrid2D(width, height);
        grid.setLocalWork(width, height, 1);
        workers.add(new Worker(task.name(), grid, across, down));
    }

    /** Whole groups: a global size that the local one does not divide is an error that OpenCL only prints. */
    void grid(Extent extent) {
        for (Worker worker : workers) {
            worker.grid.setGlobalWork(
                    Math.multiplyExact(width, Math.max(1, worker.across.applyAsInt(extent))),
                    Math.multiplyExact(height, Math.max(1, worker.down.applyAsInt(extent))),
                    1);
        }
    }

    void register(GridScheduler scheduler) {
        workers.forEach(worker -> scheduler.addWorkerGrid(worker.task, worker.grid));
    }
}
