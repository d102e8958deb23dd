package dev.hyaline.engine.internal.forward;

import dev.hyaline.engine.Gpt2Config;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * GPT-2's forward pass and the buffers it runs in. One pass at a time; the buffers grow to the largest pass and are kept for the next.
 *
 * <p>Every form of the pass is this one: a probe only decides which values are formed at all, and where products and what follows them part so that it can see
 * the value between. Neither changes a bit.
 */
public final class ForwardPass {
    private static final float[] NOTHING = {};
    private static final int ROWS_A_TASK = 16;

    private final Gpt2Config config;
    private final Weights weights;
    private final Kernels kernels;
    private final WorkerPool pool;
    private final int d;
    private final Products products;
    private final Attention attention;
    private final HeadInputs headInputs;
    /** By layer; sites outside the blocks have one. */
    private final Map<Site, HookPoint[]> points = new EnumMap<>(Site.class);

    private final List<HookPoint> allPoints;
    private final Map<Site, boolean[]> wanted = new EnumMap<>(Site.class);
    private final LiveActivation live = new LiveActivation();
    private final WorkerPool.Task embedTask = this::embedRows;
    private final WorkerPool.Task normTask = this::normRows;
    private final WorkerPool.Task activateTask = this::activateRows;
    private final WorkerPool.Task addBranchTask = this::addBranchRows;

    private int capacity;
    private float[] residual = NOTHING;
    private float[] normed = NOTHING;
    private float[] scales = NOTHING;
    private float[] q = NOTHING;
    private float[] k = NOTHING;
    private float[] v = NOTHING;
    private float[] z = NOTHING;
    private float[] neurons = NOTHING;
    /** Attention maps of one layer, where a probe wants to see them. */
    private float[] maps = NOTHING;
    /** What a branch, attention or MLP, adds to the residual stream. */
    private float[] branch = NOTHING;

    private Plan plan;
    private Batch batch;
    private Probe probe;
    private int rows;
    private float[] normIn;
    private Weights.Norm norm;
    private NormStep normStep;
    private int normCount;

    /** What a loop over the rows of a LayerNorm does: the steps one after the other when a probe watches between them. */
    private enum NormStep {
        ALL,
        CENTER,
        DIVIDE,
        AFFINE
    }

    public ForwardPass(Gpt2Config config, Weights weights, Kernels kernels, WorkerPool pool) {
        this.config = config;
        this.weights = weights;
        this.kernels = kernels;
        this.pool = pool;
        d = config.dModel();
        products = new Products(kernels, pool);
        attention = new Attention(config, kernels, pool);
        headInputs = new HeadInputs(config, kernels, products);
        for (Site site : Site.values()) {
            int layers = site.perLayer() ? config.nLayers() : 1;
            points.put(site, new HookPoint[layers]);
            wanted.put(site, new boolean[layers]);
        }
        allPoints = HookPoint.all(config);
        for (HookPoint point : allPoints) {
            points.get(point.site())[index(point)] = point;
        }
    }

    /** Runs a checked plan and writes its result, logits or residual rows, to the front of {@code out}. Once its buffers have grown, a pass allocates nothing. */
    public void run(Plan plan, float[] out) {
        try {
            runSteps(plan, out);
        } finally {
            // A pass at rest keeps its buffers, but nothing of its callers.
            this.plan = null;
            batch = null;
            probe = null;
            live.forget();
        }
    }

    private void runSteps(Plan plan, float[] out) {
        begin(plan);
        if (plan.residual() == null) {
            embed();
        } else {
            System.arraycopy(plan.residual(), 0, residual, 0, rows * d);
        }
        int first = plan.from();
        if (plan.reached() != null) {
            reenter(first++ / 2);
        }
        for (int step = first; step < plan.to(); step++) {
            if (step % 2 == 0) {
                attend(step / 2);
            } else {
                feedForward(step / 2);
            }
        }
        if (plan.stops()) {
            System.arraycopy(residual, 0, out, 0, rows * d);
        } else {
            unembed(out);
        }
        // Last, so that a pass that fails leaves the caches as they were.
        for (int s = 0; s < batch.sequences(); s++) {
            if (batch.append()[s]) {
                batch.past()[s].advance(batch.end(s));
            }
        }
    }

    private void begin(Plan plan) {
        this.plan = plan;
        batch = plan.batch();
        probe = plan.probe();
        rows = batch.rows();
        live.of(batch);
        for (int i = 0; i < allPoints.size(); i++) {
            HookPoint point = allPoints.get(i);
            wanted.get(point.site())[index(point)] = probe.wants(point);
        }
        if (capacity < rows) {
            capacity = rows;
            residual = new float[rows * d];
            normed = new float[rows * d];
            scales = new float[rows];
            q = new float[rows * d];
            k = new float[rows * d];
            v = new float[rows * d];
            z = new float[rows * d];
            branch = new float[rows * d];
            neurons = new float[rows * config.dMlp()];
        }
        attention.begin(batch);
    }

    /** Token embedding plus position embedding. */
    private void embed() {
        if (wants(Site.EMBED, 0) || wants(Site.POS_EMBED, 0)) {
            float[] tokens = new float[rows * d];
            float[] positions = new float[rows * d];
            for (int row = 0; row < rows; row++) {
                weights.embedding().column(batch.tokens()[row], tokens, row * d);
                System.arraycopy(weights.positions(), batch.position(row) * d, positions, row * d, d);
            }
            show(Site.EMBED, 0, tokens, d);
            show(Site.POS_EMBED, 0, positions, d);
            kernels.sum(residual, 0, tokens, 0, positions, 0, rows * d);
        } else {
            pool.run(tasks(rows), embedTask);
        }
    }

    private void embedRows(int worker, int index) {
        for (int row = index * ROWS_A_TASK; row < endRow(index, rows); row++) {
            weights.embedding().column(batch.tokens()[row], residual, row * d);
            kernels.add(residual, row * d, weights.positions(), batch.position(row) * d, d);
        }
    }

    /** The rest of a branch, from given values in its middle. */
    private void reenter(int layer) {
        Weights.Block block = weights.blocks()[layer];
        float[] given = plan.branch();
        switch (plan.reached()) {
            case Z -> {
                System.arraycopy(given, 0, z, 0, rows * d);
                attentionOut(layer, block);
            }
            case ATTN_OUT -> {
                System.arraycopy(given, 0, branch, 0, rows * d);
                addBranch(Site.ATTN_OUT, layer);
            }
            case MLP_POST -> {
                System.arraycopy(given, 0, neurons, 0, rows * config.dMlp());
                mlpOut(layer, block);
            }
            case MLP_OUT -> {
                System.arraycopy(given, 0, branch, 0, rows * d);
                addBranch(Site.MLP_OUT, layer);
                show(Site.RESID_POST, layer, residual, d);
            }
            default -> throw new AssertionError(plan.reached());
        }
    }

    /** {@code resid_mid = resid_pre + attn(ln1(resid_pre))}. */
    private void attend(int layer) {
        Weights.Block block = weights.blocks()[layer];
        show(Site.RESID_PRE, layer, residual, d);
        boolean split = wants(Site.ATTN_IN, layer)
                || wants(Site.Q_INPUT, layer)
                || wants(Site.K_INPUT, layer)
                || wants(Site.V_INPUT, layer);
        float[] inputs = split ? headInputs.spread(residual, rows) : NOTHING;
        show(Site.ATTN_IN, layer, inputs, config.nHeads() * d);
        float[] qInputs = headInput(Site.Q_INPUT, layer, inputs);
        float[] kInputs = headInput(Site.K_INPUT, layer, inputs);
        float[] vInputs = headInput(Site.V_INPUT, layer, inputs);

        norm(Site.LN1_SCALE, Site.LN1_NORMALIZED, layer, residual, block.ln1(), rows);
        products.of(normed, d, rows)
                .into(q, block.q())
                .into(k, block.k())
                .into(v, block.v())
                .run();
        if (split) {
            headInputs.project(q, qInputs, residual, rows, block.ln1(), block.q());
            headInputs.project(k, kInputs, residual, rows, block.ln1(), block.k());
            headInputs.project(v, vInputs, residual, rows, block.ln1(), block.v());
        }
        show(Site.Q, layer, q, d);
        show(Site.K, layer, k, d);
        show(Site.V, layer, v, d);
        attention.store(layer, k, v);

        if (wants(Site.ATTN_SCORES, layer) || wants(Site.PATTERN, layer)) {
            int[] offsets = batch.mapOffsets(config.nHeads());
            if (maps.length < offsets[batch.sequences()]) {
                maps = new float[offsets[batch.sequences()]];
            }
            attention.scores(maps, offsets, q, config.attnScale(layer));
            showMaps(Site.ATTN_SCORES, layer, maps, offsets);
            attention.pattern();
            showMaps(Site.PATTERN, layer, maps, offsets);
            attention.weigh(z);
        } else {
            attention.fused(z, q, config.attnScale(layer));
        }
        attentionOut(layer, block);
    }

    /** {@code resid_mid = resid_pre + z W_O + b_O}. */
    private void attentionOut(int layer, Weights.Block block) {
        show(Site.Z, layer, z, d);
        if (wants(Site.RESULT, layer)) {
            attentionOutByHead(layer, block);
        } else if (wants(Site.ATTN_OUT, layer)) {
            products.of(z, d, rows).into(branch, block.o()).run();
        } else {
            products.of(z, d, rows).into(branch, block.o()).thenAddTo(residual).run();
            return;
        }
        addBranch(Site.ATTN_OUT, layer);
    }

    /** {@code resid_post = resid_mid + mlp(ln2(resid_mid))}. */
    private void feedForward(int layer) {
        Weights.Block block = weights.blocks()[layer];
        show(Site.RESID_MID, layer, residual, d);
        float[] input = residual;
        if (wants(Site.MLP_IN, layer)) {
            input = Arrays.copyOf(residual, rows * d);
            show(Site.MLP_IN, layer, input, d);
        }
        norm(Site.LN2_SCALE, Site.LN2_NORMALIZED, layer, input, block.ln2(), rows);
        if (wants(Site.MLP_PRE, layer)) {
            products.of(normed, d, rows).into(neurons, block.in()).run();
            show(Site.MLP_PRE, layer, neurons, config.dMlp());
            pool.run(tasks(rows), activateTask);
        } else {
            products.of(normed, d, rows)
                    .into(neurons, block.in())
                    .thenActivate(config.actFn())
                    .run();
        }
        mlpOut(layer, block);
    }

    /** {@code resid_post = resid_mid + post W_out + b_out}. */
    private void mlpOut(int layer, Weights.Block block) {
        show(Site.MLP_POST, layer, neurons, config.dMlp());
        if (wants(Site.MLP_OUT, layer)) {
            products.of(neurons, config.dMlp(), rows).into(branch, block.out()).run();
            addBranch(Site.MLP_OUT, layer);
        } else {
            products.of(neurons, config.dMlp(), rows)
                    .into(branch, block.out())
                    .thenAddTo(residual)
                    .run();
        }
        show(Site.RESID_POST, layer, residual, d);
    }

    /** {@code ln_final(resid_post) W_U}, for the rows and columns asked for. The norm is shown for all rows if anybody watches it. */
    private void unembed(float[] logits) {
        int[] chosen = plan.logitRows();
        int count = chosen.length;
        boolean watched =
                wants(Site.LN_FINAL_SCALE, 0) || wants(Site.LN_FINAL_NORMALIZED, 0) || wants(Site.UNEMBED_IN, 0);
        if (watched) {
            norm(Site.LN_FINAL_SCALE, Site.LN_FINAL_NORMALIZED, 0, residual, weights.finalNorm(), rows);
            show(Site.UNEMBED_IN, 0, normed, d);
            gather(normed, chosen);
        } else {
            gather(residual, chosen);
            norm(Site.LN_FINAL_SCALE, Site.LN_FINAL_NORMALIZED, 0, residual, weights.finalNorm(), count);
        }
        if (count == 0) {
            return;
        }
        int[] columns = plan.logitColumns();
        PackedMatrix unembedding =
                columns == null ? weights.unembedding() : weights.unembedding().columns(columns);
        products.of(normed, d, count).into(logits, unembedding).run();
        if (wants(Site.UNEMBED_OUT, 0)) {
            probe.at(points.get(Site.UNEMBED_OUT)[0], live.chosen(logits, unembedding.n(), chosen, columns));
        }
    }

    /** Moves chosen rows to the front. They ascend, so none overwrites one that is still to be moved. */
    private void gather(float[] values, int[] chosen) {
        for (int i = 0; i < chosen.length; i++) {
            if (chosen[i] != i) {
                System.arraycopy(values, chosen[i] * d, values, i * d, d);
            }
        }
    }

    /** What q, k or v reads: its own copy if a probe wants to see that. */
    private float[] headInput(Site site, int layer, float[] inputs) {
        if (!wants(site, layer)) {
            return inputs;
        }
        float[] own = inputs.clone();
        show(site, layer, own, config.nHeads() * d);
        return own;
    }

    /** {@code branch = sum_h z_h W_O[h] + b_O}, with every head's part shown. The sum is formed head by head only where an edit changed a part. */
    private void attentionOutByHead(int layer, Weights.Block block) {
        int heads = config.nHeads();
        int width = heads * d;
        float[] results = new float[Batch.arraySize(rows, width)];
        for (int head = 0; head < heads; head++) {
            products.of(z, head * config.dHead(), d, config.dHead(), rows)
                    .into(results, head * d, width, block.oByHead()[head])
                    .run();
        }
        float[] unedited = results.clone();
        show(Site.RESULT, layer, results, width);
        products.of(z, d, rows).into(branch, block.o()).run();
        for (int row = 0; row < rows; row++) {
            int at = row * width;
            if (!Arrays.equals(results, at, at + width, unedited, at, at + width)) {
                System.arraycopy(results, at, branch, row * d, d);
                for (int head = 1; head < heads; head++) {
                    kernels.add(branch, row * d, results, at + head * d, d);
                }
                kernels.add(branch, row * d, block.o().bias(), 0, d);
            }
        }
    }

    /** {@code normed = (x - mean) / scale * gain + bias} for the first {@code count} rows of {@code in}. */
    private void norm(Site scale, Site normalized, int layer, float[] in, Weights.Norm norm, int count) {
        normIn = in;
        this.norm = norm;
        normCount = count;
        if (!wants(scale, layer) && !wants(normalized, layer)) {
            normRows(NormStep.ALL);
            return;
        }
        normRows(NormStep.CENTER);
        show(scale, layer, scales, 1);
        normRows(NormStep.DIVIDE);
        show(normalized, layer, normed, d);
        normRows(NormStep.AFFINE);
    }

    private void normRows(NormStep step) {
        normStep = step;
        pool.run(tasks(normCount), normTask);
    }

    private void normRows(int worker, int index) {
        boolean all = normStep == NormStep.ALL;
        for (int row = index * ROWS_A_TASK; row < endRow(index, normCount); row++) {
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

    private void activateRows(int worker, int index) {
        int from = index * ROWS_A_TASK;
        int n = config.dMlp();
        kernels.activate(neurons, from * n, (endRow(index, rows) - from) * n, config.actFn());
    }

    private void addBranch(Site site, int layer) {
        show(site, layer, branch, d);
        pool.run(tasks(rows), addBranchTask);
    }

    private void addBranchRows(int worker, int index) {
        int from = index * ROWS_A_TASK;
        kernels.add(residual, from * d, branch, from * d, (endRow(index, rows) - from) * d);
    }

    private static int tasks(int rows) {
        return (rows + ROWS_A_TASK - 1) / ROWS_A_TASK;
    }

    private static int endRow(int index, int rows) {
        return Math.min(rows, (index + 1) * ROWS_A_TASK);
    }

    private static int index(HookPoint point) {
        return Math.max(0, point.layer());
    }

    private boolean wants(Site site, int layer) {
        return wanted.get(site)[layer];
    }

    private void show(Site site, int layer, float[] values, int width) {
        if (wants(site, layer)) {
            probe.at(points.get(site)[layer], live.rows(values, width));
        }
    }

    private void showMaps(Site site, int layer, float[] maps, int[] offsets) {
        if (wants(site, layer)) {
            probe.at(points.get(site)[layer], live.maps(maps, offsets));
        }
    }
}
