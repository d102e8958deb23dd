package dev.hyaline.engine.tornado;

import dev.hyaline.engine.tornado.DeviceArrays.Linear;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/** A tile of rows and columns a group of threads: {@link TiledKernels}, for prefill on GPUs. */
final class ManyRowsForm implements KernelForm {
    /** Bytes of local memory that every GPU has. */
    private static final int LOCAL_MEMORY = 32 << 10;

    private final KernelContext context = new KernelContext();
    private final Workers tiles = new Workers(TiledKernels.TILE, TiledKernels.TILE);
    private final Workers rows = new Workers(GroupKernels.LANES, 1);

    @Override
    public int mostRows() {
        return Integer.MAX_VALUE;
    }

    @Override
    public void product(Task task, FloatArray out, FloatArray in, Linear w, int function) {
        task.graph()
                .task(
                        task.id(),
                        TiledKernels::product,
                        context,
                        out,
                        in,
                        w.weights(),
                        w.biases(),
                        task.arrays().step,
                        w.k(),
                        w.n(),
                        function);
        tiles.add(task, extent -> tiles(w.n()), extent -> tiles(extent.rows()));
    }

    @Override
    public void productAdd(Task task, FloatArray sums, FloatArray in, Linear w) {
        task.graph()
                .task(
                        task.id(),
                        TiledKernels::productAdd,
                        context,
                        sums,
                        in,
                        w.weights(),
                        w.biases(),
                        task.arrays().step,
                        w.k(),
                        w.n());
        tiles.add(task, extent -> tiles(w.n()), extent -> tiles(extent.rows()));
    }

    @Override
    public void project(Task task) {
        DeviceArrays a = task.arrays();
        int d = a.config.dModel();
        task.graph()
                .task(
                        task.id(),
                        TiledKernels::project,
                        context,
                        a.qkv,
                        a.normed,
                        a.projection.weights(),
                        a.projection.biases(),
                        a.step,
                        d,
                        a.sizes.rows());
        tiles.add(task, extent -> tiles(3 * d), extent -> tiles(extent.rows()));
    }

    @Override
    public void norm(Task task, FloatArray in, int norms, int norm) {
        FewRowsForm.norm(task, context, rows, in, norms, norm);
    }

    @Override
    public void attend(Task task) {
        DeviceArrays a = task.arrays();
        int dHead = a.config.dHead();
        if (TiledKernels.attentionBytes(dHead) > LOCAL_MEMORY) {
            FewRowsForm.attend(task, context, rows);
            return;
        }
        task.graph()
                .task(
                        task.id(),
                        TiledKernels::attend,
                        context,
                        a.z,
                        a.qkv,
                        a.keyPages,
                        a.valuePages,
                        a.attentionScales,
                        a.pages,
                        a.rows,
                        a.step,
                        a.config.nHeads(),
                        dHead,
                        a.sizes.pages());
        tiles.add(task, extent -> a.config.nHeads(), Extent::tiles);
    }

    @Override
    public void unembed(Task task) {
        DeviceArrays a = task.arrays();
        task.graph()
                .task(
                        task.id(),
                        TiledKernels::unembed,
                        context,
                        a.logits,
                        a.normed,
                        a.unembedding,
                        a.unembeddingBias,
                        a.columns,
                        a.step,
                        a.config.dModel());
        tiles.add(task, extent -> tiles(extent.columns()), extent -> tiles(extent.rows()));
    }

    private static int tiles(int n) {
        return Math.ceilDiv(n, TiledKernels.TILE);
    }

    @Override
    public void grid(Extent extent) {
        tiles.grid(extent);
        rows.grid(extent);
    }

    @Override
    public void register(GridScheduler scheduler) {
        tiles.register(scheduler);
        rows.register(scheduler);
    }
}
