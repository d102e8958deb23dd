package dev.hyaline.engine.tornado;

import dev.hyaline.engine.ActivationFunction;
import dev.hyaline.engine.Gpt2Config;
import java.util.List;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/** Which kernel an operation is, and on which arrays. */
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
            case EMBED, EMBED_APART -> List.of(a.rows, a.pages);
            case LOAD_COLUMNS -> List.of(a.columns);
            case LOAD_RESIDUAL,
                    LOAD_NORMED,
                    LOAD_SCALES,
                    LOAD_Q,
                    LOAD_K,
                    LOAD_V,
                    LOAD_Z,
                    LOAD_NEURONS,
                    LOAD_BRANCH,
                    LOAD_MAPS -> List.of(a.staging);
            default -> List.of();
        };
    }

    /** Tasks that use every array once, so that all are uploaded or allocated. */
    static void touchAll(TaskGraph graph, DeviceArrays a) {
        graph.task(
                WRITE_0, ParallelKernels::allocate, a.residual, a.normed, a.scales, a.queries, a.keys, a.values, a.z);
        graph.task(
                WRITE_1,
                ParallelKernels::allocate,
                a.neurons,
                a.branch,
                a.maps,
                a.logits,
                a.keyPages,
                a.valuePages,
                a.z);
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
                a.q.weights(),
                a.q.biases(),
                a.k.weights());
        graph.task(
                READ_1,
                ParallelKernels::touch,
                a.residual,
                a.k.biases(),
                a.v.weights(),
                a.v.biases(),
                a.o.weights(),
                a.o.biases(),
                a.in.weights(),
                a.in.biases(),
                a.out.weights(),
                a.out.biases(),
                a.gains);
    }

    static void add(TaskGraph graph, String id, Operation operation, DeviceArrays a, DeviceProducts products) {
        Gpt2Config config = a.config;
        int d = config.dModel();
        int capacity = a.sizes.rows();
        int finalNorm = 2 * config.nLayers();
        switch (operation) {
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
            case LN1 -> norm(graph, id, a, a.residual, 2, 0);
            case LN2 -> norm(graph, id, a, a.residual, 2, 1);
            case LN2_OF_INPUT -> norm(graph, id, a, a.branch, 2, 1);
            case LN_FINAL -> norm(graph, id, a, a.residual, 0, finalNorm);
            case CENTER -> center(graph, id, a, a.residual);
            case CENTER_INPUT -> center(graph, id, a, a.branch);
            case DIVIDE -> graph.task(id, ParallelKernels::divide, a.normed, a.scales, a.step, d);
            case LN1_AFFINE -> affine(graph, id, a, 2, 0);
            case LN2_AFFINE -> affine(graph, id, a, 2, 1);
            case LN_FINAL_AFFINE -> affine(graph, id, a, 0, finalNorm);
            case PROJECT_Q -> products.add(graph, id, a, a.queries, a.normed, a.q, ParallelKernels.IDENTITY);
            case PROJECT_K -> products.add(graph, id, a, a.keys, a.normed, a.k, ParallelKernels.IDENTITY);
            case PROJECT_V -> products.add(graph, id, a, a.values, a.normed, a.v, ParallelKernels.IDENTITY);
            case ATTENTION_OUT -> products.add(graph, id, a, a.branch, a.z, a.o, ParallelKernels.IDENTITY);
            case MLP_IN -> products.add(graph, id, a, a.neurons, a.normed, a.in, ParallelKernels.IDENTITY);
            case MLP_IN_ACTIVATE -> products.add(graph, id, a, a.neurons, a.normed, a.in, function(config.actFn()));
            case MLP_OUT -> products.add(graph, id, a, a.branch, a.neurons, a.out, ParallelKernels.IDENTITY);
            case ATTENTION_OUT_ADD -> products.addSum(graph, id, a, a.residual, a.z, a.o);
            case MLP_OUT_ADD -> products.addSum(graph, id, a, a.residual, a.neurons, a.out);
            case HEAD_RESULT ->
                graph.task(id, ParallelKernels::headResult, a.branch, a.z, a.o.weights(), a.step, d, config.dHead());
            case ACTIVATE ->
                graph.task(id, ParallelKernels::activate, a.neurons, a.step, config.dMlp(), function(config.actFn()));
            case STORE ->
                graph.task(
                        id,
                        ParallelKernels::store,
                        a.keyPages,
                        a.valuePages,
                        a.keys,
                        a.values,
                        a.pages,
                        a.rows,
                        a.step,
                        d,
                        a.sizes.pages());
            case COPY_PAGE ->
                graph.task(
                        id,
                        ParallelKernels::copyPage,
                        a.keyPages,
                        a.valuePages,
                        a.step,
                        config.nLayers(),
                        a.sizes.pages(),
                        ParallelKernels.PAGE * d);
            case ATTEND ->
                graph.task(
                        id,
                        ParallelKernels::attend,
                        a.z,
                        a.queries,
                        a.keyPages,
                        a.valuePages,
                        a.attentionScales,
                        a.pages,
                        a.rows,
                        a.step,
                        capacity,
                        config.nHeads(),
                        config.dHead(),
                        a.sizes.pages());
            case SCORES ->
                graph.task(
                        id,
                        ParallelKernels::scores,
                        a.maps,
                        a.queries,
                        a.keyPages,
                        a.attentionScales,
                        a.pages,
                        a.rows,
                        a.step,
                        capacity,
                        config.nHeads(),
                        config.dHead(),
                        a.sizes.pages());
            case PATTERN -> graph.task(id, ParallelKernels::pattern, a.maps, a.rows, a.step, capacity, config.nHeads());
            case WEIGH ->
                graph.task(
                        id,
                        ParallelKernels::weigh,
                        a.z,
                        a.maps,
                        a.valuePages,
                        a.pages,
                        a.rows,
                        a.step,
                        capacity,
                        config.nHeads(),
                        config.dHead(),
                        a.sizes.pages());
            case GATHER_RESIDUAL -> graph.task(id, ParallelKernels::gather, a.residual, a.rows, a.step, d);
            case GATHER_NORMED -> graph.task(id, ParallelKernels::gather, a.normed, a.rows, a.step, d);
            // LOAD_COLUMNS uploads the columns; a graph needs a task, and this one reads them.
            case UNEMBED, LOAD_COLUMNS ->
                graph.task(
                        id,
                        ParallelKernels::unembed,
                        a.logits,
                        a.normed,
                        a.unembedding,
                        a.unembeddingBias,
                        a.columns,
                        a.step,
                        d,
                        config.dVocab());
            case LOAD_RESIDUAL -> load(graph, id, a, a.residual);
            case LOAD_NORMED -> load(graph, id, a, a.normed);
            case LOAD_SCALES -> load(graph, id, a, a.scales);
            case LOAD_Q -> load(graph, id, a, a.queries);
            case LOAD_K -> load(graph, id, a, a.keys);
            case LOAD_V -> load(graph, id, a, a.values);
            case LOAD_Z -> load(graph, id, a, a.z);
            case LOAD_NEURONS -> load(graph, id, a, a.neurons);
            case LOAD_BRANCH -> load(graph, id, a, a.branch);
            case LOAD_MAPS -> load(graph, id, a, a.maps);
        }
    }

    static int function(ActivationFunction f) {
        return switch (f) {
            case GELU_NEW, GELU_PYTORCH_TANH -> ParallelKernels.GELU_TANH;
            case GELU -> ParallelKernels.GELU_ERF;
            case RELU -> ParallelKernels.RELU;
            case SILU -> ParallelKernels.SILU;
        };
    }

    private static void norm(TaskGraph graph, String id, DeviceArrays a, FloatArray in, int norms, int norm) {
        graph.task(
                id,
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

    private static void center(TaskGraph graph, String id, DeviceArrays a, FloatArray in) {
        graph.task(
                id,
                ParallelKernels::center,
                a.normed,
                a.scales,
                in,
                a.step,
                a.sizes.rows(),
                a.config.dModel(),
                a.config.eps());
    }

    private static void affine(TaskGraph graph, String id, DeviceArrays a, int norms, int norm) {
        graph.task(id, ParallelKernels::affine, a.normed, a.gains, a.biases, a.step, a.config.dModel(), norms, norm);
    }

    private static void load(TaskGraph graph, String id, DeviceArrays a, FloatArray to) {
        graph.task(id, ParallelKernels::load, to, a.staging, a.step, DeviceSizes.STAGING);
    }
}
