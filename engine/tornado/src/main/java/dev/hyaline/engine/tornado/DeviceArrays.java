package dev.hyaline.engine.tornado;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.internal.forward.PackedWeights;
import dev.hyaline.engine.internal.forward.PassBuffer;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.tornado.DeviceBuffer.Region;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Everything a model has on a device, as arrays whose host side is what is uploaded from and read back to. */
final class DeviceArrays {
    /** Norms of a layer. */
    static final int NORMS_PER_LAYER = 2;

    /** Indices of a layer's norms. */
    static final int LN1 = 0;

    static final int LN2 = 1;

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
    /** Queries, keys and values: {@code [nLayers, 3, dModel, dModel]}. */
    final Linear projection;

    final Linear o;
    final Linear in;
    final Linear out;
    /** {@code [nLayers]}: what attention scores are multiplied by. */
    final FloatArray attentionScales;

    final FloatArray residual;
    final FloatArray normed;
    final FloatArray scales;
    /** {@code [3, capacity, dModel]}. */
    final FloatArray qkv;

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
    /** The values that are uploaded into other arrays, some values at a time. */
    final FloatArray staging;
    /** {@link PlaceField}s of an edit's places. */
    final IntArray places;
    /** Columns of an edit. */
    final IntArray placeColumns;
    /** {@link StepField}s, uploaded before each graph. */
    final IntArray step = new IntArray(StepField.FIELDS);

    /**
     * Weights {@code [layers, n, k]} and biases {@code [layers, n]} of one product in every layer; of the projection
     * three times as many.
     */
    record Linear(FloatArray weights, FloatArray biases, int k, int n) {}

    DeviceArrays(Gpt2Config config, PackedWeights weights, DeviceSizes sizes) {
        this.config = config;
        this.sizes = sizes;
        int d = config.dModel();
        embedding = columnsOf(weights.embedding());
        positions = floats(weights.positions());
        unembedding = config.tieWordEmbeddings() ? embedding : columnsOf(weights.unembedding());
        unembeddingBias = new FloatArray(config.dVocab());
        put(weights.unembedding().bias(), config.dVocab(), unembeddingBias, 0);
        gains = new FloatArray((finalNorm() + 1) * d);
        biases = new FloatArray((finalNorm() + 1) * d);
        for (int layer = 0; layer < config.nLayers(); layer++) {
            norm(weights.blocks()[layer].ln1(), layer * NORMS_PER_LAYER + LN1);
            norm(weights.blocks()[layer].ln2(), layer * NORMS_PER_LAYER + LN2);
        }
        norm(weights.finalNorm(), finalNorm());
        projection = linear(weights, List.of(PackedWeights.Block::q, PackedWeights.Block::k, PackedWeights.Block::v));
        o = linear(weights, List.of(PackedWeights.Block::o));
        in = linear(weights, List.of(PackedWeights.Block::in));
        out = linear(weights, List.of(PackedWeights.Block::out));
        attentionScales = new FloatArray(config.nLayers());
        for (int layer = 0; layer < config.nLayers(); layer++) {
            attentionScales.set(layer, config.attnScale(layer));
        }

        int capacity = sizes.rows();
        residual = new FloatArray(capacity * d);
        normed = new FloatArray(capacity * d);
        scales = new FloatArray(capacity);
        qkv = new FloatArray(3 * capacity * d);
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
        staging = new FloatArray(sizes.staging());
        places = new IntArray(DeviceSizes.PLACES * PlaceField.FIELDS);
        placeColumns = new IntArray(sizes.widestPlace());
    }

    /** The index of the final norm, after those of the layers. */
    int finalNorm() {
        return config.nLayers() * NORMS_PER_LAYER;
    }

    /** The arrays that stay on the device from pass to pass, uploaded once. */
    Object[] resident() {
        return distinct(
                embedding,
                positions,
                unembedding,
                unembeddingBias,
                gains,
                biases,
                projection.weights,
                projection.biases,
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
                qkv,
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
        return Arrays.stream(arrays).distinct().toArray();
    }

    FloatArray of(DeviceBuffer room) {
        return switch (room) {
            case RESIDUAL -> residual;
            case NORMED -> normed;
            case SCALES -> scales;
            case QKV -> qkv;
            case Z -> z;
            case NEURONS -> neurons;
            case BRANCH -> branch;
            case MAPS -> maps;
        };
    }

    /** The place of queries, keys or values. */
    Region partOfProjection(PassBuffer buffer) {
        int part = switch (buffer) {
            case Q -> 0;
            case K -> 1;
            case V -> 2;
            default -> throw new AssertionError(buffer);
        };
        return new Region(DeviceBuffer.QKV, part * sizes.rows() * config.dModel());
    }

    private interface MatrixOf {
        PackedMatrix of(PackedWeights.Block block);
    }

    /** Products of one input, one after the other in each layer. */
    private static Linear linear(PackedWeights weights, List<MatrixOf> parts) {
        int layers = weights.blocks().length;
        PackedMatrix first = parts.getFirst().of(weights.blocks()[0]);
        int k = first.k();
        int n = first.n();
        FloatArray values = new FloatArray(layers * parts.size() * n * k);
        FloatArray biases = new FloatArray(layers * parts.size() * n);
        for (int i = 0; i < layers * parts.size(); i++) {
            PackedMatrix w = parts.get(i % parts.size()).of(weights.blocks()[i / parts.size()]);
            putColumns(w, values, i * n * k);
            put(w.bias(), n, biases, i * n);
        }
        return new Linear(values, biases, k, n);
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

    private void norm(PackedWeights.Norm norm, int index) {
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
