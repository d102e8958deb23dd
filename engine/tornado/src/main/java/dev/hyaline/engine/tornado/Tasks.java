package dev.hyaline.engine.tornado;

import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.tornado.KernelForm.Task;
import dev.hyaline.engine.tornado.Operation.BufferChange;
import dev.hyaline.engine.tornado.Operation.Step;
import java.util.List;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/** The kernel of each operation, and its arrays. */
final class Tasks {
    // Constants, since Error Prone 2.50 fails on a literal where they are used.
    private static final String WRITE_0 = "write0";
    private static final String WRITE_1 = "write1";
    private static final String WRITE_2 = "write2";
    private static final String READ_0 = "read0";
    private static final String READ_1 = "read1";

    private Tasks() {}

    /** Arrays whose host side an operation reads, beside the step array. */
    static List<Object> uploads(Operation operation, DeviceArrays a) {
        return switch (operation) {
            case Step.EMBED, Step.EMBED_APART -> List.of(a.rows, a.pages);
            case Step.LOAD_COLUMNS -> List.of(a.columns);
            case Step other -> List.of();
            case BufferChange change ->
                switch (change.kind()) {
                    case LOAD -> List.of(a.staging);
                    case EDIT -> List.of(a.staging, a.places, a.placeColumns);
                    case EDIT_ALONG -> List.of(a.staging, a.places);
                    case SWAP -> List.of(a.places, a.placeColumns);
                };
        };
    }

    /** Tasks that use every array once, so that all are uploaded or allocated. */
    static void touchAll(TaskGraph graph, DeviceArrays a) {
        graph.task(
                WRITE_0, ParallelKernels::allocate, a.residual, a.normed, a.scales, a.qkv, a.neurons, a.branch, a.maps);
        graph.task(
                WRITE_1,
                ParallelKernels::allocate,
                a.logits,
                a.keyPages,
                a.valuePages,
                a.z,
                a.normed,
                a.branch,
                a.maps);
        graph.task(WRITE_2, ParallelKernels::allocateInts, a.rows, a.pages, a.columns);
        graph.task(
                READ_0,
                ParallelKernels::touch,
                a.residual,
                a.embedding,
                a.positions,
                a.unembedding,
                a.unembeddingBias,
                a.gains,
                a.biases,
                a.attentionScales,
                a.projection.weights());
        graph.task(
                READ_1,
                ParallelKernels::touch,
                a.residual,
                a.projection.biases(),
                a.o.weights(),
                a.o.biases(),
                a.in.weights(),
                a.in.biases(),
                a.out.weights(),
                a.out.biases(),
                a.gains);
    }

    static void add(Task task, Operation operation, KernelForm form) {
        switch (operation) {
            case Step step -> add(task, step, form);
            case BufferChange change -> add(task, change);
        }
    }

    private static void add(Task task, BufferChange change) {
        TaskGraph graph = task.graph();
        String id = task.id();
        DeviceArrays a = task.arrays();
        FloatArray values = a.of(change.buffer());
        switch (change.kind()) {
            case LOAD -> graph.task(id, EditKernels::load, values, a.staging, a.step, a.sizes.staging());
            case EDIT -> graph.task(id, EditKernels::edit, values, a.staging, a.places, a.placeColumns, a.step);
            case EDIT_ALONG ->
                graph.task(id, EditKernels::editAlong, values, a.staging, a.places, a.step, DeviceSizes.PLACES);
            case SWAP -> graph.task(id, EditKernels::swap, values, a.places, a.placeColumns, a.step);
        }
    }

    private static void add(Task task, Step step, KernelForm form) {
        TaskGraph graph = task.graph();
        String id = task.id();
        DeviceArrays a = task.arrays();
        Gpt2Config config = a.config;
        int d = config.dModel();
        int heads = config.nHeads();
        int capacity = a.sizes.rows();
        switch (step) {
            case EMBED ->
                graph.task(id, ParallelKernels::embed, a.residual, a.embedding, a.positions, a.rows, a.step, d);
            case EMBED_APART ->
                graph.task(
                        id,
                        ParallelKernels::embedApart,
                        a.branch,
                        a.normed,
                        a.embedding,
                        a.positions,
                        a.rows,
                        a.step,
                        d);
            case SUM_EMBEDDINGS -> graph.task(id, ParallelKernels::sum, a.residual, a.branch, a.normed, a.step, d);
            case ADD_BRANCH -> graph.task(id, ParallelKernels::add, a.residual, a.branch, a.step, d);
            case COPY_MLP_INPUT -> graph.task(id, ParallelKernels::copy, a.branch, a.residual, a.step, d);
            case LN1 -> form.norm(task, a.residual, DeviceArrays.NORMS_PER_LAYER, DeviceArrays.LN1);
            case LN2 -> form.norm(task, a.residual, DeviceArrays.NORMS_PER_LAYER, DeviceArrays.LN2);
            case LN2_OF_INPUT -> form.norm(task, a.branch, DeviceArrays.NORMS_PER_LAYER, DeviceArrays.LN2);
            case LN_FINAL -> form.norm(task, a.residual, 0, a.finalNorm());
            case CENTER -> center(task, a.residual);
            case CENTER_INPUT -> center(task, a.branch);
            case DIVIDE -> graph.task(id, ParallelKernels::divide, a.normed, a.scales, a.step, d);
            case LN1_AFFINE -> affine(task, DeviceArrays.NORMS_PER_LAYER, DeviceArrays.LN1);
            case LN2_AFFINE -> affine(task, DeviceArrays.NORMS_PER_LAYER, DeviceArrays.LN2);
            case LN_FINAL_AFFINE -> affine(task, 0, a.finalNorm());
            case PROJECT -> form.project(task);
            case ATTENTION_OUT -> form.product(task, a.branch, a.z, a.o, ParallelKernels.IDENTITY);
            case MLP_IN -> form.product(task, a.neurons, a.normed, a.in, ParallelKernels.IDENTITY);
            case MLP_IN_ACTIVATE -> form.product(task, a.neurons, a.normed, a.in, function(config.actFn()));
            case MLP_OUT -> form.product(task, a.branch, a.neurons, a.out, ParallelKernels.IDENTITY);
            case ATTENTION_OUT_ADD -> form.productAdd(task, a.residual, a.z, a.o);
            case MLP_OUT_ADD -> form.productAdd(task, a.residual, a.neurons, a.out);
            case ACTIVATE ->
                graph.task(id, ParallelKernels::activate, a.neurons, a.step, config.dMlp(), function(config.actFn()));
            case STORE ->
                graph.task(
                        id,
                        AttentionKernels::store,
                        a.keyPages,
                        a.valuePages,
                        a.qkv,
                        a.pages,
                        a.rows,
                        a.step,
                        d,
                        capacity,
                        a.sizes.pages());
            case COPY_PAGE ->
                graph.task(
                        id,
                        AttentionKernels::copyPage,
                        a.keyPages,
                        a.valuePages,
                        a.step,
                        config.nLayers(),
                        a.sizes.pages(),
                        AttentionKernels.PAGE * d);
            case ATTEND -> form.attend(task);
            case SCORES ->
                graph.task(
                        id,
                        AttentionKernels::scores,
                        a.maps,
                        a.qkv,
                        a.keyPages,
                        a.attentionScales,
                        a.pages,
                        a.rows,
                        a.step,
                        capacity,
                        heads,
                        config.dHead(),
                        a.sizes.pages());
            case PATTERN -> graph.task(id, AttentionKernels::pattern, a.maps, a.rows, a.step, capacity, heads);
            case WEIGH ->
                graph.task(
                        id,
                        AttentionKernels::weigh,
                        a.z,
                        a.maps,
                        a.valuePages,
                        a.pages,
                        a.rows,
                        a.step,
                        capacity,
                        heads,
                        config.dHead(),
                        a.sizes.pages());
            case GATHER_RESIDUAL -> graph.task(id, ParallelKernels::gather, a.residual, a.rows, a.step, d);
            case GATHER_NORMED -> graph.task(id, ParallelKernels::gather, a.normed, a.rows, a.step, d);
            case UNEMBED -> form.unembed(task);
            case LOAD_COLUMNS -> graph.task(id, ParallelKernels::touchInts, a.branch, a.columns);
            case SPREAD -> graph.task(id, HeadKernels::spread, a.maps, a.residual, a.step, d, heads);
            case COPY_HEAD_ROWS -> graph.task(id, HeadKernels::copy, a.maps, a.step, heads * d);
            case LN1_OF_HEAD_ROWS ->
                graph.task(
                        id,
                        HeadKernels::norm,
                        a.maps,
                        a.gains,
                        a.biases,
                        a.step,
                        capacity,
                        d,
                        heads,
                        DeviceArrays.NORMS_PER_LAYER,
                        DeviceArrays.LN1,
                        config.eps());
            case PROJECT_HEAD_ROWS ->
                graph.task(
                        id,
                        HeadKernels::project,
                        a.qkv,
                        a.maps,
                        a.projection.weights(),
                        a.projection.biases(),
                        a.step,
                        capacity,
                        d,
                        heads);
            case HEAD_RESULTS -> graph.task(id, HeadKernels::results, a.maps, a.z, a.o.weights(), a.step, d, heads);
            case SUM_HEAD_RESULTS ->
                graph.task(id, HeadKernels::sumResults, a.branch, a.maps, a.o.biases(), a.step, d, heads);
        }
    }

    static int function(ActivationFunction f) {
        return switch (f) {
            case GELU_NEW, GELU_PYTORCH_TANH -> ParallelKernels.GELU_TANH;
            case GELU -> ParallelKernels.GELU_ERF;
            case RELU -> ParallelKernels.RELU;
            case SILU -> ParallelKernels.SILU;
            case TANH -> ParallelKernels.TANH;
        };
    }

    private static void center(Task task, FloatArray in) {
        DeviceArrays a = task.arrays();
        task.graph()
                .task(
                        task.id(),
                        ParallelKernels::center,
                        a.normed,
                        a.scales,
                        in,
                        a.step,
                        a.sizes.rows(),
                        a.config.dModel(),
                        a.config.eps());
    }

    private static void affine(Task task, int norms, int norm) {
        DeviceArrays a = task.arrays();
        task.graph()
                .task(
                        task.id(),
                        ParallelKernels::affine,
                        a.normed,
                        a.gains,
                        a.biases,
                        a.step,
                        a.config.dModel(),
                        norms,
                        norm);
    }
}
