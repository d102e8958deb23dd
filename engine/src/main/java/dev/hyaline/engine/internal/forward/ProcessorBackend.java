package dev.hyaline.engine.internal.forward;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import java.util.Arrays;

/**
 * The steps of a pass on this machine's processors. Buffers are arrays, which grow to the largest pass and are kept for
 * the next.
 */
@SuppressWarnings("EnumOrdinal") // an index of arrays within this JVM, which is never written
public final class ProcessorBackend implements Backend {
    private static final float[] NOTHING = {};
    private static final int ROWS_PER_TASK = 16;
    private static final PassBuffer[] BUFFERS = PassBuffer.values();

    private final Gpt2Config config;
    private final PackedWeights weights;
    private final Kernels kernels;
    private final WorkerPool pool;
    private final int d;
    private final Products products;
    private final Attention attention;
    private final HeadInputs headInputs;
    private final WorkerPool.Task embedTask = this::embedRows;
    private final WorkerPool.Task normTask = this::normRows;
    private final WorkerPool.Task activateTask = this::activateRows;
    private final WorkerPool.Task addTask = this::addRows;

    /** By ordinal of the {@link PassBuffer}. */
    private final float[][] buffers = new float[BUFFERS.length][];

    private int capacity;

    private Batch batch = Batch.EMPTY;
    private int rows;
    private float[] residual = NOTHING;
    private float[] scales = NOTHING;

    // Arguments of the loop that runs: tasks are made once and find them here, since a lambda that captured them would
    // be allocated for each loop.
    private float[] embedded = NOTHING;
    private float[] normIn = NOTHING;
    private float[] normOut = NOTHING;
    private float[] neurons = NOTHING;
    private float[] addend = NOTHING;
    private float[] addTo = NOTHING;
    private PackedWeights.Norm norm = new PackedWeights.Norm(NOTHING, NOTHING);
    private NormStep normStep = NormStep.ALL;
    private int normCount;

    /** The values that {@link #headResults} left. */
    private float[] uneditedResults = NOTHING;

    public ProcessorBackend(Gpt2Config config, PackedWeights weights, Kernels kernels, WorkerPool pool) {
        this.config = config;
        this.weights = weights;
        this.kernels = kernels;
        this.pool = pool;
        d = config.dModel();
        products = new Products(kernels, pool);
        attention = new Attention(config, kernels, pool);
        headInputs = new HeadInputs(config, kernels, products);
        Arrays.fill(buffers, NOTHING);
    }

    @Override
    public void begin(Plan plan) {
        batch = plan.batch();
        rows = batch.rows();
        if (capacity < rows) {
            capacity = rows;
            for (PassBuffer buffer : BUFFERS) {
                if (buffer.always()) {
                    buffers[buffer.ordinal()] = new float[Batch.arraySize(rows, buffer.width(config))];
                }
            }
            residual = values(PassBuffer.RESIDUAL);
            scales = values(PassBuffer.SCALES);
        }
        attention.begin(batch);
    }

    @Override
    public void end() {
        batch = Batch.EMPTY;
        normIn = NOTHING;
        uneditedResults = NOTHING;
        for (PassBuffer buffer : BUFFERS) {
            // Attention maps are large, and who watches one pass watches the next.
            if (!buffer.always() && buffer != PassBuffer.MAPS) {
                buffers[buffer.ordinal()] = NOTHING;
            }
        }
    }

    private float[] values(PassBuffer buffer) {
        return buffers[buffer.ordinal()];
    }

    /** The array of a buffer that this pass needs because somebody watches. */
    private float[] room(PassBuffer buffer, int size) {
        if (values(buffer).length < size) {
            buffers[buffer.ordinal()] = new float[size];
        }
        return values(buffer);
    }

    private float[] room(PassBuffer buffer) {
        return room(buffer, Batch.arraySize(rows, buffer.width(config)));
    }

    @Override
    public void show(PassBuffer buffer, int size, HookPoint point, Probe probe, View view) {
        probe.at(point, view.of(values(buffer)));
    }

    @Override
    public void load(PassBuffer buffer, float[] values, int size) {
        System.arraycopy(values, 0, values(buffer), 0, size);
    }

    @Override
    public void store(PassBuffer buffer, float[] out, int size) {
        System.arraycopy(values(buffer), 0, out, 0, size);
    }

    @Override
    public void copy(PassBuffer from, PassBuffer to) {
        System.arraycopy(values(from), 0, room(to), 0, rows * from.width(config));
    }

    @Override
    public void embed(PassBuffer out) {
        embedded = values(out);
        pool.run(tasks(rows), embedTask);
    }

    private void embedRows(int worker, int index) {
        for (int row = index * ROWS_PER_TASK; row < endRow(index, rows); row++) {
            weights.embedding().column(batch.tokens()[row], embedded, row * d);
            kernels.add(embedded, row * d, weights.positions(), batch.position(row) * d, d);
        }
    }

    @Override
    public void embedApart(PassBuffer tokenBuffer, PassBuffer positionBuffer) {
        float[] tokens = room(tokenBuffer);
        float[] positions = room(positionBuffer);
        for (int row = 0; row < rows; row++) {
            weights.embedding().column(batch.tokens()[row], tokens, row * d);
            System.arraycopy(weights.positions(), batch.position(row) * d, positions, row * d, d);
        }
    }

    @Override
    public void sum(PassBuffer a, PassBuffer b, PassBuffer out) {
        kernels.sum(values(out), 0, values(a), 0, values(b), 0, rows * d);
    }

    @Override
    public void norm(NormStep step, Norm which, int layer, PassBuffer in, PassBuffer out, int count) {
        normIn = values(in);
        normOut = values(out);
        norm = switch (which) {
            case LN1 -> weights.blocks()[layer].ln1();
            case LN2 -> weights.blocks()[layer].ln2();
            case FINAL -> weights.finalNorm();
        };
        normStep = step;
        normCount = count;
        pool.run(tasks(count), normTask);
    }

    private void normRows(int worker, int index) {
        boolean all = normStep == NormStep.ALL;
        for (int row = index * ROWS_PER_TASK; row < endRow(index, normCount); row++) {
            int at = row * d;
            if (all || normStep == NormStep.CENTER) {
                scales[row] = kernels.center(normOut, at, normIn, at, d, config.eps());
            }
            if (all || normStep == NormStep.DIVIDE) {
                kernels.divide(normOut, at, d, scales[row]);
            }
            if (all || normStep == NormStep.AFFINE) {
                kernels.affine(normOut, at, normOut, at, norm.gain(), norm.bias(), d);
            }
        }
    }

    @Override
    public void project(int layer, PassBuffer in, PassBuffer q, PassBuffer k, PassBuffer v) {
        PackedWeights.Block block = weights.blocks()[layer];
        products.begin(values(in), d, rows)
                .into(values(q), block.q())
                .into(values(k), block.k())
                .into(values(v), block.v())
                .run();
    }

    @Override
    public void spread(PassBuffer from, PassBuffer out) {
        headInputs.spread(room(out), values(from), rows);
    }

    @Override
    public void projectHeadInputs(int layer, PassBuffer inputs, PassBuffer out) {
        PackedWeights.Block block = weights.blocks()[layer];
        PackedMatrix w = switch (out) {
            case Q -> block.q();
            case K -> block.k();
            case V -> block.v();
            default -> throw new AssertionError(out);
        };
        headInputs.project(values(out), values(inputs), residual, rows, block.ln1(), w);
    }

    @Override
    public void storeKeysValues(int layer, PassBuffer k, PassBuffer v) {
        attention.store(layer, values(k), values(v));
    }

    @Override
    public void attend(int layer, PassBuffer q, PassBuffer z) {
        attention.fused(values(z), values(q), config.attnScale(layer));
    }

    @Override
    public void scores(int layer, PassBuffer q, PassBuffer maps, int[] mapOffsets) {
        float[] scores = room(maps, mapOffsets[batch.sequences()]);
        attention.scores(scores, mapOffsets, values(q), config.attnScale(layer));
    }

    @Override
    public void softmax(PassBuffer maps) {
        attention.softmax();
    }

    @Override
    public void weigh(int layer, PassBuffer maps, PassBuffer z) {
        attention.weigh(values(z));
    }

    @Override
    public void attentionOut(int layer, PassBuffer z, PassBuffer out) {
        products.begin(values(z), d, rows)
                .into(values(out), weights.blocks()[layer].o())
                .run();
    }

    @Override
    public void attentionOutAndAdd(int layer, PassBuffer z, PassBuffer out, PassBuffer sum) {
        products.begin(values(z), d, rows)
                .into(values(out), weights.blocks()[layer].o())
                .thenAddTo(values(sum))
                .run();
    }

    @Override
    public void headResults(int layer, PassBuffer z, PassBuffer out) {
        int heads = config.nHeads();
        int width = heads * d;
        float[] results = room(out);
        for (int head = 0; head < heads; head++) {
            products.begin(values(z), head * config.dHead(), d, config.dHead(), rows)
                    .into(results, head * d, width, weights.blocks()[layer].oByHead()[head])
                    .run();
        }
        uneditedResults = results.clone();
    }

    @Override
    public void sumHeadResults(int layer, PassBuffer z, PassBuffer resultBuffer, PassBuffer out) {
        int heads = config.nHeads();
        int width = heads * d;
        float[] results = values(resultBuffer);
        float[] sums = values(out);
        attentionOut(layer, z, out);
        // A row is summed head by head only where an edit changed a part, so that a probe that only looks changes no
        // bit.
        for (int row = 0; row < rows; row++) {
            int at = row * width;
            if (!Arrays.equals(results, at, at + width, uneditedResults, at, at + width)) {
                System.arraycopy(results, at, sums, row * d, d);
                for (int head = 1; head < heads; head++) {
                    kernels.add(sums, row * d, results, at + head * d, d);
                }
                kernels.add(sums, row * d, weights.blocks()[layer].o().bias(), 0, d);
            }
        }
    }

    @Override
    public void mlpIn(int layer, PassBuffer in, PassBuffer out) {
        products.begin(values(in), d, rows)
                .into(values(out), weights.blocks()[layer].in())
                .run();
    }

    @Override
    public void mlpInAndActivate(int layer, PassBuffer in, PassBuffer out) {
        products.begin(values(in), d, rows)
                .into(values(out), weights.blocks()[layer].in())
                .thenActivate(config.actFn())
                .run();
    }

    @Override
    public void activate(PassBuffer buffer) {
        neurons = values(buffer);
        pool.run(tasks(rows), activateTask);
    }

    private void activateRows(int worker, int index) {
        int from = index * ROWS_PER_TASK;
        int n = config.dMlp();
        kernels.activate(neurons, from * n, (endRow(index, rows) - from) * n, config.actFn());
    }

    @Override
    public void mlpOut(int layer, PassBuffer in, PassBuffer out) {
        products.begin(values(in), config.dMlp(), rows)
                .into(values(out), weights.blocks()[layer].out())
                .run();
    }

    @Override
    public void mlpOutAndAdd(int layer, PassBuffer in, PassBuffer out, PassBuffer sum) {
        products.begin(values(in), config.dMlp(), rows)
                .into(values(out), weights.blocks()[layer].out())
                .thenAddTo(values(sum))
                .run();
    }

    @Override
    public void add(PassBuffer from, PassBuffer sum) {
        addend = values(from);
        addTo = values(sum);
        pool.run(tasks(rows), addTask);
    }

    private void addRows(int worker, int index) {
        int from = index * ROWS_PER_TASK;
        kernels.add(addTo, from * d, addend, from * d, (endRow(index, rows) - from) * d);
    }

    @Override
    public void gather(PassBuffer buffer, int[] chosen) {
        float[] values = values(buffer);
        // They ascend, so none overwrites one that is still to be moved.
        for (int i = 0; i < chosen.length; i++) {
            if (chosen[i] != i) {
                System.arraycopy(values, chosen[i] * d, values, i * d, d);
            }
        }
    }

    @Override
    public void unembed(PassBuffer in, float[] logits, int count, LogitColumns columns) {
        PackedMatrix unembedding =
                columns.isAll() ? weights.unembedding() : weights.unembedding().columns(columns.tokens());
        products.begin(values(in), d, count).into(logits, unembedding).run();
    }

    private static int tasks(int rows) {
        return (rows + ROWS_PER_TASK - 1) / ROWS_PER_TASK;
    }

    private static int endRow(int index, int rows) {
        return Math.min(rows, (index + 1) * ROWS_PER_TASK);
    }
}
