package dev.hyaline.engine.tornado;

import dev.hyaline.engine.Device;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BackendUnavailableException;
import dev.hyaline.engine.internal.forward.Backend;
import dev.hyaline.engine.internal.forward.Batch;
import dev.hyaline.engine.internal.forward.KeyValues;
import dev.hyaline.engine.internal.forward.LogitColumns;
import dev.hyaline.engine.internal.forward.PackedWeights;
import dev.hyaline.engine.internal.forward.PassBuffer;
import dev.hyaline.engine.internal.forward.Plan;
import dev.hyaline.engine.site.Declaration;
import dev.hyaline.engine.site.DeclaredEdit;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.tornado.DeviceEdits.Where;
import dev.hyaline.engine.tornado.Operation.Step;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.common.TornadoDevice;

/**
 * The steps of a pass on a device. Steps are gathered and launched together when a value is wanted on the host, the
 * layer changes or the pass ends; so graphs part only there.
 */
final class TornadoBackend implements Backend {
    private static final float[] NOTHING = {};

    private final Gpt2Config config;
    private final DeviceArrays arrays;
    private final Graphs graphs;
    private final LaunchQueue launches;
    private final PagePool pool;
    private final PassRows passRows;
    private final HeadRows headRows;
    private final DeviceEdits edits;
    private final ShownValues shown;
    private final String description;
    private final ReentrantLock turn = new ReentrantLock();

    private @Nullable Batch batch;
    private int rows;
    /** Those that the device was told last, if {@link #columnsKnown}. */
    private LogitColumns columns = LogitColumns.ALL;

    private boolean columnsKnown;

    TornadoBackend(Device device, TornadoDevice tornadoDevice, Gpt2Config config, PackedWeights weights) {
        this.config = config;
        DeviceSizes sizes = DeviceSizes.of(config, device);
        description = "TornadoVM's " + tornadoDevice.getTornadoVMBackend() + " backend, " + sizes.bytes()
                + " bytes of the device's memory";
        pool = new PagePool(sizes.pages());
        arrays = new DeviceArrays(config, weights, sizes);
        graphs = new Graphs(arrays, tornadoDevice, KernelForm.of(device.kind()));
        launches = new LaunchQueue(arrays, graphs);
        passRows = new PassRows(arrays, pool, launches);
        headRows = new HeadRows(arrays, launches);
        edits = new DeviceEdits(arrays, launches);
        shown = new ShownValues(arrays, launches, headRows);
    }

    Gpt2Config config() {
        return config;
    }

    /** Operations launched so far. */
    long launches() {
        return graphs.launches();
    }

    /** Graphs run so far. */
    long executions() {
        return graphs.executions();
    }

    String description() {
        return description;
    }

    KeyValues newKeyValues() {
        return new PagedKeyValues(this, pool);
    }

    boolean reads(KeyValues keyValues) {
        return keyValues instanceof PagedKeyValues paged && paged.isOn(this);
    }

    /** Copies a page of every layer. */
    void copyPage(int from, int to) {
        turn.lock();
        try {
            launches.copyPage(from, to);
        } finally {
            turn.unlock();
        }
    }

    @Override
    public void begin(Plan plan) {
        if (turn.isHeldByCurrentThread()) {
            throw new IllegalStateException("a probe of a pass on a device cannot run another pass there");
        }
        turn.lock();
        try {
            batch = plan.batch();
            rows = batch.rows();
            passRows.begin(plan);
            shown.begin(batch);
        } catch (RuntimeException | Error failure) {
            end();
            throw failure;
        }
    }

    private Batch batch() {
        return Objects.requireNonNull(batch, "no pass runs");
    }

    @Override
    public void end() {
        launches.clear();
        passRows.end();
        batch = null;
        shown.end();
        turn.unlock();
    }

    @Override
    public void show(PassBuffer buffer, int size, HookPoint point, Probe probe, View view) {
        Optional<Declaration> declared = probe.declared(point, view.of(NOTHING));
        if (declared.isEmpty()) {
            showValues(buffer, size, point, probe, view);
            return;
        }
        edit(buffer, point, declared.get().edits());
        Probe then = declared.get().then();
        if (then.wants(point)) {
            showValues(buffer, size, point, then, view);
        }
    }

    /** Copies what the probe reads from the device, and back what it has changed. */
    private void showValues(PassBuffer buffer, int size, HookPoint point, Probe probe, View view) {
        float[] values = shown.read(buffer, size, point, probe);
        probe.at(point, view.of(values));
        shown.write(buffer, values, size, point, probe);
    }

    private void edit(PassBuffer buffer, HookPoint point, List<DeclaredEdit> declared) {
        if (declared.isEmpty()) {
            return;
        }
        Where where = new Where(
                shown.regionToChange(buffer, point.layer()), point.site().shape(), batch(), Math.max(0, point.layer()));
        declared.forEach(edit -> edits.make(edit, where));
    }

    @Override
    public void load(PassBuffer buffer, float[] values, int size) {
        launches.load(shown.region(buffer), values, 0, size);
    }

    @Override
    public void store(PassBuffer buffer, float[] out, int size) {
        launches.read(shown.region(buffer), 0, size, out);
    }

    @Override
    public void copy(PassBuffer from, PassBuffer to) {
        if (to == PassBuffer.MLP_INPUT) {
            launches.add(Step.COPY_MLP_INPUT, launches.layer());
        }
        // What single heads read takes room of its own once it is changed.
    }

    @Override
    public void embed(PassBuffer out) {
        launches.add(Step.EMBED, 0);
    }

    @Override
    public void embedApart(PassBuffer tokens, PassBuffer positions) {
        launches.add(Step.EMBED_APART, 0);
    }

    @Override
    public void sum(PassBuffer a, PassBuffer b, PassBuffer out) {
        launches.add(Step.SUM_EMBEDDINGS, 0);
    }

    @Override
    public void norm(NormStep step, Norm norm, int layer, PassBuffer in, PassBuffer out, int count) {
        boolean ownInput = in == PassBuffer.MLP_INPUT;
        Step operation = switch (step) {
            case ALL ->
                switch (norm) {
                    case LN1 -> Step.LN1;
                    case LN2 -> ownInput ? Step.LN2_OF_INPUT : Step.LN2;
                    case FINAL -> Step.LN_FINAL;
                };
            case CENTER -> ownInput ? Step.CENTER_INPUT : Step.CENTER;
            case DIVIDE -> Step.DIVIDE;
            case AFFINE ->
                switch (norm) {
                    case LN1 -> Step.LN1_AFFINE;
                    case LN2 -> Step.LN2_AFFINE;
                    case FINAL -> Step.LN_FINAL_AFFINE;
                };
        };
        launches.add(operation, layer, count);
    }

    @Override
    public void project(int layer, PassBuffer in, PassBuffer q, PassBuffer k, PassBuffer v) {
        launches.add(Step.PROJECT, layer);
    }

    @Override
    public void spread(PassBuffer residual, PassBuffer out) {
        headRows.begin(rows);
    }

    @Override
    public void projectHeadInputs(int layer, PassBuffer inputs, PassBuffer out) {
        headRows.project(layer, out, inputs);
    }

    @Override
    public void storeKeysValues(int layer, PassBuffer k, PassBuffer v) {
        launches.add(Step.STORE, layer);
    }

    @Override
    public void attend(int layer, PassBuffer q, PassBuffer z) {
        launches.add(Step.ATTEND, layer);
    }

    @Override
    public void scores(int layer, PassBuffer q, PassBuffer maps, int[] mapOffsets) {
        int values = mapOffsets[batch().sequences()];
        if (values > arrays.sizes.mapValues()) {
            throw new BackendUnavailableException(
                    "the attention maps of this batch, " + values + " values, exceed the device's room for "
                            + arrays.sizes.mapValues(),
                    "watch fewer tokens a pass, or ask for more with -D" + DeviceSizes.ROWS_PROPERTY);
        }
        launches.add(Step.SCORES, layer);
    }

    @Override
    public void softmax(PassBuffer maps) {
        launches.add(Step.PATTERN, launches.layer());
    }

    @Override
    public void weigh(int layer, PassBuffer maps, PassBuffer z) {
        launches.add(Step.WEIGH, layer);
    }

    @Override
    public void attentionOut(int layer, PassBuffer z, PassBuffer out) {
        launches.add(Step.ATTENTION_OUT, layer);
    }

    @Override
    public void attentionOutAndAdd(int layer, PassBuffer z, PassBuffer out, PassBuffer sum) {
        launches.add(Step.ATTENTION_OUT_ADD, layer);
    }

    @Override
    public void headResults(int layer, PassBuffer z, PassBuffer results) {
        headRows.results(rows, layer);
    }

    @Override
    public void sumHeadResults(int layer, PassBuffer z, PassBuffer results, PassBuffer out) {
        headRows.sumResults(layer);
    }

    @Override
    public void mlpIn(int layer, PassBuffer in, PassBuffer out) {
        launches.add(Step.MLP_IN, layer);
    }

    @Override
    public void mlpInAndActivate(int layer, PassBuffer in, PassBuffer out) {
        launches.add(Step.MLP_IN_ACTIVATE, layer);
    }

    @Override
    public void activate(PassBuffer neurons) {
        launches.add(Step.ACTIVATE, launches.layer());
    }

    @Override
    public void mlpOut(int layer, PassBuffer neurons, PassBuffer out) {
        launches.add(Step.MLP_OUT, layer);
    }

    @Override
    public void mlpOutAndAdd(int layer, PassBuffer neurons, PassBuffer out, PassBuffer sum) {
        launches.add(Step.MLP_OUT_ADD, layer);
    }

    @Override
    public void add(PassBuffer branch, PassBuffer sum) {
        launches.add(Step.ADD_BRANCH, launches.layer());
    }

    @Override
    public void gather(PassBuffer buffer, int[] chosen) {
        launches.add(buffer == PassBuffer.NORMED ? Step.GATHER_NORMED : Step.GATHER_RESIDUAL, 0, chosen.length);
    }

    @Override
    public void unembed(PassBuffer normed, float[] logits, int count, LogitColumns wanted) {
        loadColumns(wanted);
        int width = wanted.count(config.dVocab());
        launches.set(StepField.COLUMNS, width);
        for (int first = 0; first < count; first += arrays.sizes.logitRows()) {
            int some = Math.min(arrays.sizes.logitRows(), count - first);
            launches.set(StepField.FIRST_ROW, first);
            launches.launch(Step.UNEMBED, 0, some);
            launches.readLogits(logits, first * width, some * width);
        }
    }

    /** Tells the device which tokens' logits to form, unless it knows. */
    private void loadColumns(LogitColumns wanted) {
        if (columnsKnown && columns.sameAs(wanted)) {
            return;
        }
        launches.flush();
        for (int i = 0; i < wanted.count(config.dVocab()); i++) {
            arrays.columns.set(i, wanted.token(i));
        }
        launches.launch(Step.LOAD_COLUMNS, 0, rows);
        columns = wanted;
        columnsKnown = true;
    }

    void close() {
        turn.lock();
        try {
            graphs.close();
        } finally {
            turn.unlock();
        }
    }
}
