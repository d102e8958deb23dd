package dev.hyaline.engine.internal.backward;

import dev.hyaline.engine.Start;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.internal.forward.Batch;
import dev.hyaline.engine.internal.forward.LiveActivation;
import dev.hyaline.engine.internal.forward.LogitColumns;
import dev.hyaline.engine.internal.forward.PackedWeights;
import dev.hyaline.engine.internal.forward.Plan;
import dev.hyaline.engine.internal.forward.Plan.Output;
import dev.hyaline.engine.internal.forward.Products;
import dev.hyaline.engine.internal.kernel.GradientKernels;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
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
    private static final int ROWS_PER_TASK = 16;

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
    private final LiveActivation live = new LiveActivation();

    private KeptPass kept = KeptPass.NONE;
    private Plan plan = KeptPass.NONE.plan();
    /** The positions whose gradients are formed: all, or the last ones of each sequence. */
    private Batch batch = Batch.EMPTY;

    private Batch whole = Batch.EMPTY;
    /** By row of {@link #batch}, the row of {@link #whole}. */
    private int[] wholeRows = {};
    /** Room for what a probe is shown where not all rows are formed. */
    private float[] shown = NOTHING;

    /** {@link #parameterSums} in a pass that forms them. */
    private @Nullable ParameterSums parameters;

    private Probe probe = Probe.NONE;
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

    private float[] normalized = NOTHING;
    private float[] scales = NOTHING;
    private float[] normOut = NOTHING;
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
            whole = Batch.EMPTY;
            shown = NOTHING;
            this.probe = Probe.NONE;
            attention.end();
            headInputs.end();
            live.forget();
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
        this.probe = probe;
        plan = kept.plan();
        whole = plan.batch();
        batch = mayBePart && canBePart() ? lastPositions() : whole;
        rows = batch.rows();
        live.begin(whole);
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
            normalized = new float[rows * d];
            normOut = new float[rows * d];
            scales = new float[rows];
            q = new float[rows * d];
            k = new float[rows * d];
            v = new float[rows * d];
            neurons = new float[Batch.arraySize(rows, config.dMlp())];
            pre = new float[neurons.length];
        }
    }

    /**
     * Returns whether positions that nobody reads may be left out: nobody changes a gradient, or is shown one that has
     * no row a position, and of the forward pass there is all that they would be formed from.
     */
    private boolean canBePart() {
        if (!(plan.start() instanceof Start.Embedding)
                || !(plan.output() instanceof Output.Logits)
                || !Set.of(HookPoint.of(Site.EMBED)).containsAll(kept.watchedPoints())) {
            return false;
        }
        for (int layer = 0; layer < config.nLayers(); layer++) {
            if (kept.at(HookPoint.of(Site.K, layer)) == null || kept.at(HookPoint.of(Site.V, layer)) == null) {
                return false;
            }
        }
        for (HookPoint point : HookPoint.all(config)) {
            if (probe.wants(point)
                    && (probe.changes(point)
                            || switch (point.site()) {
                                case ATTN_IN, ATTN_SCORES, PATTERN, RESULT, UNEMBED_OUT -> true;
                                default -> false;
                            })) {
                return false;
            }
        }
        return true;
    }

    /** The positions from the first that the probe reads somewhere; gradients there depend on no earlier ones. */
    private Batch lastPositions() {
        List<HookPoint> wanted =
                HookPoint.all(config).stream().filter(probe::wants).toList();
        int sequences = whole.sequences();
        int[] start = new int[sequences];
        int[] firstRow = new int[sequences + 1];
        IntStream.Builder tokens = IntStream.builder();
        for (int s = 0; s < sequences; s++) {
            int sequence = s;
            int last = whole.end(s) - 1;
            start[s] = IntStream.range(0, last)
                    .filter(position -> wanted.stream().anyMatch(point -> probe.reads(point, sequence, position)))
                    .findFirst()
                    .orElse(last);
            firstRow[s + 1] = firstRow[s] + whole.end(s) - start[s];
            for (int position = start[s]; position <= last; position++) {
                tokens.add(whole.tokens()[whole.firstRow()[s] + position]);
            }
        }
        if (firstRow[sequences] == whole.rows()) {
            return whole;
        }
        wholeRows = new int[firstRow[sequences]];
        for (int s = 0; s < sequences; s++) {
            for (int row = firstRow[s]; row < firstRow[s + 1]; row++) {
                wholeRows[row] = whole.firstRow()[s] + start[s] + row - firstRow[s];
            }
        }
        return new Batch(tokens.build().toArray(), firstRow, start, whole.past(), whole.append());
    }

    private boolean isPart() {
        return batch.rows() < whole.rows();
    }

    /** The row of the whole batch. */
    private int wholeRow(int row) {
        return isPart() ? wholeRows[row] : row;
    }

    /** The rows that are formed, of values of all. */
    private float[] formed(float[] all, int width) {
        if (!isPart()) {
            return all;
        }
        float[] some = new float[rows * width];
        for (int row = 0; row < rows; row++) {
            System.arraycopy(all, wholeRows[row] * width, some, row * width, width);
        }
        return some;
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
        int[] chosen = isPart() ? chosenRows(output.rows()) : output.rows();
        Arrays.fill(residual, 0, rows * d, 0);
        Arrays.fill(normed, 0, rows * d, 0);
        normalize(finalResidual(), weights.finalNorm(), Site.LN_FINAL_SCALE, Site.LN_FINAL_NORMALIZED, 0);
        if (chosen.length > 0) {
            LogitColumns columns = output.columns();
            HookPoint point = HookPoint.of(Site.UNEMBED_OUT);
            float[] logits = isPart()
                    ? chosenLogits(output, given)
                    : isWanted(point) ? given.clone() : given; // a probe may change what it is shown
            back(point, () -> live.logits(logits, config.dVocab(), chosen, columns));
            unembedding.run(logits, chosen, columns, normed, part);
            if (parameters != null) {
                for (int i = 0; i < chosen.length; i++) {
                    System.arraycopy(normOut, chosen[i] * d, part, i * d, d);
                }
                String name = config.tieWordEmbeddings() ? EMBEDDING : "lm_head.weight";
                parameters.unembedding(name, part, d, logits, config.dVocab(), chosen.length);
            }
        }
        back(Site.UNEMBED_IN, 0, normed, d);
        norm(weights.finalNorm(), Site.LN_FINAL_SCALE, Site.LN_FINAL_NORMALIZED, 0);
        addToResidual(normed);
    }

    /** Those of some rows of the whole batch that are formed. */
    private int[] chosenRows(int[] ofWhole) {
        return IntStream.of(ofWhole)
                .map(row -> Arrays.binarySearch(wholeRows, 0, rows, row))
                .filter(row -> row >= 0)
                .toArray();
    }

    private float[] chosenLogits(Output.Logits output, float[] given) {
        int width = output.columns().count(config.dVocab());
        int[] chosen = IntStream.range(0, output.rows().length)
                .filter(i -> Arrays.binarySearch(wholeRows, 0, rows, output.rows()[i]) >= 0)
                .toArray();
        float[] logits = new float[chosen.length * width];
        for (int i = 0; i < chosen.length; i++) {
            System.arraycopy(given, chosen[i] * width, logits, i * width, width);
        }
        return logits;
    }

    private float[] finalResidual() {
        if (plan.stages().isEmpty()) {
            return ((Start.Residual) plan.start()).rows();
        }
        return formed(kept.of(HookPoint.of(Site.RESID_POST, config.nLayers() - 1)), d);
    }

    /** {@code resid_post = resid_mid + mlp(ln2(resid_mid))}. */
    private void feedForward(int layer) {
        PackedWeights.Block block = weights.blocks()[layer];
        back(Site.RESID_POST, layer, residual, d);
        float[] out = branch(Site.MLP_OUT, layer);
        products.begin(out, d, rows).into(neurons, transposed[layer].out()).run();
        back(Site.MLP_POST, layer, neurons, config.dMlp());
        normalize(mlpInput(layer), block.ln2(), Site.LN2_SCALE, Site.LN2_NORMALIZED, layer);
        float[] neuronsBefore = kept.at(HookPoint.of(Site.MLP_PRE, layer));
        if (neuronsBefore == null) {
            products.begin(normOut, d, rows).into(pre, block.in()).run();
            neuronsBefore = pre;
        } else {
            neuronsBefore = formed(neuronsBefore, config.dMlp());
        }
        if (parameters != null) {
            parameters.linear("h." + layer + ".mlp.c_proj", activated(neuronsBefore), config.dMlp(), out, d);
        }
        activationGradient(neuronsBefore);
        back(Site.MLP_PRE, layer, neurons, config.dMlp());
        if (parameters != null) {
            parameters.linear("h." + layer + ".mlp.c_fc", normOut, d, neurons, config.dMlp());
        }
        products.begin(neurons, config.dMlp(), rows)
                .into(normed, transposed[layer].in())
                .run();
        norm(block.ln2(), Site.LN2_SCALE, Site.LN2_NORMALIZED, layer);
        back(Site.MLP_IN, layer, normed, d);
        addToResidual(normed);
        back(Site.RESID_MID, layer, residual, d);
    }

    private float[] mlpInput(int layer) {
        HookPoint input = HookPoint.of(Site.MLP_IN, layer);
        return formed(kept.of(kept.isEdited(input) ? input : HookPoint.of(Site.RESID_MID, layer)), d);
    }

    /** {@code resid_mid = resid_pre + attn(ln1(resid_pre))}. */
    private void attend(int layer) {
        PackedWeights.Block block = weights.blocks()[layer];
        float[] before = formed(kept.of(HookPoint.of(Site.RESID_PRE, layer)), d);
        float[] out = branch(Site.ATTN_OUT, layer);
        products.begin(out, d, rows).into(gz, transposed[layer].o()).run();
        headResults(layer, out);
        back(Site.Z, layer, gz, d);

        normalize(before, block.ln1(), Site.LN1_SCALE, Site.LN1_NORMALIZED, layer);
        headInputs.begin(kept, layer, rows, before);
        float[] queries = projected(Site.Q, layer, q, block.q());
        float[] keys = projected(Site.K, layer, k, block.k());
        float[] values = projected(Site.V, layer, v, block.v());
        attention.begin(batch, whole, config.attnScale(layer), queries, keys, values, gz);
        if (parameters != null) {
            attention.alsoForm(part);
        }
        weighValues(layer);
        if (parameters != null) {
            parameters.linear("h." + layer + ".attn.c_proj", part, d, out, d);
        }
        back(Site.V, layer, gv, d);
        back(Site.K, layer, gk, d);
        back(Site.Q, layer, gq, d);
        if (parameters != null) {
            String name = "h." + layer + ".attn.c_attn";
            parameters.linear(name, normOut, d, gq, d, 0, 3 * d);
            parameters.linear(name, normOut, d, gk, d, d, 3 * d);
            parameters.linear(name, normOut, d, gv, d, 2 * d, 3 * d);
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
        norm(block.ln1(), Site.LN1_SCALE, Site.LN1_NORMALIZED, layer);
        headInputs(layer);
        addToResidual(normed);
        back(Site.RESID_PRE, layer, residual, d);
    }

    private float[] projected(Site site, int layer, float[] room, PackedMatrix w) {
        float[] values = kept.at(HookPoint.of(site, layer));
        if (values != null) {
            // Queries see the keys and values of all positions before them.
            return site == Site.Q ? formed(values, d) : values;
        }
        products.begin(normOut, d, rows).into(room, w).run();
        headInputs.project(site, room, w);
        return room;
    }

    /** {@code z = softmax(q k^T / sqrt(dHead)) v}, in steps if anybody watches the maps. */
    private void weighValues(int layer) {
        HookPoint scores = HookPoint.of(Site.ATTN_SCORES, layer);
        HookPoint pattern = HookPoint.of(Site.PATTERN, layer);
        if (parameters != null && (isWanted(scores) || isWanted(pattern))) {
            throw new BadInputException("gradients of parameters and of attention maps are had by two backward passes,"
                    + " found " + pattern + " asked for beside parameters");
        }
        if (!isWanted(scores) && !isWanted(pattern)) {
            attention.run(gq, gk, gv);
            return;
        }
        int[] offsets = batch.mapOffsets(config.nHeads());
        AttentionGradient.Maps maps = new AttentionGradient.Maps(offsets, kept.at(scores), kept.at(pattern));
        attention.patternGradient(maps);
        back(pattern, () -> live.maps(maps.gradient(), offsets));
        attention.scoresGradient(maps);
        back(scores, () -> live.maps(maps.gradient(), offsets));
        attention.finish(maps, gq, gk, gv);
    }

    /** The gradient at what each head adds, and at z again for the rows where that was changed. */
    private void headResults(int layer, float[] out) {
        HookPoint point = HookPoint.of(Site.RESULT, layer);
        if (!isWanted(point)) {
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
        float[] before = mayChange(point) ? results.clone() : NOTHING;
        back(point, () -> live.rows(results, width));
        if (!mayChange(point) || Arrays.equals(results, before)) {
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
        boolean wanted = isWanted(HookPoint.of(Site.ATTN_IN, layer));
        for (Site site : sites) {
            wanted |= isWanted(HookPoint.of(site, layer));
        }
        if (!wanted) {
            return;
        }
        if (kept.isEdited(HookPoint.of(Site.LN1_SCALE, layer))
                || kept.isEdited(HookPoint.of(Site.LN1_NORMALIZED, layer))) {
            throw new BadInputException("a pass that edits " + HookPoint.of(Site.LN1_NORMALIZED, layer)
                    + " or its scale has no gradients of what each head reads in that layer; ask for those in a pass"
                    + " without the edit");
        }
        int width = config.nHeads() * d;
        HookPoint all = HookPoint.of(Site.ATTN_IN, layer);
        boolean[] changed = headInputs.changedRows();
        boolean summed = isWanted(all);
        for (Site site : sites) {
            summed |= mayChange(HookPoint.of(site, layer));
        }
        for (boolean row : changed) {
            summed |= row;
        }
        int[] formed = summed ? IntStream.range(0, rows).toArray() : rowsRead(sites, layer);
        float[] sum = summed ? new float[Batch.arraySize(rows, width)] : NOTHING;
        for (int i = 0; i < sites.length; i++) {
            float[] inputs = headInputs.gradient(
                    sites[i], projections[i], matrices[i], normalized, scales, formed, this::wholeRow, whole.rows());
            backByRow(HookPoint.of(sites[i], layer), inputs, width, changed);
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

    /** The rows at which the probe reads one of some points. */
    private int[] rowsRead(Site[] sites, int layer) {
        List<HookPoint> points = Arrays.stream(sites)
                .map(site -> HookPoint.of(site, layer))
                .filter(probe::wants)
                .toList();
        return IntStream.range(0, rows)
                .filter(row -> {
                    int sequence = batch.sequenceOf(row);
                    int position = batch.position(row);
                    return points.stream().anyMatch(point -> probe.reads(point, sequence, position));
                })
                .toArray();
    }

    private boolean mayChange(HookPoint point) {
        return kept.isWatched(point) || (probe.wants(point) && probe.changes(point));
    }

    private void backByRow(HookPoint point, float[] values, int width, boolean[] changed) {
        if (!isWanted(point)) {
            return;
        }
        if (!mayChange(point)) {
            if (probe.wants(point)) {
                probe.at(point, live.rows(values, width));
            }
            return;
        }
        float[] before = Arrays.copyOf(values, rows * width);
        back(point, () -> live.rows(values, width));
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
            HookPoint point = HookPoint.of(site);
            if (isPart() ? probe.wants(point) : isWanted(point)) {
                back(site, 0, Arrays.copyOf(residual, rows * d), d);
            }
        }
    }

    /** The gradient at what a stage adds to the residual stream: a copy of the stream's if anybody may change it. */
    private float[] branch(Site site, int layer) {
        if (!isWanted(HookPoint.of(site, layer))) {
            return residual;
        }
        System.arraycopy(residual, 0, branch, 0, rows * d);
        back(site, layer, branch, d);
        return branch;
    }

    /** Forms a LayerNorm again: scales, normalized values and its output. */
    private void normalize(float[] in, PackedWeights.Norm norm, Site scaleSite, Site normalizedSite, int layer) {
        float[] editedScales = kept.at(point(scaleSite, layer));
        float[] editedNormalized = kept.at(point(normalizedSite, layer));
        byRows(row -> {
            int at = row * d;
            scales[row] = kernels.center(normalized, at, in, at, d, config.eps());
            kernels.divide(normalized, at, d, editedScales == null ? scales[row] : editedScales[row]);
            float[] read = editedNormalized == null ? normalized : editedNormalized;
            kernels.affine(normOut, at, read, at, norm.gain(), norm.bias(), d);
        });
    }

    /** From the gradient at a LayerNorm's output to that at what it reads, in {@link #normed}. */
    private void norm(PackedWeights.Norm norm, Site scaleSite, Site normalizedSite, int layer) {
        HookPoint scalePoint = point(scaleSite, layer);
        if (parameters != null) {
            String name = switch (scaleSite) {
                case LN1_SCALE -> "h." + layer + ".ln_1";
                case LN2_SCALE -> "h." + layer + ".ln_2";
                default -> "ln_f";
            };
            parameters.norm(name, normalized, normed, d);
        }
        if (!isWanted(scalePoint) && !isWanted(point(normalizedSite, layer))) {
            byRows(row -> {
                gradients.multiply(normed, row * d, norm.gain(), 0, d);
                gradients.normGradient(normed, row * d, normalized, row * d, d, scales[row]);
            });
            return;
        }
        byRows(row -> gradients.multiply(normed, row * d, norm.gain(), 0, d));
        back(normalizedSite, layer, normed, d);
        float[] edited = kept.at(scalePoint);
        float[] divisors = edited == null ? scales : edited;
        float[] ofScale = new float[rows];
        byRows(row -> ofScale[row] = -gradients.dot(normed, row * d, normalized, row * d, d) / divisors[row]);
        float[] before = ofScale.clone();
        back(scaleSite, layer, ofScale, 1);
        byRows(row -> {
            if (divisors[row] == scales[row] && ofScale[row] == before[row]) {
                gradients.normGradient(normed, row * d, normalized, row * d, d, scales[row]);
            } else {
                editedNorm(row, divisors[row], ofScale[row]);
            }
        });
    }

    /** A row of {@link #norm} whose scale, or the gradient there, an edit changed. */
    private void editedNorm(int row, float divisor, float ofScale) {
        double[] centered = new double[d];
        double mean = 0;
        for (int i = 0; i < d; i++) {
            double value = (double) normalized[row * d + i] * divisor;
            centered[i] = normed[row * d + i] / (double) divisor + ofScale * value / ((double) d * scales[row]);
            mean += centered[i] / d;
        }
        for (int i = 0; i < d; i++) {
            normed[row * d + i] = (float) (centered[i] - mean);
        }
    }

    private float[] activated(float[] before) {
        int width = config.dMlp();
        float[] after = Arrays.copyOf(before, rows * width);
        byRows(row -> kernels.activate(after, row * width, width, config.actFn()));
        return after;
    }

    private void activationGradient(float[] before) {
        int width = config.dMlp();
        byRows(row -> gradients.activationGradient(neurons, row * width, before, row * width, width, config.actFn()));
    }

    private void addToResidual(float[] addend) {
        byRows(row -> kernels.add(residual, row * d, addend, row * d, d));
    }

    private interface RowTask {
        void run(int row);
    }

    private void byRows(RowTask task) {
        pool.run((rows + ROWS_PER_TASK - 1) / ROWS_PER_TASK, (worker, index) -> {
            int end = Math.min(rows, (index + 1) * ROWS_PER_TASK);
            for (int row = index * ROWS_PER_TASK; row < end; row++) {
                task.run(row);
            }
        });
    }

    private static HookPoint point(Site site, int layer) {
        return site.perLayer() ? HookPoint.of(site, layer) : HookPoint.of(site);
    }

    /** Returns whether a gradient is shown at a point, or taken back through edits there. */
    private boolean isWanted(HookPoint point) {
        return probe.wants(point) || kept.isWatched(point);
    }

    private void back(Site site, int layer, float[] values, int width) {
        HookPoint point = point(site, layer);
        if (!isPart()) {
            back(point, () -> live.rows(values, width));
        } else if (probe.wants(point)) {
            int size = Batch.arraySize(whole.rows(), width);
            if (shown.length < size) {
                shown = new float[size];
            }
            for (int row = 0; row < rows; row++) {
                System.arraycopy(values, row * width, shown, wholeRows[row] * width, width);
            }
            probe.at(point, live.rows(shown, width));
        }
    }

    private interface View {
        Activation get();
    }

    private void back(HookPoint point, View view) {
        if (probe.wants(point)) {
            probe.at(point, view.get());
        }
        if (kept.isWatched(point) && !plan.probe().pullBack(point, view.get()) && kept.isEdited(point)) {
            throw new BadInputException("the edit of " + point
                    + " does not say how a gradient goes back through it: a function of the values has none that is"
                    + " known");
        }
    }
}
