package dev.hyaline.engine.internal.forward;

import dev.hyaline.engine.Gpt2Config;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import dev.hyaline.engine.site.DeclaredEdit;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * The steps of a pass on this machine's processors. Buffers are arrays, which grow to the largest pass and are kept for
 * the next.
 */
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
    private final WorkerPool.Task addBranchTask = this::addBranchRows;

    private final Map<PassBuffer, float[]> buffers = new EnumMap<>(PassBuffer.class);
    private int capacity;

    private Batch batch;
    private int rows;
    private float[] residual = NOTHING;
    private float[] normed = NOTHING;
    private float[] scales = NOTHING;
    private float[] normIn;
    private PackedWeights.Norm norm;
    private NormStep normStep;
    private int normCount;
    /** What {@link #headResults} left. */
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
        for (PassBuffer buffer : BUFFERS) {
            buffers.put(buffer, NOTHING);
        }
    }

    /** Keys and values of a new sequence, which any backend on this machine's processors can read. */
    public static KeyValues newKeyValues(Gpt2Config config) {
        return new KeyValueBlocks(config);
    }

    /** Whether keys and values are where processors can read them. */
    public static boolean reads(KeyValues keyValues) {
        return keyValues instanceof KeyValueBlocks;
    }

    @Override
    public void begin(Plan plan) {
        batch = plan.batch();
        rows = batch.rows();
        if (capacity < rows) {
            capacity = rows;
            for (PassBuffer buffer : BUFFERS) {
                if (buffer.always()) {
                    buffers.put(buffer, new float[Batch.arraySize(rows, buffer.width(config))]);
                }
            }
            residual = values(PassBuffer.RESIDUAL);
            normed = values(PassBuffer.NORMED);
            scales = values(PassBuffer.SCALES);
        }
        attention.begin(batch);
    }

    @Override
    public void end() {
        batch = null;
        normIn = null;
        uneditedResults = NOTHING;
        for (PassBuffer buffer : BUFFERS) {
            // Attention maps are large, and who watches one pass watches the next.
            if (!buffer.always() && buffer != PassBuffer.MAPS) {
                buffers.put(buffer, NOTHING);
            }
        }
    }

    private float[] values(PassBuffer buffer) {
        return buffers.get(buffer);
    }

    /** A buffer that this pass needs because somebody watches. */
    private float[] room(PassBuffer buffer, int size) {
        if (values(buffer).length < size) {
            buffers.put(buffer, new float[size]);
        }
        return values(buffer);
    }

    private float[] room(PassBuffer buffer) {
        return room(buffer, Batch.arraySize(rows, buffer.width(config)));
    }

    @Override
    public boolean edits() {
        return false;
    }

    @Override
    public void edit(PassBuffer buffer, HookPoint point, List<DeclaredEdit> edits) {
        throw new AssertionError("probes edit buffers that are arrays by themselves");
    }

    @Override
    public float[] read(PassBuffer buffer, int size, HookPoint point, Probe probe) {
        return values(buffer);
    }

    @Override
    public void write(PassBuffer buffer, float[] values, int size, HookPoint point, Probe probe) {
        // They are the buffer.
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
    public void embed() {
        pool.run(tasks(rows), embedTask);
    }

    private void embedRows(int worker, int index) {
        for (int row = index * ROWS_PER_TASK; row < endRow(index, rows); row++) {
            weights.embedding().column(batch.tokens()[row], residual, row * d);
            kernels.add(residual, row * d, weights.positions(), batch.position(row) * d, d);
        }
    }

    @Override
    public void embedApart() {
        float[] tokens = room(PassBuffer.TOKEN_EMBEDDINGS);
        float[] positions = room(PassBuffer.POSITION_EMBEDDINGS);
        for (int row = 0; row < rows; row++) {
            weights.embedding().column(batch.tokens()[row], tokens, row * d);
            System.arraycopy(weights.positions(), batch.position(row) * d, positions, row * d, d);
        }
    }

    @Override
    public void sumEmbeddings() {
        kernels.sum(
                residual,
                0,
                values(PassBuffer.TOKEN_EMBEDDINGS),
                0,
                values(PassBuffer.POSITION_EMBEDDINGS),
                0,
                rows * d);
    }

    @Override
    public void norm(NormStep step, Norm which, int layer, PassBuffer in, int count) {
        normIn = values(in);
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
                scales[row] = kernels.center(normed, at, normIn, at, d, config.eps());
            }
            if (all || normStep == NormStep.DIVIDE) {
                kernels.divide(normed, at, d, scales[row]);
            }
            if (all || normStep == NormStep.AFFINE) {
                kernels.affine(normed, at, normed, at, norm.gain(), norm.bias(), d);
            }
        }
    }

    @Override
    public void project(int layer) {
        PackedWeights.Block block = weights.blocks()[layer];
        products.of(normed, d, rows)
                .into(values(PassBuffer.Q), block.q())
                .into(values(PassBuffer.K), block.k())
                .into(values(PassBuffer.V), block.v())
                .run();
    }

    @Override
    public void spreadHeadInputs() {
        headInputs.spread(room(PassBuffer.HEAD_INPUTS), residual, rows);
    }

    @Override
    public void projectHeadInputs(int layer, PassBuffer out, PassBuffer inputs) {
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
    public void storeKeysValues(int layer) {
        attention.store(layer, values(PassBuffer.K), values(PassBuffer.V));
    }

    @Override
    public void attend(int layer) {
        attention.fused(values(PassBuffer.Z), values(PassBuffer.Q), config.attnScale(layer));
    }

    @Override
    public void scores(int layer, int[] mapOffsets) {
        float[] maps = room(PassBuffer.MAPS, mapOffsets[batch.sequences()]);
        attention.scores(maps, mapOffsets, values(PassBuffer.Q), config.attnScale(layer));
    }

    @Override
    public void pattern() {
        attention.pattern();
    }

    @Override
    public void weigh(int layer) {
        attention.weigh(values(PassBuffer.Z));
    }

    @Override
    public void attentionOut(int layer, boolean thenAdd) {
        products.of(values(PassBuffer.Z), d, rows).into(values(PassBuffer.BRANCH), weights.blocks()[layer].o());
        addIf(thenAdd).run();
    }

    private Products addIf(boolean thenAdd) {
        return thenAdd ? products.thenAddTo(residual) : products;
    }

    @Override
    public void headResults(int layer) {
        int heads = config.nHeads();
        int width = heads * d;
        float[] results = room(PassBuffer.RESULTS);
        for (int head = 0; head < heads; head++) {
            products.of(values(PassBuffer.Z), head * config.dHead(), d, config.dHead(), rows)
                    .into(results, head * d, width, weights.blocks()[layer].oByHead()[head])
                    .run();
        }
        uneditedResults = results.clone();
    }

    @Override
    public void sumHeadResults(int layer) {
        int heads = config.nHeads();
        int width = heads * d;
        float[] results = values(PassBuffer.RESULTS);
        float[] branch = values(PassBuffer.BRANCH);
        attentionOut(layer, false);
        // A row is summed head by head only where an edit changed a part, so that a probe that just looks changes no
        // bit.
        for (int row = 0; row < rows; row++) {
            int at = row * width;
            if (!Arrays.equals(results, at, at + width, uneditedResults, at, at + width)) {
                System.arraycopy(results, at, branch, row * d, d);
                for (int head = 1; head < heads; head++) {
                    kernels.add(branch, row * d, results, at + head * d, d);
                }
                kernels.add(branch, row * d, weights.blocks()[layer].o().bias(), 0, d);
            }
        }
    }

    @Override
    public void mlpIn(int layer, boolean thenActivate) {
        products.of(normed, d, rows).into(values(PassBuffer.NEURONS), weights.blocks()[layer].in());
        if (thenActivate) {
            products.thenActivate(config.actFn());
        }
        products.run();
    }

    @Override
    public void activate() {
        pool.run(tasks(rows), activateTask);
    }

    private void activateRows(int worker, int index) {
        int from = index * ROWS_PER_TASK;
        int n = config.dMlp();
        kernels.activate(values(PassBuffer.NEURONS), from * n, (endRow(index, rows) - from) * n, config.actFn());
    }

    @Override
    public void mlpOut(int layer, boolean thenAdd) {
        products.of(values(PassBuffer.NEURONS), config.dMlp(), rows)
                .into(values(PassBuffer.BRANCH), weights.blocks()[layer].out());
        addIf(thenAdd).run();
    }

    @Override
    public void addBranch() {
        pool.run(tasks(rows), addBranchTask);
    }

    private void addBranchRows(int worker, int index) {
        int from = index * ROWS_PER_TASK;
        kernels.add(residual, from * d, values(PassBuffer.BRANCH), from * d, (endRow(index, rows) - from) * d);
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
    public void unembed(float[] logits, int count, int[] columns) {
        PackedMatrix unembedding =
                columns == null ? weights.unembedding() : weights.unembedding().columns(columns);
        products.of(normed, d, count).into(logits, unembedding).run();
    }

    private static int tasks(int rows) {
        return (rows + ROWS_PER_TASK - 1) / ROWS_PER_TASK;
    }

    private static int endRow(int index, int rows) {
        return Math.min(rows, (index + 1) * ROWS_PER_TASK);
    }
}
