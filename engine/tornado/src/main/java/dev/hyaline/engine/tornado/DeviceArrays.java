package dev.hyaline.engine.tornado;

import dev.hyaline.engine.Gpt2Config;
import dev.hyaline.engine.internal.forward.Buffer;
import dev.hyaline.engine.internal.forward.Weights;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Everything a model has on a device, as arrays whose host side is what is uploaded from and read back to. */
final class DeviceArrays {
    final DeviceSizes sizes;
    final Gpt2Config config;

    final FloatArray embedding;
    final FloatArray positions;
    /** The embedding itself where they are tied. */
    final FloatArray unembedding;

    final FloatArray unembeddingBias;
    /** {@code [2 nLayers + 1, dModel]}: ln1 and ln2 of each layer, then the final norm. */
    final FloatArray gains;

    final FloatArray biases;
    final Linear q;
    final Linear k;
    final Linear v;
    final Linear o;
    final Linear in;
    final Linear out;
    /** {@code [nLayers]}: what attention scores are multiplied by. */
    final FloatArray attentionScales;

    final FloatArray residual;
    final FloatArray normed;
    final FloatArray scales;
    final FloatArray queries;
    final FloatArray keys;
    final FloatArray values;
    final FloatArray z;
    final FloatArray neurons;
    final FloatArray branch;
    final FloatArray maps;
    final FloatArray logits;
    final FloatArray keyPages;
    final FloatArray valuePages;

    /** {@link RowField}s of each row. */
    final IntArray rows;
    /** Pages of each sequence, end to end. */
    final IntArray pages;
    /** Token ids of the logits' columns. */
    final IntArray columns;
    /** What is uploaded into other arrays, some values at a time. */
    final FloatArray staging;
    /** {@link StepField}s, uploaded before each graph. */
    final IntArray step = new IntArray(StepField.FIELDS);

    /** Weights {@code [layers, n, k]} and biases {@code [layers, n]} of one product in every layer. */
    record Linear(FloatArray weights, FloatArray biases, int k, int n) {}

    DeviceArrays(Gpt2Config config, Weights weights, DeviceSizes sizes) {
        this.config = config;
        this.sizes = sizes;
        int d = config.dModel();
        embedding = columnsOf(weights.embedding());
        positions = floats(weights.positions());
        unembedding = config.tieWordEmbeddings() ? embedding : columnsOf(weights.unembedding());
        unembeddingBias = new FloatArray(config.dVocab());
        put(weights.unembedding().bias(), config.dVocab(), unembeddingBias, 0);
        gains = new FloatArray((2 * config.nLayers() + 1) * d);
        biases = new FloatArray((2 * config.nLayers() + 1) * d);
        for (int layer = 0; layer < config.nLayers(); layer++) {
            norm(weights.blocks()[layer].ln1(), 2 * layer);
            norm(weights.blocks()[layer].ln2(), 2 * layer + 1);
        }
        norm(weights.finalNorm(), 2 * config.nLayers());
        q = linear(weights, Weights.Block::q);
        k = linear(weights, Weights.Block::k);
        v = linear(weights, Weights.Block::v);
        o = linear(weights, Weights.Block::o);
        in = linear(weights, Weights.Block::in);
        out = linear(weights, Weights.Block::out);
        attentionScales = new FloatArray(config.nLayers());
        for (int layer = 0; layer < config.nLayers(); layer++) {
            attentionScales.set(layer, config.attnScale(layer));
        }

        int capacity = sizes.rows();
        residual = new FloatArray(capacity * d);
        normed = new FloatArray(capacity * d);
        scales = new FloatArray(capacity);
        queries = new FloatArray(capacity * d);
        keys = new FloatArray(capacity * d);
        values = new FloatArray(capacity * d);
        z = new FloatArray(capacity * d);
        neurons = new FloatArray(capacity * config.dMlp());
        branch = new FloatArray(capacity * d);
        maps = new FloatArray(sizes.mapValues());
        logits = new FloatArray(sizes.logitRows() * config.dVocab());
        keyPages = new FloatArray(sizes.pageValues());
        valuePages = new FloatArray(sizes.pageValues());
        rows = new IntArray(capacity * RowField.FIELDS);
        pages = new IntArray(sizes.tableEntries());
        columns = new IntArray(config.dVocab());
        staging = new FloatArray(DeviceSizes.STAGING);
    }

    /** What stays on the device from pass to pass, uploaded once. */
    Object[] resident() {
        return distinct(
                embedding,
                positions,
                unembedding,
                unembeddingBias,
                gains,
                biases,
                q.weights,
                q.biases,
                k.weights,
                k.biases,
                v.weights,
                v.biases,
                o.weights,
                o.biases,
                in.weights,
                in.biases,
                out.weights,
                out.biases,
                attentionScales,
                residual,
                normed,
                scales,
                queries,
                keys,
                values,
                z,
                neurons,
                branch,
                maps,
                logits,
                keyPages,
                valuePages,
                rows,
                pages,
                columns);
    }

    private static Object[] distinct(Object... arrays) {
        return java.util.Arrays.stream(arrays).distinct().toArray();
    }

    /** Where a buffer of the pass is. Those that exist only while watched share the room of others not in use then. */
    FloatArray of(Buffer buffer) {
        return switch (buffer) {
            case RESIDUAL -> residual;
            case NORMED, POSITION_EMBEDDINGS -> normed;
            case SCALES -> scales;
            case Q -> queries;
            case K -> keys;
            case V -> values;
            case Z -> z;
            case NEURONS -> neurons;
            case BRANCH, TOKEN_EMBEDDINGS, MLP_INPUT -> branch;
            case MAPS -> maps;
            case HEAD_INPUTS, Q_INPUTS, K_INPUTS, V_INPUTS, RESULTS -> throw new AssertionError(buffer);
        };
    }

    private interface MatrixOf {
        PackedMatrix of(Weights.Block block);
    }

    private static Linear linear(Weights weights, MatrixOf matrix) {
        int layers = weights.blocks().length;
        PackedMatrix first = matrix.of(weights.blocks()[0]);
        FloatArray values = new FloatArray(layers * first.n() * first.k());
        FloatArray biases = new FloatArray(layers * first.n());
        for (int layer = 0; layer < layers; layer++) {
            PackedMatrix w = matrix.of(weights.blocks()[layer]);
            putColumns(w, values, layer * w.n() * w.k());
            put(w.bias(), w.n(), biases, layer * w.n());
        }
        return new Linear(values, biases, first.k(), first.n());
    }

    private static FloatArray columnsOf(PackedMatrix matrix) {
        FloatArray values = new FloatArray(matrix.n() * matrix.k());
        putColumns(matrix, values, 0);
        return values;
    }

    private static void putColumns(PackedMatrix matrix, FloatArray out, int at) {
        float[] column = new float[matrix.k()];
        for (int j = 0; j < matrix.n(); j++) {
            matrix.column(j, column, 0);
            put(column, column.length, out, at + j * matrix.k());
        }
    }

    private void norm(Weights.Norm norm, int index) {
        int d = config.dModel();
        put(norm.gain(), d, gains, index * d);
        put(norm.bias(), d, biases, index * d);
    }

    private static FloatArray floats(float[] values) {
        FloatArray array = new FloatArray(values.length);
        put(values, values.length, array, 0);
        return array;
    }

    /** Copies values into the host side of an array. */
    static void put(float[] from, int fromAt, int count, FloatArray to, int at) {
        MemorySegment.copy(from, fromAt, to.getSegment(), ValueLayout.JAVA_FLOAT, (long) Float.BYTES * at, count);
    }

    private static void put(float[] from, int count, FloatArray to, int at) {
        put(from, 0, count, to, at);
    }

    /** Copies values out of the host side of an array. */
    static void get(FloatArray from, int fromAt, float[] to, int at, int count) {
        MemorySegment.copy(from.getSegment(), ValueLayout.JAVA_FLOAT, (long) Float.BYTES * fromAt, to, at, count);
    }
}
