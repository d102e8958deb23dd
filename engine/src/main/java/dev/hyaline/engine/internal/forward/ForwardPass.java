package dev.hyaline.engine.internal.forward;

import dev.hyaline.engine.Gpt2Config;
import dev.hyaline.engine.internal.forward.Backend.Norm;
import dev.hyaline.engine.internal.forward.Backend.NormStep;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.Declaration;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * GPT-2's forward pass: the list of its steps, which a {@link Backend} carries out. One pass at a time.
 *
 * <p>Every form of the pass is this one: a probe only decides which values are formed at all, and where products and
 * what follows them part so that it can see the value between. Neither changes a bit.
 */
public final class ForwardPass {
    private static final float[] NOTHING = {};

    private final Gpt2Config config;
    private final Backend backend;
    private final int d;
    /** By layer; sites outside the blocks have one. */
    private final Map<Site, HookPoint[]> points = new EnumMap<>(Site.class);

    private final List<HookPoint> allPoints;
    private final Map<Site, boolean[]> wanted = new EnumMap<>(Site.class);
    private final LiveActivation live = new LiveActivation();

    private Plan plan;
    private Batch batch;
    private Probe probe;
    private int rows;

    public ForwardPass(Gpt2Config config, Backend backend) {
        this.config = config;
        this.backend = backend;
        d = config.dModel();
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

    /**
     * Runs a checked plan and writes its result, logits or residual rows, to the front of {@code out}. Once its buffers
     * have grown, a pass allocates nothing.
     */
    public void run(Plan plan, float[] out) {
        try {
            begin(plan);
            backend.begin(plan);
            try {
                runSteps(out);
            } finally {
                backend.end();
            }
        } finally {
            // A pass at rest keeps nothing of its callers.
            this.plan = null;
            batch = null;
            probe = null;
            live.forget();
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
    }

    private void runSteps(float[] out) {
        if (plan.residual() == null) {
            embed();
        } else {
            backend.load(PassBuffer.RESIDUAL, plan.residual(), rows * d);
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
            backend.store(PassBuffer.RESIDUAL, out, rows * d);
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

    /** Token embedding plus position embedding. */
    private void embed() {
        if (wants(Site.EMBED, 0) || wants(Site.POS_EMBED, 0)) {
            backend.embedApart();
            show(Site.EMBED, 0, PassBuffer.TOKEN_EMBEDDINGS);
            show(Site.POS_EMBED, 0, PassBuffer.POSITION_EMBEDDINGS);
            backend.sumEmbeddings();
        } else {
            backend.embed();
        }
    }

    /** The rest of a branch, from given values in its middle. */
    private void reenter(int layer) {
        float[] given = plan.branch();
        switch (plan.reached()) {
            case Z -> {
                backend.load(PassBuffer.Z, given, rows * d);
                attentionOut(layer);
            }
            case ATTN_OUT -> {
                backend.load(PassBuffer.BRANCH, given, rows * d);
                addBranch(Site.ATTN_OUT, layer);
            }
            case MLP_POST -> {
                backend.load(PassBuffer.NEURONS, given, rows * config.dMlp());
                mlpOut(layer);
            }
            case MLP_OUT -> {
                backend.load(PassBuffer.BRANCH, given, rows * d);
                addBranch(Site.MLP_OUT, layer);
                show(Site.RESID_POST, layer, PassBuffer.RESIDUAL);
            }
            default -> throw new AssertionError(plan.reached());
        }
    }

    /** {@code resid_mid = resid_pre + attn(ln1(resid_pre))}. */
    private void attend(int layer) {
        show(Site.RESID_PRE, layer, PassBuffer.RESIDUAL);
        boolean split = wants(Site.ATTN_IN, layer)
                || wants(Site.Q_INPUT, layer)
                || wants(Site.K_INPUT, layer)
                || wants(Site.V_INPUT, layer);
        if (split) {
            backend.spreadHeadInputs();
            show(Site.ATTN_IN, layer, PassBuffer.HEAD_INPUTS);
            showHeadInputs(Site.Q_INPUT, layer, PassBuffer.Q_INPUTS);
            showHeadInputs(Site.K_INPUT, layer, PassBuffer.K_INPUTS);
            showHeadInputs(Site.V_INPUT, layer, PassBuffer.V_INPUTS);
        }
        norm(Site.LN1_SCALE, Site.LN1_NORMALIZED, layer, Norm.LN1, PassBuffer.RESIDUAL, rows);
        backend.project(layer);
        if (split) {
            backend.projectHeadInputs(layer, PassBuffer.Q, headInputs(Site.Q_INPUT, layer, PassBuffer.Q_INPUTS));
            backend.projectHeadInputs(layer, PassBuffer.K, headInputs(Site.K_INPUT, layer, PassBuffer.K_INPUTS));
            backend.projectHeadInputs(layer, PassBuffer.V, headInputs(Site.V_INPUT, layer, PassBuffer.V_INPUTS));
        }
        show(Site.Q, layer, PassBuffer.Q);
        show(Site.K, layer, PassBuffer.K);
        show(Site.V, layer, PassBuffer.V);
        backend.storeKeysValues(layer);

        if (wants(Site.ATTN_SCORES, layer) || wants(Site.PATTERN, layer)) {
            int[] offsets = batch.mapOffsets(config.nHeads());
            backend.scores(layer, offsets);
            showMaps(Site.ATTN_SCORES, layer, offsets);
            backend.pattern();
            showMaps(Site.PATTERN, layer, offsets);
            backend.weigh(layer);
        } else {
            backend.attend(layer);
        }
        attentionOut(layer);
    }

    /** {@code resid_mid = resid_pre + z W_O + b_O}. */
    private void attentionOut(int layer) {
        show(Site.Z, layer, PassBuffer.Z);
        if (wants(Site.RESULT, layer)) {
            backend.headResults(layer);
            show(Site.RESULT, layer, PassBuffer.RESULTS);
            backend.sumHeadResults(layer);
        } else if (wants(Site.ATTN_OUT, layer)) {
            backend.attentionOut(layer, false);
        } else {
            backend.attentionOut(layer, true);
            return;
        }
        addBranch(Site.ATTN_OUT, layer);
    }

    /** {@code resid_post = resid_mid + mlp(ln2(resid_mid))}. */
    private void feedForward(int layer) {
        show(Site.RESID_MID, layer, PassBuffer.RESIDUAL);
        PassBuffer input = PassBuffer.RESIDUAL;
        if (wants(Site.MLP_IN, layer)) {
            input = PassBuffer.MLP_INPUT;
            backend.copy(PassBuffer.RESIDUAL, input);
            show(Site.MLP_IN, layer, input);
        }
        norm(Site.LN2_SCALE, Site.LN2_NORMALIZED, layer, Norm.LN2, input, rows);
        if (wants(Site.MLP_PRE, layer)) {
            backend.mlpIn(layer, false);
            show(Site.MLP_PRE, layer, PassBuffer.NEURONS);
            backend.activate();
        } else {
            backend.mlpIn(layer, true);
        }
        mlpOut(layer);
    }

    /** {@code resid_post = resid_mid + post W_out + b_out}. */
    private void mlpOut(int layer) {
        show(Site.MLP_POST, layer, PassBuffer.NEURONS);
        if (wants(Site.MLP_OUT, layer)) {
            backend.mlpOut(layer, false);
            addBranch(Site.MLP_OUT, layer);
        } else {
            backend.mlpOut(layer, true);
        }
        show(Site.RESID_POST, layer, PassBuffer.RESIDUAL);
    }

    /**
     * {@code ln_final(resid_post) W_U}, for the rows and columns asked for. The norm is shown for all rows if anybody
     * watches it.
     */
    private void unembed(float[] logits) {
        int[] chosen = plan.logitRows();
        int count = chosen.length;
        boolean watched =
                wants(Site.LN_FINAL_SCALE, 0) || wants(Site.LN_FINAL_NORMALIZED, 0) || wants(Site.UNEMBED_IN, 0);
        if (watched) {
            norm(Site.LN_FINAL_SCALE, Site.LN_FINAL_NORMALIZED, 0, Norm.FINAL, PassBuffer.RESIDUAL, rows);
            show(Site.UNEMBED_IN, 0, PassBuffer.NORMED);
        }
        if (count == 0) {
            return;
        }
        if (watched) {
            backend.gather(PassBuffer.NORMED, chosen);
        } else {
            backend.gather(PassBuffer.RESIDUAL, chosen);
            backend.norm(NormStep.ALL, Norm.FINAL, 0, PassBuffer.RESIDUAL, count);
        }
        int[] columns = plan.logitColumns();
        backend.unembed(logits, count, columns);
        if (wants(Site.UNEMBED_OUT, 0)) {
            int width = columns == null ? config.dVocab() : columns.length;
            probe.at(points.get(Site.UNEMBED_OUT)[0], live.chosen(logits, width, chosen, columns));
        }
    }

    /** {@code NORMED = (in - mean) / scale * gain + bias} for the first {@code count} rows. */
    private void norm(Site scale, Site normalized, int layer, Norm norm, PassBuffer in, int count) {
        if (!wants(scale, layer) && !wants(normalized, layer)) {
            backend.norm(NormStep.ALL, norm, layer, in, count);
            return;
        }
        backend.norm(NormStep.CENTER, norm, layer, in, count);
        show(scale, layer, PassBuffer.SCALES);
        backend.norm(NormStep.DIVIDE, norm, layer, in, count);
        show(normalized, layer, PassBuffer.NORMED);
        backend.norm(NormStep.AFFINE, norm, layer, in, count);
    }

    private void addBranch(Site site, int layer) {
        show(site, layer, PassBuffer.BRANCH);
        backend.addBranch();
    }

    /** Shows what q, k or v reads, in a copy of its own. */
    private void showHeadInputs(Site site, int layer, PassBuffer own) {
        if (wants(site, layer)) {
            backend.copy(PassBuffer.HEAD_INPUTS, own);
            show(site, layer, own);
        }
    }

    private PassBuffer headInputs(Site site, int layer, PassBuffer own) {
        return wants(site, layer) ? own : PassBuffer.HEAD_INPUTS;
    }

    private void show(Site site, int layer, PassBuffer buffer) {
        if (wants(site, layer)) {
            int width = buffer.width(config);
            show(points.get(site)[layer], buffer, Batch.arraySize(rows, width), values -> live.rows(values, width));
        }
    }

    private void showMaps(Site site, int layer, int[] offsets) {
        if (wants(site, layer)) {
            int size = offsets[batch.sequences()];
            show(points.get(site)[layer], PassBuffer.MAPS, size, values -> live.maps(values, offsets));
        }
    }

    private void show(HookPoint point, PassBuffer buffer, int size, Function<float[], Activation> shown) {
        Optional<Declaration> declared =
                backend.edits() ? probe.declared(point, shown.apply(NOTHING)) : Optional.empty();
        if (declared.isEmpty()) {
            show(point, buffer, size, shown, probe);
            return;
        }
        backend.edit(buffer, point, declared.get().edits());
        Probe then = declared.get().then();
        if (then.wants(point)) {
            show(point, buffer, size, shown, then);
        }
    }

    private void show(HookPoint point, PassBuffer buffer, int size, Function<float[], Activation> shown, Probe viewer) {
        float[] values = backend.read(buffer, size, point, viewer);
        viewer.at(point, shown.apply(values));
        backend.write(buffer, values, size, point, viewer);
    }

    private static int index(HookPoint point) {
        return Math.max(0, point.layer());
    }

    private boolean wants(Site site, int layer) {
        return wanted.get(site)[layer];
    }
}
