package dev.hyaline.engine.tornado;

import dev.hyaline.engine.tornado.DeviceArrays.Linear;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/**
 * A group of threads a column of a product, a row of a norm, a row's head of attention: {@link GroupKernels}, for steps
 * of a token or few on GPUs.
 */
final class FewRowsForm implements KernelForm {
    /** Rows up to which the weights are read once for each sooner than a tile is filled. */
    private static final int FEW_ROWS = 4;

    private final KernelContext context = new KernelContext();
    private final Workers workers = new Workers(GroupKernels.LANES, 1);

    @Override
    public int mostRows() {
        return FEW_ROWS;
    }

    @Override
    public void product(Task task, FloatArray out, FloatArray in, Linear w, int function) {
        task.graph()
                .task(
                        task.id(),
                        GroupKernels::product,
                        context,
                        out,
                        in,
                        w.weights(),
                        w.biases(),
                        task.arrays().step,
                        w.k(),
                        w.n(),
                        function);
        workers.add(task, extent -> w.n(), extent -> 1);
    }

    @Override
    public void productAdd(Task task, FloatArray sums, FloatArray in, Linear w) {
        task.graph()
                .task(
                        task.id(),
                        GroupKernels::productAdd,
                        context,
                        sums,
                        in,
                        w.weights(),
                        w.biases(),
                        task.arrays().step,
                        w.k(),
                        w.n());
        workers.add(task, extent -> w.n(), extent -> 1);
    }

    @Override
    public void project(Task task) {
        DeviceArrays a = task.arrays();
        int d = a.config.dModel();
        task.graph()
                .task(
                        task.id(),
                        GroupKernels::project,
                        context,
                        a.qkv,
                        a.normed,
                        a.projection.weights(),
                        a.projection.biases(),
                        a.step,
                        d,
                        a.sizes.rows());
        workers.add(task, extent -> 3 * d, extent -> 1);
    }

    @Override
    public void norm(Task task, FloatArray in, int norms, int norm) {
        norm(task, context, workers, in, norms, norm);
    }

    /** A group a row, which suits any number of rows. */
    static void norm(Task task, KernelContext context, Workers workers, FloatArray in, int norms, int norm) {
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
        workers.add(task, Extent::rows, extent -> 1);
    }

    @Override
    public void attend(Task task) {
        attend(task, context, workers);
    }

    /** A group a row's head. */
    static void attend(Task task, KernelContext context, Workers workers) {
        DeviceArrays a = task.arrays();
        task.graph()
                .task(
                        task.id(),
                        GroupKernels::attend,
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
                        a.config.dHead(),
                        a.sizes.pages());
        workers.add(task, extent -> a.config.nHeads(), Extent::rows);
    }

    @Override
    public void unembed(Task task) {
        DeviceArrays a = task.arrays();
        task.graph()
                .task(
                        task.id(),
                        GroupKernels::unembed,
                        context,
                        a.logits,
                        a.normed,
                        a.unembedding,
                        a.unembeddingBias,
                        a.columns,
                        a.step,
                        a.config.dModel());
        workers.add(task, Extent::columns, extent -> 1);
    }

    @Override
    public void grid(Extent extent) {
        workers.grid(extent);
    }

    @Override
    public void register(GridScheduler scheduler) {
        workers.register(scheduler);
    }
}
