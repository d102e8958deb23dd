package dev.hyaline.engine.tornado;

import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.Device;
import dev.hyaline.engine.tornado.DeviceArrays.Linear;
import java.util.ArrayList;
import java.util.List;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.WorkerGrid2D;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/** How the matrix products of a pass are spread over a device's threads. */
sealed interface DeviceProducts {
    /** System property that forces the kernels, {@code parallel} or {@code tiled}; by default those that suit the device. */
    String PROPERTY = "hyaline.device.kernels";

    /** The ways for a device, that for the fewest rows first. */
    static List<DeviceProducts> of(Device.Kind kind) {
        String byDefault = kind == Device.Kind.GPU ? "tiled" : "parallel";
        String asked = System.getProperty(PROPERTY, byDefault);
        return switch (asked) {
            case "parallel" -> List.of(new Parallel());
            case "tiled" -> List.of(new ByRow(), new Tiled());
            default -> throw new BadInputException(PROPERTY + " must be parallel or tiled, found " + asked);
        };
    }

    /** Rows up to which this way is the one to take. */
    int mostRows();

    /** Adds {@code out = f(in w + bias)} to a graph. */
    void add(TaskGraph graph, String id, DeviceArrays a, FloatArray out, FloatArray in, Linear w, int function);

    /** Adds {@code sums += in w + bias} to a graph. */
    void addSum(TaskGraph graph, String id, DeviceArrays a, FloatArray sums, FloatArray in, Linear w);

    /** Sets the threads for a number of rows. */
    void grid(int rows);

    /** Tells TornadoVM the threads of each task. */
    void register(GridScheduler scheduler);

    /** A column a thread, as TornadoVM divides them: suits processors. */
    final class Parallel implements DeviceProducts {
        @Override
        public int mostRows() {
            return Integer.MAX_VALUE;
        }

        @Override
        public void add(
                TaskGraph graph, String id, DeviceArrays a, FloatArray out, FloatArray in, Linear w, int function) {
            graph.task(id, ParallelKernels::product, out, in, w.weights(), w.biases(), a.step, w.k(), w.n(), function);
        }

        @Override
        public void addSum(TaskGraph graph, String id, DeviceArrays a, FloatArray sums, FloatArray in, Linear w) {
            graph.task(id, ParallelKernels::productAdd, sums, in, w.weights(), w.biases(), a.step, w.k(), w.n());
        }

        @Override
        public void grid(int rows) {
            // TornadoVM's own.
        }

        @Override
        public void register(GridScheduler scheduler) {
            // TornadoVM's own.
        }
    }

    /** Names of tasks and their threads. */
    record Worker(String task, WorkerGrid grid) {}

    /** A column a group of threads. */
    final class ByRow implements DeviceProducts {
        private final KernelContext context = new KernelContext();
        private final List<Worker> workers = new ArrayList<>();

        @Override
        public int mostRows() {
            return TiledKernels.FEW_ROWS;
        }

        @Override
        public void add(
                TaskGraph graph, String id, DeviceArrays a, FloatArray out, FloatArray in, Linear w, int function) {
            graph.task(
                    id,
                    TiledKernels::rowProduct,
                    context,
                    out,
                    in,
                    w.weights(),
                    w.biases(),
                    a.step,
                    w.k(),
                    w.n(),
                    function);
            work(graph, id, w.n());
        }

        @Override
        public void addSum(TaskGraph graph, String id, DeviceArrays a, FloatArray sums, FloatArray in, Linear w) {
            graph.task(
                    id, TiledKernels::rowProductAdd, context, sums, in, w.weights(), w.biases(), a.step, w.k(), w.n());
            work(graph, id, w.n());
        }

        private void work(TaskGraph graph, String id, int columns) {
            WorkerGrid grid = new WorkerGrid1D(Math.multiplyExact(columns, TiledKernels.LANES));
            grid.setLocalWork(TiledKernels.LANES, 1, 1);
            workers.add(new Worker(graph.getTaskGraphName() + "." + id, grid));
        }

        @Override
        public void grid(int rows) {
            // The same for any number.
        }

        @Override
        public void register(GridScheduler scheduler) {
            workers.forEach(worker -> scheduler.addWorkerGrid(worker.task, worker.grid));
        }
    }

    /** A tile of rows and columns a group of threads. */
    final class Tiled implements DeviceProducts {
        private final KernelContext context = new KernelContext();
        private final List<Worker> workers = new ArrayList<>();

        @Override
        public int mostRows() {
            return Integer.MAX_VALUE;
        }

        @Override
        public void add(
                TaskGraph graph, String id, DeviceArrays a, FloatArray out, FloatArray in, Linear w, int function) {
            graph.task(
                    id,
                    TiledKernels::product,
                    context,
                    out,
                    in,
                    w.weights(),
                    w.biases(),
                    a.step,
                    w.k(),
                    w.n(),
                    function);
            work(graph, id, w.n());
        }

        @Override
        public void addSum(TaskGraph graph, String id, DeviceArrays a, FloatArray sums, FloatArray in, Linear w) {
            graph.task(id, TiledKernels::productAdd, context, sums, in, w.weights(), w.biases(), a.step, w.k(), w.n());
            work(graph, id, w.n());
        }

        private void work(TaskGraph graph, String id, int columns) {
            WorkerGrid grid = new WorkerGrid2D(whole(columns), TiledKernels.TILE);
            grid.setLocalWork(TiledKernels.TILE, TiledKernels.TILE, 1);
            workers.add(new Worker(graph.getTaskGraphName() + "." + id, grid));
        }

        @Override
        public void grid(int rows) {
            for (Worker worker : workers) {
                worker.grid.setGlobalWork(worker.grid.getGlobalWork()[0], whole(rows), 1);
            }
        }

        /** Whole tiles: a global size that the local one does not divide is an error that OpenCL only prints. */
        private static int whole(int n) {
            return Math.ceilDiv(n, TiledKernels.TILE) * TiledKernels.TILE;
        }

        @Override
        public void register(GridScheduler scheduler) {
            workers.forEach(worker -> scheduler.addWorkerGrid(worker.task, worker.grid));
        }
    }
}
