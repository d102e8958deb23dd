package dev.hyaline.engine.tornado;

import dev.hyaline.engine.tornado.DeviceArrays.Linear;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/** A column, or a row or a row's head, a thread, as TornadoVM divides them: suits processors. */
final class ParallelForm implements KernelForm {
    @Override
    public int mostRows() {
        return Integer.MAX_VALUE;
    }

    @Override
    public void product(Task task, FloatArray out, FloatArray in, Linear w, int function) {
        task.graph()
                .task(
                        task.id(),
                        ParallelKernels::product,
                        out,
                        in,
                        w.weights(),
                        w.biases(),
                        task.arrays().step,
                        w.k(),
                        w.n(),
                        function);
    }

    @Override
    public void productAdd(Task task, FloatArray sums, FloatArray in, Linear w) {
        task.graph()
                .task(
                        task.id(),
                        ParallelKernels::productAdd,
                        sums,
                        in,
                        w.weights(),
                        w.biases(),
                        task.arrays().step,
                        w.k(),
                        w.n());
    }

    @Override
    public void project(Task task) {
        DeviceArrays a = task.arrays();
        task.graph()
                .task(
                        task.id(),
                        ParallelKernels::project,
                        a.qkv,
                        a.normed,
                        a.projection.weights(),
                        a.projection.biases(),
                        a.step,
                        a.config.dModel(),
                        a.sizes.rows());
    }

    @Override
    public void norm(Task task, FloatArray in, int norms, int norm) {
        DeviceArrays a = task.arrays();
        task.graph()
                .task(
                        task.id(),
                        ParallelKernels::norm,
                        a.normed,
                        a.scales,
                        in,
                        a.gains,
                        a.biases,
                        a.step,
                        a.sizes.rows(),
                        a.config.dModel(),
                        norms,
                        norm,
                        a.config.eps());
    }

    @Override
    public void attend(Task task) {
        DeviceArrays a = task.arrays();
        task.graph()
                .task(
                        task.id(),
                        AttentionKernels::attend,
                        a.z,
                        a.qkv,
                        a.keyPages,
                        a.valuePages,
                        a.attentionScales,
                        a.pages,
                        a.rows,
                        a.step,
                        a.sizes.rows(),
                        a.config.nHeads(),
                        a.config.dHead(),
                        a.sizes.pages());
    }

    @Override
    public void unembed(Task task) {
        DeviceArrays a = task.arrays();
        task.graph()
                .task(
                        task.id(),
                        ParallelKernels::unembed,
                        a.logits,
                        a.normed,
                        a.unembedding,
                        a.unembeddingBias,
                        a.columns,
                        a.step,
                        a.config.dModel(),
                        a.config.dVocab());
    }

    @Override
    public void grid(Extent extent) {
        // TornadoVM's own.
    }

    @Override
    public void register(GridScheduler scheduler) {
        // TornadoVM's own.
    }
}
