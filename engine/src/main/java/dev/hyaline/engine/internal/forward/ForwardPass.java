package dev.hyaline.engine.internal.forward;

import static dev.hyaline.engine.internal.forward.PassBuffer.BRANCH;
import static dev.hyaline.engine.internal.forward.PassBuffer.HEAD_INPUTS;
import static dev.hyaline.engine.internal.forward.PassBuffer.K;
import static dev.hyaline.engine.internal.forward.PassBuffer.K_INPUTS;
import static dev.hyaline.engine.internal.forward.PassBuffer.MAPS;
import static dev.hyaline.engine.internal.forward.PassBuffer.MLP_INPUT;
import static dev.hyaline.engine.internal.forward.PassBuffer.NEURONS;
import static dev.hyaline.engine.internal.forward.PassBuffer.NORMED;
import static dev.hyaline.engine.internal.forward.PassBuffer.POSITION_EMBEDDINGS;
import static dev.hyaline.engine.internal.forward.PassBuffer.Q;
import static dev.hyaline.engine.internal.forward.PassBuffer.Q_INPUTS;
import static dev.hyaline.engine.internal.forward.PassBuffer.RESIDUAL;
import static dev.hyaline.engine.internal.forward.PassBuffer.RESULTS;
import static dev.hyaline.engine.internal.forward.PassBuffer.SCALES;
import static dev.hyaline.engine.internal.forward.PassBuffer.TOKEN_EMBEDDINGS;
import static dev.hyaline.engine.internal.forward.PassBuffer.V;
import static dev.hyaline.engine.internal.forward.PassBuffer.V_INPUTS;
import static dev.hyaline.engine.internal.forward.PassBuffer.Z;

import dev.hyaline.engine.Start;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.internal.forward.Backend.Norm;
import dev.hyaline.engine.internal.forward.Backend.NormStep;
import dev.hyaline.engine.internal.forward.Plan.Output;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import java.util.List;

/**
 * GPT-2's forward pass: the list of its steps, which a {@link Backend} carries out. One pass at a time.
 *
 * <p>Every form of the pass is this one: a probe only decides which values are formed at all, and where products and
 * what follows them part so that it can see the value between. Neither changes a bit.
 */
@SuppressWarnings("EnumOrdinal") // an index of arrays within this JVM, which is never written
public final class ForwardPass {
    private final Gpt2Config config;
    private final Backend backend;
    private final int d;
    /** By site and layer; sites outside the blocks have one. */
    private final HookPoint[][] points = new HookPoint[Site.values().length][];

    private final List<HookPoint> allPoints;
    private final boolean[][] wanted = new boolean[Site.values().length][];
    private final LiveActivation live = new LiveActivation();

    private Batch batch = Batch.EMPTY;
    private Probe probe = Probe.NONE;
    private int rows;

    public ForwardPass(Gpt2Config config, Backend backend) {
        this.config = config;
        this.backend = backend;
        d = config.dModel();
        for (Site site : Site.values()) {
            int layers = site.perLayer() ? config.nLayers() : 1;
            points[site.ordinal()] = new HookPoint[layers];
            wanted[site.ordinal()] = new boolean[layers];
        }
        allPoints = HookPoint.all(config);
        for (HookPoint point : allPoints) {
            points[point.site().ordinal()][index(point)] = point;
        }
    }

    /**
     * Runs a checked plan and writes its result, logits or residual rows, to the front of {@code out}. Once its buffers
     * have grown, a pass allocates nothing.
     */
    public void run(Plan plan, float[] out) {
        try {
            begin(plan);
            backend.begin(plan);
            try {
                runStages(plan, out);
            } finally {
                backend.end();
            }
        } finally {
            // A pass at rest keeps nothing of its callers.
            batch = Batch.EMPTY;
            probe = Probe.NONE;
            live.forget();
        }
    }

    private void begin(Plan plan) {
        batch = plan.batch();
        probe = plan.probe();
        rows = batch.rows();
        live.begin(batch);
        for (int i = 0; i < allPoints.size(); i++) {
            HookPoint point = allPoints.get(i);
            wanted[point.site().ordinal()][index(point)] = probe.wants(point);
        }
    }

    private void runStages(Plan plan, float[] out) {
        switch (plan.start()) {
            case Start.Embedding embedding -> embed();
            case Start.Residual from -> backend.load(RESIDUAL, from.rows(), rows * d);
            case Start.Branch from -> {
                backend.load(RESIDUAL, from.residual(), rows * d);
                finishBranch(from.point(), from.values());
            }
        }
        List<Boundary> stages = plan.stages();
        for (int i = 0; i < stages.size(); i++) { // by index, as an iterator would be allocated
            int layer = stages.get(i).layer();
            switch (stages.get(i).stage(config)) {
                case ATTENTION -> attend(layer);
                case MLP -> feedForward(layer);
                case EMBEDDING, UNEMBEDDING -> throw new AssertionError(stages);
            }
        }
        switch (plan.output()) {
            case Output.Residual residual -> backend.store(RESIDUAL, out, rows * d);
            case Output.Logits logits -> unembed(logits, out);
        }
        // Last, so that a pass that fails leaves the caches as they were.
        for (int s = 0; s < batch.sequences(); s++) {
            if (batch.append()[s]) {
                batch.past()[s].advance(batch.end(s));
            }
        }
    }

    /** Token embedding plus position embedding. */
    private void embed() {
        if (wants(Site.EMBED, 0) || wants(Site.POS_EMBED, 0)) {
            backend.embedApart(TOKEN_EMBEDDINGS, POSITION_EMBEDDINGS);
            show(Site.EMBED, 0, TOKEN_EMBEDDINGS);
            show(Site.POS_EMBED, 0, POSITION_EMBEDDINGS);
            backend.sum(TOKEN_EMBEDDINGS, POSITION_EMBEDDINGS, RESIDUAL);
        } else {
            backend.embed(RESIDUAL);
        }
    }

    /** The rest of a stage, from given values in its middle. */
    private void finishBranch(HookPoint point, float[] values) {
        int layer = point.layer();
        switch (point.site()) {
            case Z -> {
                backend.load(Z, values, rows * d);
                attentionOut(layer);
            }
            case ATTN_OUT -> {
                backend.load(BRANCH, values, rows * d);
                addBranch(Site.ATTN_OUT, layer);
            }
            case MLP_POST -> {
                backend.load(NEURONS, values, rows * config.dMlp());
                mlpOut(layer);
            }
            case MLP_OUT -> {
                backend.load(BRANCH, values, rows * d);
                addBranch(Site.MLP_OUT, layer);
                show(Site.RESID_POST, layer, RESIDUAL);
            }
            default -> throw new AssertionError(point);
        }
    }

    /** {@code resid_mid = resid_pre + attn(ln1(resid_pre))}. */
    private void attend(int layer) {
        show(Site.RESID_PRE, layer, RESIDUAL);
        showHeadInputs(layer);
        norm(Site.LN1_SCALE, Site.LN1_NORMALIZED, layer, Norm.LN1, RESIDUAL, rows);
        backend.project(layer, NORMED, Q, K, V);
        projectHeadInputs(layer);
        show(Site.Q, layer, Q);
        show(Site.K, layer, K);
        show(Site.V, layer, V);
        backend.storeKeysValues(layer, K, V);
        weighValues(layer);
        attentionOut(layer);
    }

    /** {@code z = softmax(q k^T / sqrt(dHead)) v}, in steps if anybody watches the maps. */
    private void weighValues(int layer) {
        if (!wants(Site.ATTN_SCORES, layer) && !wants(Site.PATTERN, layer)) {
            backend.attend(layer, Q, Z);
            return;
        }
        int[] offsets = batch.mapOffsets(config.nHeads());
        backend.scores(layer, Q, MAPS, offsets);
        showMaps(Site.ATTN_SCORES, layer, offsets);
        backend.softmax(MAPS);
        showMaps(Site.PATTERN, layer, offsets);
        backend.weigh(layer, MAPS, Z);
    }

    /** {@code resid_mid = resid_pre + z W_O + b_O}, the heads apart if anybody watches what each adds. */
    private void attentionOut(int layer) {
        show(Site.Z, layer, Z);
        if (wants(Site.RESULT, layer)) {
            backend.headResults(layer, Z, RESULTS);
            show(Site.RESULT, layer, RESULTS);
            backend.sumHeadResults(layer, Z, RESULTS, BRANCH);
        } else if (wants(Site.ATTN_OUT, layer)) {
            backend.attentionOut(layer, Z, BRANCH);
        } else {
            backend.attentionOutAndAdd(layer, Z, BRANCH, RESIDUAL);
            return;
        }
        addBranch(Site.ATTN_OUT, layer);
    }

    /** {@code resid_post = resid_mid + mlp(ln2(resid_mid))}. */
    private void feedForward(int layer) {
        show(Site.RESID_MID, layer, RESIDUAL);
        PassBuffer input = RESIDUAL;
        if (wants(Site.MLP_IN, layer)) {
            input = MLP_INPUT;
            backend.copy(RESIDUAL, MLP_INPUT);
            show(Site.MLP_IN, layer, MLP_INPUT);
        }
        norm(Site.LN2_SCALE, Site.LN2_NORMALIZED, layer, Norm.LN2, input, rows);
        if (wants(Site.MLP_PRE, layer)) {
            backend.mlpIn(layer, NORMED, NEURONS);
            show(Site.MLP_PRE, layer, NEURONS);
            backend.activate(NEURONS);
        } else {
            backend.mlpInAndActivate(layer, NORMED, NEURONS);
        }
        mlpOut(layer);
    }

    /** {@code resid_post = resid_mid + post W_out + b_out}. */
    private void mlpOut(int layer) {
        show(Site.MLP_POST, layer, NEURONS);
        if (wants(Site.MLP_OUT, layer)) {
            backend.mlpOut(layer, NEURONS, BRANCH);
            addBranch(Site.MLP_OUT, layer);
        } else {
            backend.mlpOutAndAdd(layer, NEURONS, BRANCH, RESIDUAL);
        }
        show(Site.RESID_POST, layer, RESIDUAL);
    }

    /**
     * {@code ln_final(resid_post) W_U}, for the rows and columns asked for. The norm is shown for all rows if anybody
     * watches it.
     */
    private void unembed(Output.Logits wanted, float[] logits) {
        int[] chosen = wanted.rows();
        int count = chosen.length;
        boolean watched =
                wants(Site.LN_FINAL_SCALE, 0) || wants(Site.LN_FINAL_NORMALIZED, 0) || wants(Site.UNEMBED_IN, 0);
        if (watched) {
            norm(Site.LN_FINAL_SCALE, Site.LN_FINAL_NORMALIZED, 0, Norm.FINAL, RESIDUAL, rows);
            show(Site.UNEMBED_IN, 0, NORMED);
        }
        if (count == 0) {
            return;
        }
        if (watched) {
            backend.gather(NORMED, chosen);
        } else {
            backend.gather(RESIDUAL, chosen);
            backend.norm(NormStep.ALL, Norm.FINAL, 0, RESIDUAL, NORMED, count);
        }
        backend.unembed(NORMED, logits, count, wanted.columns());
        if (wants(Site.UNEMBED_OUT, 0)) {
            probe.at(
                    points[Site.UNEMBED_OUT.ordinal()][0],
                    live.logits(logits, config.dVocab(), chosen, wanted.columns()));
        }
    }

    /** {@code NORMED = (in - mean) / scale * gain + bias} for the first {@code count} rows. */
    private void norm(Site scale, Site normalized, int layer, Norm norm, PassBuffer in, int count) {
        if (!wants(scale, layer) && !wants(normalized, layer)) {
            backend.norm(NormStep.ALL, norm, layer, in, NORMED, count);
            return;
        }
        backend.norm(NormStep.CENTER, norm, layer, in, NORMED, count);
        show(scale, layer, SCALES);
        backend.norm(NormStep.DIVIDE, norm, layer, in, NORMED, count);
        show(normalized, layer, NORMED);
        backend.norm(NormStep.AFFINE, norm, layer, in, NORMED, count);
    }

    private void addBranch(Site site, int layer) {
        show(site, layer, BRANCH);
        backend.add(BRANCH, RESIDUAL);
    }

    /** Shows what each head reads, and what each of its queries, keys and values reads, if anybody watches that. */
    private void showHeadInputs(int layer) {
        if (watchesHeadInputs(layer)) {
            backend.spread(RESIDUAL, HEAD_INPUTS);
            show(Site.ATTN_IN, layer, HEAD_INPUTS);
            showOwnInputs(Site.Q_INPUT, layer, Q_INPUTS);
            showOwnInputs(Site.K_INPUT, layer, K_INPUTS);
            showOwnInputs(Site.V_INPUT, layer, V_INPUTS);
        }
    }

    /** Forms queries, keys and values again where an edit has changed what they read. */
    private void projectHeadInputs(int layer) {
        if (watchesHeadInputs(layer)) {
            backend.projectHeadInputs(layer, inputs(Site.Q_INPUT, layer, Q_INPUTS), Q);
            backend.projectHeadInputs(layer, inputs(Site.K_INPUT, layer, K_INPUTS), K);
            backend.projectHeadInputs(layer, inputs(Site.V_INPUT, layer, V_INPUTS), V);
        }
    }

    private boolean watchesHeadInputs(int layer) {
        return wants(Site.ATTN_IN, layer)
                || wants(Site.Q_INPUT, layer)
                || wants(Site.K_INPUT, layer)
                || wants(Site.V_INPUT, layer);
    }

    private void showOwnInputs(Site site, int layer, PassBuffer own) {
        if (wants(site, layer)) {
            backend.copy(HEAD_INPUTS, own);
            show(site, layer, own);
        }
    }

    private PassBuffer inputs(Site site, int layer, PassBuffer own) {
        return wants(site, layer) ? own : HEAD_INPUTS;
    }

    private void show(Site site, int layer, PassBuffer buffer) {
        if (wants(site, layer)) {
            int width = buffer.width(config);
            int size = Batch.arraySize(rows, width);
            backend.show(buffer, size, points[site.ordinal()][layer], probe, values -> live.rows(values, width));
        }
    }

    private void showMaps(Site site, int layer, int[] offsets) {
        if (wants(site, layer)) {
            int size = offsets[batch.sequences()];
            backend.show(MAPS, size, points[site.ordinal()][layer], probe, values -> live.maps(values, offsets));
        }
    }

    private static int index(HookPoint point) {
        return Math.max(0, point.layer());
    }

    private boolean wants(Site site, int layer) {
        return wanted[site.ordinal()][layer];
    }
}
