package dev.hyaline.engine.internal.backward;

import dev.hyaline.engine.Start;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.internal.forward.Batch;
import dev.hyaline.engine.internal.forward.LogitColumns;
import dev.hyaline.engine.internal.forward.PackedWeights;
import dev.hyaline.engine.internal.forward.Plan;
import dev.hyaline.engine.internal.forward.Plan.Output;
import dev.hyaline.engine.internal.forward.Products;
import dev.hyaline.engine.internal.kernel.GradientKernels;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * GPT-2's backward pass: the stages of a forward pass in reverse, each its sites in reverse, from the gradient of a
 * scalar with respect to what the pass left to that with respect to where it began. One pass at a time.
 *
 * <p>Each stage first forms again, with the forward pass's kernels, what it needs and was not kept. At each site the
 * gradient is shown with respect to the value that later steps read, which is the one after all edits; then the edits'
 * probe takes it back to the value before.
 */
public final class BackwardPass {
    private static final float[] NOTHING = {};
    private static final String EMBEDDING = "wte.weight";

    private final Gpt2Config config;
    private final int d;
    private final PackedWeights weights;
    private final TransposedWeights transposedWeights;
    private final Kernels kernels;
    private final GradientKernels gradients;
    private final WorkerPool pool;
    private final Products products;
    private final UnembeddingGradient unembedding;
    private final AttentionGradient attention;
    private final HeadInputGradient headInputs;
    private final ParameterSums parameterSums;
    private final FormedRows formed = new FormedRows();
    private final GradientHooks hooks = new GradientHooks(formed);
    private final NormGradient norm;

    private KeptPass kept = KeptPass.NONE;
    private Plan plan = KeptPass.NONE.plan();
    private Batch batch = Batch.EMPTY;
    /** {@link #parameterSums} in a pass that forms them. */
    private @Nullable ParameterSums parameters;

    private int rows;
    private int capacity;
    private TransposedWeights.Block[] transposed = {};

    /** The gradient with respect to the residual stream where the pass has come to, {@code [rows, dModel]}. */
    private float[] residual = NOTHING;
    /** The gradient at what a stage reads, in or before its LayerNorm. */
    private float[] normed = NOTHING;

    private float[] branch = NOTHING;
    private float[] part = NOTHING;
    private float[] gz = NOTHING;
    private float[] gq = NOTHING;
    private float[] gk = NOTHING;
    private float[] gv = NOTHING;
    private float[] neurons = NOTHING;

    // Values of the forward pass, formed again.

    private float[] q = NOTHING;
    private float[] k = NOTHING;
    private float[] v = NOTHING;
    private float[] pre = NOTHING;

    /** A pass over a model's weights. */
    public BackwardPass(
            Gpt2Config config,
            PackedWeights weights,
            TransposedWeights transposedWeights,
            Kernels kernels,
            WorkerPool pool) {
        this.config = config;
        this.weights = weights;
        this.transposedWeights = transposedWeights;
        this.kernels = kernels;
        this.pool = pool;
        d = config.dModel();
        gradients = kernels.gradients();
        products = new Products(kernels, pool);
        unembedding = new UnembeddingGradient(config, weights, transposedWeights, kernels, pool, products);
        attention = new AttentionGradient(config, kernels, pool);
        norm = new NormGradient(d, config.eps(), kernels, pool, hooks);
        parameterSums = new ParameterSums(kernels, products, pool);
        headInputs = new HeadInputGradient(config, weights, kernels, pool, products);
    }

    /**
     * Goes back through a pass.
     *
     * @param gradient with respect to what the pass left: {@code [logit rows, columns]} or {@code [rows, dModel]}
     * @param probe is shown gradients, last point first
     */
    public void run(KeptPass kept, float[] gradient, Probe probe) {
        run(kept, gradient, probe, null);
    }

    /**
     * As {@link #run(KeptPass, float[], Probe)}, and adds the gradients with respect to the parameters to sums.
     *
     * @param sums gives a tensor's sums by its name, in the tensor's layout
     */
    public void run(KeptPass kept, float[] gradient, Probe probe, @Nullable Function<String, float[]> sums) {
        try {
            begin(kept, probe, sums == null);
            if (sums != null) {
                requireWhole();
                parameterSums.begin(sums, rows);
                parameters = parameterSums;
            }
            runStages(gradient);
        } finally {
            // A pass at rest keeps nothing of its callers.
            this.kept = KeptPass.NONE;
            plan = KeptPass.NONE.plan();
            parameters = null;
            parameterSums.end();
            batch = Batch.EMPTY;
            formed.end();
            hooks.end();
            norm.end();
            attention.end();
            headInputs.end();
        }
    }

    /** The parameters' gradients need the values that each product read, which edits may have replaced. */
    private void requireWhole() {
        if (kept.hasEdits()) {
            throw new BadInputException("gradients of parameters need a forward pass without edits");
        }
        if (!(plan.start() instanceof Start.Embedding)
                || !(plan.output() instanceof Output.Logits logits
                        && logits.columns().isAll())) {
            throw new BadInputException(
                    "gradients of parameters need a pass from the embedding to logits of the whole vocabulary");
        }
    }

    private void begin(KeptPass kept, Probe probe, boolean mayBePart) {
        this.kept = kept;
        plan = kept.plan();
        formed.begin(config, kept, probe, mayBePart);
        batch = formed.batch();
        rows = batch.rows();
        hooks.begin(kept, probe);
        norm.begin(kept, rows);
        transposed = transposedWeights.blocks(pool);
        if (capacity < rows) {
            capacity = rows;
            residual = new float[Batch.arraySize(rows, d)];
            normed = new float[rows * d];
            branch = new float[rows * d];
            part = new float[rows * d];
            gz = new float[rows * d];
            gq = new float[rows * d];
            gk = new float[rows * d];
            gv = new float[rows * d];
            q = new float[rows * d];
            k = new float[rows * d];
            v = new float[rows * d];
            neurons = new float[Batch.arraySize(rows, config.dMlp())];
            pre = new float[neurons.length];
        }
    }

    private void runStages(float[] gradient) {
        switch (plan.output()) {
            case Output.Residual output -> System.arraycopy(gradient, 0, residual, 0, rows * d);
            case Output.Logits output -> unembed(output, gradient);
        }
        List<Boundary> stages = plan.stages();
        for (Boundary at : stages.reversed()) {
            switch (at.stage(config)) {
                case ATTENTION -> attend(at.layer());
                case MLP -> feedForward(at.layer());
                case EMBEDDING, UNEMBEDDING -> throw new AssertionError(stages);
            }
        }
        if (plan.start() instanceof Start.Embedding) {
            embed();
        }
    }

    /** {@code logits = ln_final(resid_post) W_U}, of the rows and columns that were formed. */
    private void unembed(Output.Logits output, float[] given) {
        int[] chosen = formed.chosen(output.rows());
        Arrays.fill(residual, 0, rows * d, 0);
        Arrays.fill(normed, 0, rows * d, 0);
        norm.form(finalResidual(), weights.finalNorm(), Site.LN_FINAL_SCALE, Site.LN_FINAL_NORMALIZED, 0);
        if (chosen.length > 0) {
            LogitColumns columns = output.columns();
            float[] logits = formed.chosenLogits(output.rows(), given, columns.count(config.dVocab()));
            if (!formed.isPart() && hooks.isWanted(HookPoint.of(Site.UNEMBED_OUT))) {
                logits = given.clone(); // a probe may change what it is shown
            }
            hooks.backLogits(logits, config.dVocab(), chosen, columns);
            unembedding.run(logits, chosen, columns, normed, part);
            if (parameters != null) {
                for (int i = 0; i < chosen.length; i++) {
                    System.arraycopy(norm.out(), chosen[i] * d, part, i * d, d);
                }
                String name = config.tieWordEmbeddings() ? EMBEDDING : "lm_head.weight";
                parameters.unembedding(name, part, d, logits, config.dVocab(), chosen.length);
            }
        }
        hooks.back(Site.UNEMBED_IN, 0, normed, d);
        norm.back(normed, weights.finalNorm(), Site.LN_FINAL_SCALE, Site.LN_FINAL_NORMALIZED, 0, parameters);
        addToResidual(normed);
    }

    private float[] finalResidual() {
        if (plan.stages().isEmpty()) {
            return ((Start.Residual) plan.start()).rows();
        }
        return formed.of(kept.of(HookPoint.of(Site.RESID_POST, config.nLayers() - 1)), d);
    }

    /** {@code resid_post = resid_mid + mlp(ln2(resid_mid))}. */
    private void feedForward(int layer) {
        PackedWeights.Block block = weights.blocks()[layer];
        hooks.back(Site.RESID_POST, layer, residual, d);
        float[] out = branch(Site.MLP_OUT, layer);
        products.begin(out, d, rows).into(neurons, transposed[layer].out()).run();
        hooks.back(Site.MLP_POST, layer, neurons, config.dMlp());
        norm.form(mlpInput(layer), block.ln2(), Site.LN2_SCALE, Site.LN2_NORMALIZED, layer);
        float[] neuronsBefore = kept.at(HookPoint.of(Site.MLP_PRE, layer));
        if (neuronsBefore == null) {
            products.begin(norm.out(), d, rows).into(pre, block.in()).run();
            neuronsBefore = pre;
        } else {
            neuronsBefore = formed.of(neuronsBefore, config.dMlp());
        }
        if (parameters != null) {
            parameters.linear("h." + layer + ".mlp.c_proj", activated(neuronsBefore), config.dMlp(), out, d);
        }
        activationGradient(neuronsBefore);
        hooks.back(Site.MLP_PRE, layer, neurons, config.dMlp());
        if (parameters != null) {
            parameters.linear("h." + layer + ".mlp.c_fc", norm.out(), d, neurons, config.dMlp());
        }
        products.begin(neurons, config.dMlp(), rows)
                .into(normed, transposed[layer].in())
                .run();
        norm.back(normed, block.ln2(), Site.LN2_SCALE, Site.LN2_NORMALIZED, layer, parameters);
        hooks.back(Site.MLP_IN, layer, normed, d);
        addToResidual(normed);
        hooks.back(Site.RESID_MID, layer, residual, d);
    }

    private float[] mlpInput(int layer) {
        HookPoint input = HookPoint.of(Site.MLP_IN, layer);
        return formed.of(kept.of(kept.isEdited(input) ? input : HookPoint.of(Site.RESID_MID, layer)), d);
    }

    /** {@code resid_mid = resid_pre + attn(ln1(resid_pre))}. */
    private void attend(int layer) {
        PackedWeights.Block block = weights.blocks()[layer];
        float[] before = formed.of(kept.of(HookPoint.of(Site.RESID_PRE, layer)), d);
        float[] out = branch(Site.ATTN_OUT, layer);
        products.begin(out, d, rows).into(gz, transposed[layer].o()).run();
        headResults(layer, out);
        hooks.back(Site.Z, layer, gz, d);

        norm.form(before, block.ln1(), Site.LN1_SCALE, Site.LN1_NORMALIZED, layer);
        headInputs.begin(kept, layer, rows, before);
        float[] queries = projected(Site.Q, layer, q, block.q());
        float[] keys = projected(Site.K, layer, k, block.k());
        float[] values = projected(Site.V, layer, v, block.v());
        attention.begin(batch, formed.whole(), config.attnScale(layer), queries, keys, values, gz);
        if (parameters != null) {
            attention.alsoForm(part);
        }
        weighValues(layer);
        if (parameters != null) {
            parameters.linear("h." + layer + ".attn.c_proj", part, d, out, d);
        }
        hooks.back(Site.V, layer, gv, d);
        hooks.back(Site.K, layer, gk, d);
        hooks.back(Site.Q, layer, gq, d);
        if (parameters != null) {
            String name = "h." + layer + ".attn.c_attn";
            parameters.linear(name, norm.out(), d, gq, d, 0, 3 * d);
            parameters.linear(name, norm.out(), d, gk, d, d, 3 * d);
            parameters.linear(name, norm.out(), d, gv, d, 2 * d, 3 * d);
        }

        // Heads that read something else than the residual stream have no part in what its norm does.
        products.begin(headInputs.shared(Site.Q_INPUT, gq), d, rows)
                .into(normed, transposed[layer].q())
                .run();
        products.begin(headInputs.shared(Site.K_INPUT, gk), d, rows)
                .into(part, transposed[layer].k())
                .thenAddTo(normed)
                .run();
        products.begin(headInputs.shared(Site.V_INPUT, gv), d, rows)
                .into(part, transposed[layer].v())
                .thenAddTo(normed)
                .run();
        norm.back(normed, block.ln1(), Site.LN1_SCALE, Site.LN1_NORMALIZED, layer, parameters);
        headInputs(layer);
        addToResidual(normed);
        hooks.back(Site.RESID_PRE, layer, residual, d);
    }

    private float[] projected(Site site, int layer, float[] room, PackedMatrix w) {
        float[] values = kept.at(HookPoint.of(site, layer));
        if (values != null) {
            // Queries see the keys and values of all positions before them.
            return site == Site.Q ? formed.of(values, d) : values;
        }
        products.begin(norm.out(), d, rows).into(room, w).run();
        headInputs.project(site, room, w);
        return room;
    }

    /** {@code z = softmax(q k^T / sqrt(dHead)) v}, in steps if anybody watches the maps. */
    private void weighValues(int layer) {
        HookPoint scores = HookPoint.of(Site.ATTN_SCORES, layer);
        HookPoint pattern = HookPoint.of(Site.PATTERN, layer);
        if (parameters != null && (hooks.isWanted(scores) || hooks.isWanted(pattern))) {
            throw new BadInputException("gradients of parameters and of attention maps are had by two backward passes,"
                    + " found " + pattern + " asked for beside parameters");
        }
        if (!hooks.isWanted(scores) && !hooks.isWanted(pattern)) {
            attention.run(gq, gk, gv);
            return;
        }
        int[] offsets = batch.mapOffsets(config.nHeads());
        AttentionGradient.Maps maps = new AttentionGradient.Maps(offsets, kept.at(scores), kept.at(pattern));
        attention.patternGradient(maps);
        hooks.backMaps(pattern, maps.gradient(), offsets);
        attention.scoresGradient(maps);
        hooks.backMaps(scores, maps.gradient(), offsets);
        attention.finish(maps, gq, gk, gv);
    }

    /** The gradient at what each head adds, and at z again for the rows where that was changed. */
    private void headResults(int layer, float[] out) {
        HookPoint point = HookPoint.of(Site.RESULT, layer);
        if (!hooks.isWanted(point)) {
            return;
        }
        int heads = config.nHeads();
        int width = heads * d;
        float[] results = new float[Batch.arraySize(rows, width)];
        for (int row = 0; row < rows; row++) {
            for (int head = 0; head < heads; head++) {
                System.arraycopy(out, row * d, results, row * width + head * d, d);
            }
        }
        float[] before = hooks.mayChange(point) ? results.clone() : NOTHING;
        hooks.backWhole(point, results, width);
        if (!hooks.mayChange(point) || Arrays.equals(results, before)) {
            return;
        }
        for (int head = 0; head < heads; head++) {
            products.begin(results, head * d, width, d, rows)
                    .into(part, transposed[layer].o())
                    .run();
            for (int row = 0; row < rows; row++) {
                int at = row * width + head * d;
                if (!Arrays.equals(results, at, at + d, before, at, at + d)) {
                    int column = row * d + head * config.dHead();
                    System.arraycopy(part, column, gz, column, config.dHead());
                }
            }
        }
    }

    /** The gradients at what each head reads, which replace the rows' gradient where somebody changes them. */
    private void headInputs(int layer) {
        Site[] sites = {Site.V_INPUT, Site.K_INPUT, Site.Q_INPUT};
        float[][] projections = {gv, gk, gq};
        PackedMatrix[] matrices = {transposed[layer].v(), transposed[layer].k(), transposed[layer].q()};
        List<HookPoint> points =
                Arrays.stream(sites).map(site -> HookPoint.of(site, layer)).toList();
        HookPoint all = HookPoint.of(Site.ATTN_IN, layer);
        if (!hooks.isWanted(all) && points.stream().noneMatch(hooks::isWanted)) {
            return;
        }
        if (kept.isEdited(HookPoint.of(Site.LN1_SCALE, layer))
                || kept.isEdited(HookPoint.of(Site.LN1_NORMALIZED, layer))) {
            throw new BadInputException("a pass that edits " + HookPoint.of(Site.LN1_NORMALIZED, layer)
                    + " or its scale has no gradients of what each head reads in that layer; ask for those in a pass"
                    + " without the edit");
        }
        int width = config.nHeads() * d;
        boolean[] changed = headInputs.changedRows();
        boolean summed = hooks.isWanted(all) || points.stream().anyMatch(hooks::mayChange);
        for (boolean row : changed) {
            summed |= row;
        }
        int[] read = summed ? IntStream.range(0, rows).toArray() : hooks.rowsRead(points);
        float[] sum = summed ? new float[Batch.arraySize(rows, width)] : NOTHING;
        for (int i = 0; i < sites.length; i++) {
            float[] inputs = headInputs.gradient(
                    sites[i],
                    projections[i],
                    matrices[i],
                    norm.normalized(),
                    norm.scales(),
                    read,
                    formed::wholeRow,
                    formed.whole().rows());
            backByRow(points.get(i), inputs, width, changed);
            if (summed) {
                kernels.add(sum, 0, inputs, 0, rows * width);
            }
        }
        backByRow(all, sum, width, changed);
        for (int row = 0; row < rows; row++) {
            if (changed[row]) {
                System.arraycopy(sum, row * width, normed, row * d, d);
                for (int head = 1; head < config.nHeads(); head++) {
                    kernels.add(normed, row * d, sum, row * width + head * d, d);
                }
            }
        }
    }

    private void backByRow(HookPoint point, float[] values, int width, boolean[] changed) {
        if (!hooks.isWanted(point)) {
            return;
        }
        if (!hooks.mayChange(point)) {
            hooks.backWhole(point, values, width);
            return;
        }
        float[] before = Arrays.copyOf(values, rows * width);
        hooks.backWhole(point, values, width);
        for (int row = 0; row < rows; row++) {
            int at = row * width;
            changed[row] |= !Arrays.equals(values, at, at + width, before, at, at + width);
        }
    }

    /** Token embedding plus position embedding. */
    private void embed() {
        if (parameters != null) {
            parameters.embedding(EMBEDDING, batch.tokens(), residual, d);
            parameters.positions("wpe.weight", batch, residual, d);
        }
        for (Site site : new Site[] {Site.POS_EMBED, Site.EMBED}) {
            if (hooks.isWanted(HookPoint.of(site))) {
                hooks.back(site, 0, Arrays.copyOf(residual, rows * d), d);
            }
        }
    }

    /** The gradient at what a stage adds to the residual stream: a copy of the stream's if anybody may change it. */
    private float[] branch(Site site, int layer) {
        if (!hooks.isWanted(HookPoint.of(site, layer))) {
            return residual;
        }
        System.arraycopy(residual, 0, branch, 0, rows * d);
        hooks.back(site, layer, branch, d);
        return branch;
    }

    private float[] activated(float[] before) {
        int width = config.dMlp();
        float[] after = Arrays.copyOf(before, rows * width);
        RowLoop.run(pool, rows, row -> kernels.activate(after, row * width, width, config.actFn()));
        return after;
    }

    private void activationGradient(float[] before) {
        int width = config.dMlp();
        RowLoop.run(
                pool,
                rows,
                row -> gradients.activationGradient(neurons, row * width, before, row * width, width, config.actFn()));
    }

    private void addToResidual(float[] addend) {
        RowLoop.run(pool, rows, row -> kernels.add(residual, row * d, addend, row * d, d));
    }
}
