package dev.hyaline.engine.tornado;

import dev.hyaline.engine.Device;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.tornado.DeviceArrays.Linear;
import java.util.List;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/** A way to spread the work of a pass over a device's threads; each method adds a task to a graph. */
sealed interface KernelForm permits ParallelForm, GroupForm {
    /**
     * System property that forces the kernels, {@code parallel} or {@code tiled}; by default those that suit the
     * device.
     */
    String PROPERTY = "hyaline.device.kernels";

    /** The forms for a device, that for the fewest rows first. */
    static List<KernelForm> of(Device.Kind kind) {
        String byDefault = kind == Device.Kind.GPU ? "tiled" : "parallel";
        String asked = System.getProperty(PROPERTY, byDefault);
        return switch (asked) {
            case "parallel" -> List.of(new ParallelForm());
            case "tiled" -> List.of(GroupForm.fewRows(), GroupForm.manyRows());
            default -> throw new BadInputException(PROPERTY + " must be parallel or tiled, found " + asked);
        };
    }

    /** A task to be added. */
    record Task(TaskGraph graph, String id, DeviceArrays arrays) {
        String name() {
            return graph.getTaskGraphName() + "." + id;
        }
    }

    /**
     * The amount of work of the next graph.
     *
     * @param rows to compute
     * @param tiles of {@link RowField#TILE_ROW}
     * @param columns of the logits
     */
    record Extent(int rows, int tiles, int columns) {}

    /** Rows up to which this form is the one to take. */
    int mostRows();

    /** {@code out = f(in w + bias)}. */
    void product(Task task, FloatArray out, FloatArray in, Linear w, int function);

    /** {@code sums += in w + bias}. */
    void productAdd(Task task, FloatArray sums, FloatArray in, Linear w);

    /** Queries, keys and values. */
    void project(Task task);

    /** The LayerNorm of index {@code layer * norms + norm}, as {@link DeviceArrays} lists them. */
    void norm(Task task, FloatArray in, int norms, int norm);

    void attend(Task task);

    void unembed(Task task);

    /** Sets the threads of every task for what the next graph has to do. */
    void grid(Extent extent);

    /** Tells TornadoVM the threads of each task. */
    void register(GridScheduler scheduler);
}
