package dev.hyaline.engine.tornado;

import dev.hyaline.engine.tornado.DeviceArrays.Linear;
import java.util.function.ToIntFunction;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task12;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task8;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.Task9;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Groups of threads that work together, for GPUs: the kernels, and the grid of groups for each. */
final class GroupForm implements KernelForm {
    /** Rows up to which the weights are read once for each sooner than a tile is filled. */
    private static final int FEW_ROWS = 4;

    /** Bytes of local memory that every GPU has. */
    private static final int LOCAL_MEMORY = 32 << 10;

    /** The kernels that differ with the number of rows; tiled ones share a tile in local memory. */
    private record Kernels(
            boolean tiled,
            Task9<KernelContext, FloatArray, FloatArray, FloatArray, FloatArray, IntArray, Integer, Integer, Integer>
                    product,
            Task8<KernelContext, FloatArray, FloatArray, FloatArray, FloatArray, IntArray, Integer, Integer> productAdd,
            Task8<KernelContext, FloatArray, FloatArray, FloatArray, FloatArray, IntArray, Integer, Integer> project,
            Task12<
                            KernelContext,
                            FloatArray,
                            FloatArray,
                            FloatArray,
                            FloatArray,
                            FloatArray,
                            IntArray,
                            IntArray,
                            IntArray,
                            Integer,
                            Integer,
                            Integer>
                    attend,
            Task8<KernelContext, FloatArray, FloatArray, FloatArray, FloatArray, IntArray, IntArray, Integer>
                    unembed) {}

    private static final Kernels OF_FEW_ROWS = new Kernels(
            false,
            GroupKernels::product,
            GroupKernels::productAdd,
            GroupKernels::project,
            GroupKernels::attend,
            GroupKernels::unembed);

    private static final Kernels OF_TILES = new Kernels(
            true,
            TiledKernels::product,
            TiledKernels::productAdd,
            TiledKernels::project,
            TiledKernels::attend,
            TiledKernels::unembed);

    private final KernelContext context = new KernelContext();
    private final Kernels kernels;
    private final int mostRows;
    private final int columnsPerGroup;
    private final int rowsPerGroup;
    /** Groups of the kernels that differ. */
    private final Workers groups;
    /** Groups of a row, or a row's head, which suit any number of rows. */
    private final Workers rows = new Workers(GroupKernels.LANES, 1);

    private GroupForm(Kernels kernels, int mostRows, int columnsPerGroup, int rowsPerGroup, Workers groups) {
        this.kernels = kernels;
        this.mostRows = mostRows;
        this.columnsPerGroup = columnsPerGroup;
        this.rowsPerGroup = rowsPerGroup;
        this.groups = groups;
    }

    /** A group of threads a column of a product: {@link GroupKernels}, for steps of a token or few. */
    static GroupForm fewRows() {
        return new GroupForm(OF_FEW_ROWS, FEW_ROWS, 1, FEW_ROWS, new Workers(GroupKernels.LANES, 1));
    }

    /** A group of threads a tile of rows and columns: {@link TiledKernels}, for prefill. */
    static GroupForm manyRows() {
        int tile = TiledKernels.TILE;
        return new GroupForm(OF_TILES, Integer.MAX_VALUE, tile, tile, new Workers(tile, tile));
    }

    @Override
    public int mostRows() {
        return mostRows;
    }

    /** A task whose groups cover so many columns of every row. */
    private void groupsOver(Task task, ToIntFunction<Extent> columns) {
        groups.add(
                task,
                extent -> Math.ceilDiv(columns.applyAsInt(extent), columnsPerGroup),
                extent -> Math.ceilDiv(extent.rows(), rowsPerGroup));
    }

    @Override
    public void product(Task task, FloatArray out, FloatArray in, Linear w, int function) {
        task.graph()
                .task(
                        task.id(),
                        kernels.product,
                        context,
                        out,
                        in,
                        w.weights(),
                        w.biases(),
                        task.arrays().step,
                        w.k(),
                        w.n(),
                        function);
        groupsOver(task, extent -> w.n());
    }

    @Override
    public void productAdd(Task task, FloatArray sums, FloatArray in, Linear w) {
        task.graph()
                .task(
                        task.id(),
                        kernels.productAdd,
                        context,
                        sums,
                        in,
                        w.weights(),
                        w.biases(),
                        task.arrays().step,
                        w.k(),
                        w.n());
        groupsOver(task, extent -> w.n());
    }

    @Override
    public void project(Task task) {
        DeviceArrays a = task.arrays();
        int d = a.config.dModel();
        task.graph()
                .task(
                        task.id(),
                        kernels.project,
                        context,
                        a.qkv,
                        a.normed,
                        a.projection.weights(),
                        a.projection.biases(),
                        a.step,
                        d,
                        a.sizes.rows());
        groupsOver(task, extent -> 3 * d);
    }

    @Override
    public void norm(Task task, FloatArray in, int norms, int norm) {
        DeviceArrays a = task.arrays();
        task.graph()
                .task(
                        task.id(),
                        GroupKernels::norm,
                        context,
                        a.normed,
                        a.scales,
                        in,
                        a.gains,
                        a.biases,
                        a.step,
                        a.config.dModel(),
                        norms,
                        norm,
                        a.config.eps());
        rows.add(task, Extent::rows, extent -> 1);
    }

    @Override
    public void attend(Task task) {
        DeviceArrays a = task.arrays();
        int heads = a.config.nHeads();
        int dHead = a.config.dHead();
        boolean tiled = kernels.tiled && TiledKernels.attentionBytes(dHead) <= LOCAL_MEMORY;
        task.graph()
                .task(
                        task.id(),
                        tiled ? OF_TILES.attend : OF_FEW_ROWS.attend,
                        context,
                        a.z,
                        a.qkv,
                        a.keyPages,
                        a.valuePages,
                        a.attentionScales,
                        a.pages,
                        a.rows,
                        a.step,
                        heads,
                        dHead,
                        a.sizes.pages());
        if (tiled) {
            groups.add(task, extent -> heads, Extent::tiles);
        } else {
            rows.add(task, extent -> heads, Extent::rows);
        }
    }

    @Override
    public void unembed(Task task) {
        DeviceArrays a = task.arrays();
        task.graph()
                .task(
                        task.id(),
                        kernels.unembed,
                        context,
                        a.logits,
                        a.normed,
                        a.unembedding,
                        a.unembeddingBias,
                        a.columns,
                        a.step,
                        a.config.dModel());
        groupsOver(task, Extent::columns);
    }

    @Override
    public void grid(Extent extent) {
        groups.grid(extent);
        rows.grid(extent);
    }

    @Override
    public void register(GridScheduler scheduler) {
        groups.register(scheduler);
        rows.register(scheduler);
    }
}
