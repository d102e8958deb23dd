package dev.hyaline.engine.tornado;

import dev.hyaline.engine.BackendUnavailableException;
import dev.hyaline.engine.Device;
import dev.hyaline.engine.Gpt2Config;
import dev.hyaline.engine.internal.device.DeviceBackend;
import dev.hyaline.engine.internal.forward.Batch;
import dev.hyaline.engine.internal.forward.Buffer;
import dev.hyaline.engine.internal.forward.KeyValues;
import dev.hyaline.engine.internal.forward.Plan;
import dev.hyaline.engine.internal.forward.Weights;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/**
 * The steps of a pass on a device. Steps are gathered and launched together when a value is wanted on the host, the layer changes or the pass ends; so graphs part
 * only there.
 */
final class TornadoBackend implements DeviceBackend {
    private static final float[] NOTHING = {};

    /** Largest score that stands for minus infinity. */
    private static final float STILL_MASKED = ParallelKernels.MASKED / 2;

    private final Gpt2Config config;
    private final DeviceSizes sizes;
    private final DeviceArrays arrays;
    private final Graphs graphs;
    private final PagePool pool;
    private final String description;
    private final ReentrantLock turn = new ReentrantLock();
    private final List<Operation> pending = new ArrayList<>();
    private final List<Integer> ownPages = new ArrayList<>();

    private Plan plan;
    private Batch batch;
    private int rows;
    private int layer;
    private int count;
    /** Whether the device knows the rows of this pass. */
    private boolean described;
    /** Token ids that the columns on the device are, or null for all. */
    private int[] columns;

    private boolean columnsKnown;
    /** Each head's part of the attention output, as it was and as a probe left it. */
    private float[] results = NOTHING;

    private float[] editedResults = NOTHING;
    /** The residual stream as it was shown to a probe for each head. */
    private float[] spreadFrom = NOTHING;

    TornadoBackend(Device device, TornadoDevice tornadoDevice, Gpt2Config config, Weights weights) {
        this.config = config;
        sizes = DeviceSizes.of(config, device);
        description = "TornadoVM's " + tornadoDevice.getTornadoVMBackend() + " backend, " + sizes.bytes()
                + " bytes of the device's memory";
        pool = new PagePool(sizes.pages());
        arrays = new DeviceArrays(config, weights, sizes);
        graphs = new Graphs(arrays, tornadoDevice, DeviceProducts.of(device.kind()));
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

    @Override
    public String description() {
        return description;
    }

    @Override
    public KeyValues newKeyValues() {
        return new PagedKeyValues(this, pool);
    }

    @Override
    public boolean reads(KeyValues keyValues) {
        return keyValues instanceof PagedKeyValues paged && paged.isOn(this);
    }

    /** Copies a page of every layer. */
    void copyPage(int from, int to) {
        turn.lock();
        try {
            flush();
            arrays.step.set(StepField.FROM_PAGE, from);
            arrays.step.set(StepField.TO_PAGE, to);
            graphs.run(List.of(Operation.COPY_PAGE), 1);
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
            prepare(plan);
        } catch (RuntimeException | Error failure) {
            end();
            throw failure;
        }
    }

    private void prepare(Plan plan) {
        this.plan = plan;
        batch = plan.batch();
        rows = batch.rows();
        if (rows > sizes.rows()) {
            throw new BackendUnavailableException(
                    "a pass on this device has room for " + sizes.rows() + " tokens, found " + rows,
                    "run fewer at once, or ask for more with -D" + DeviceSizes.ROWS_PROPERTY,
                    null);
        }
        described = false;
        describe();
    }

    @Override
    public void end() {
        pending.clear();
        ownPages.forEach(pool::release);
        ownPages.clear();
        results = NOTHING;
        editedResults = NOTHING;
        spreadFrom = NOTHING;
        plan = null;
        batch = null;
        turn.unlock();
    }

    /** Writes where each row's token, position and keys are; uploaded with the first graph of the pass. */
    private void describe() {
        int entries = 0;
        long map = 0;
        for (int s = 0; s < batch.sequences(); s++) {
            int end = batch.end(s);
            int pages = Math.ceilDiv(end, ParallelKernels.PAGE);
            if (entries + pages > sizes.tableEntries()) {
                throw new BackendUnavailableException(
                        "the pasts of this batch exceed the device's table of " + sizes.tableEntries() + " pages",
                        "run fewer sequences at once, or ask for more with -D" + DeviceSizes.ROWS_PROPERTY,
                        null);
            }
            tablePages(s, entries, pages);
            for (int i = 0; i < batch.length(s); i++) {
                int row = (batch.firstRow()[s] + i) * RowField.FIELDS;
                arrays.rows.set(row + RowField.TOKEN, batch.tokens()[batch.firstRow()[s] + i]);
                arrays.rows.set(row + RowField.POSITION, batch.start()[s] + i);
                arrays.rows.set(row + RowField.PAGES, entries);
                arrays.rows.set(row + RowField.KEYS, end);
                arrays.rows.set(row + RowField.MAP, (int) Math.min(map + (long) i * end, Integer.MAX_VALUE));
                arrays.rows.set(row + RowField.MAP_STRIDE, batch.length(s) * end);
            }
            entries += pages;
            map += (long) config.nHeads() * batch.length(s) * end;
        }
        for (int i = 0; i < plan.logitRows().length; i++) {
            arrays.rows.set(i * RowField.FIELDS + RowField.CHOSEN, plan.logitRows()[i]);
        }
    }

    /** A sequence's pages: its cache's, grown for the pass; or a past's whole ones, then the pass's own, which begin with a copy of the past's last. */
    private void tablePages(int s, int entry, int pages) {
        PagedKeyValues past = (PagedKeyValues) batch.past()[s];
        if (batch.append()[s]) {
            past.reserve(batch.end(s));
            for (int i = 0; i < pages; i++) {
                arrays.pages.set(entry + i, past.page(i));
            }
            return;
        }
        int shared = batch.start()[s] / ParallelKernels.PAGE;
        for (int i = 0; i < pages; i++) {
            arrays.pages.set(entry + i, i < shared ? past.page(i) : ownPage());
        }
        if (batch.start()[s] % ParallelKernels.PAGE != 0) {
            copyPage(past.page(shared), arrays.pages.get(entry + shared));
        }
    }

    private int ownPage() {
        int page = pool.take();
        ownPages.add(page);
        return page;
    }

    private void enqueue(Operation operation, int layer) {
        enqueue(operation, layer, rows);
    }

    private void enqueue(Operation operation, int layer, int count) {
        if (!described) {
            described = true;
            if (operation != Operation.EMBED && operation != Operation.EMBED_APART) {
                // The pass begins in the middle; this tells the device its rows, and writes what nobody reads.
                enqueue(Operation.EMBED_APART, 0, rows);
            }
        }
        if (!pending.isEmpty() && (this.layer != layer || this.count != count)) {
            flush();
        }
        this.layer = layer;
        this.count = count;
        pending.add(operation);
    }

    private void flush() {
        if (!pending.isEmpty()) {
            arrays.step.set(StepField.LAYER, layer);
            arrays.step.set(StepField.ROWS, count);
            graphs.run(pending, count);
            pending.clear();
        }
    }

    @Override
    public float[] read(Buffer buffer, int size, HookPoint point) {
        return switch (buffer) {
            case HEAD_INPUTS, Q_INPUTS, K_INPUTS, V_INPUTS -> spread(size, point);
            case RESULTS -> results.clone();
            default -> {
                float[] values = new float[size];
                readRows(buffer, values, point);
                if (buffer == Buffer.MAPS) {
                    replaceMasked(values, point);
                }
                yield values;
            }
        };
    }

    /** Scores that are masked, as the processors have them. */
    private static void replaceMasked(float[] scores, HookPoint point) {
        if (point.site() == Site.ATTN_SCORES) {
            for (int i = 0; i < scores.length; i++) {
                scores[i] = scores[i] <= STILL_MASKED ? Float.NEGATIVE_INFINITY : scores[i];
            }
        }
    }

    /** Copies the rows that the probe reads, neighbours together. */
    private void readRows(Buffer buffer, float[] out, HookPoint point) {
        flush();
        ranges(buffer, point).forEach((from, length) -> {
            graphs.read(arrays.of(buffer), from, length);
            DeviceArrays.get(arrays.of(buffer), from, out, from, length);
        });
    }

    private RowRanges ranges(Buffer buffer, HookPoint point) {
        return buffer == Buffer.MAPS
                ? RowRanges.ofMaps(batch, config.nHeads(), point, plan.probe())
                : RowRanges.ofRows(batch, buffer.width(config), point, plan.probe());
    }

    /** What each head reads: the residual stream, once for each. */
    private float[] spread(int size, HookPoint point) {
        int d = config.dModel();
        spreadFrom = new float[rows * d];
        readRows(Buffer.RESIDUAL, spreadFrom, point);
        float[] spread = new float[size];
        for (int i = 0; i < size; i += d) {
            System.arraycopy(spreadFrom, i / d / config.nHeads() * d, spread, i, d);
        }
        return spread;
    }

    @Override
    public void write(Buffer buffer, float[] values, int size, HookPoint point) {
        switch (buffer) {
            case HEAD_INPUTS, Q_INPUTS, K_INPUTS, V_INPUTS -> requireUnedited(values, point);
            case RESULTS -> editedResults = values;
            default -> writeChanged(buffer, values, size, point);
        }
    }

    /** Uploads what a probe changed of the rows it read. */
    private void writeChanged(Buffer buffer, float[] values, int size, HookPoint point) {
        if (buffer == Buffer.MAPS) {
            for (int i = 0; i < size; i++) {
                values[i] = Math.max(values[i], ParallelKernels.MASKED);
            }
        }
        FloatArray before = arrays.of(buffer);
        ranges(buffer, point).forEach((from, length) -> {
            int first = from;
            int end = from + length;
            while (first < end && same(values[first], before.get(first))) {
                first++;
            }
            while (end > first && same(values[end - 1], before.get(end - 1))) {
                end--;
            }
            load(buffer, values, first, end - first);
        });
    }

    private static boolean same(float a, float b) {
        return Float.floatToRawIntBits(a) == Float.floatToRawIntBits(b);
    }

    private void requireUnedited(float[] inputs, HookPoint point) {
        int d = config.dModel();
        for (int i = 0; i < inputs.length; i += d) {
            int at = i / d / config.nHeads() * d;
            if (!Arrays.equals(inputs, i, i + d, spreadFrom, at, at + d)) {
                throw new BackendUnavailableException(
                        "edits of " + point + " cannot be had on a device",
                        "edit hook_resid_pre or the queries, keys and values themselves, or run on the processors",
                        null);
            }
        }
    }

    @Override
    public void load(Buffer buffer, float[] values, int size) {
        load(buffer, values, 0, size);
    }

    private void load(Buffer buffer, float[] values, int from, int length) {
        flush();
        for (int done = 0; done < length; done += DeviceSizes.STAGING) {
            int some = Math.min(DeviceSizes.STAGING, length - done);
            DeviceArrays.put(values, from + done, some, arrays.staging, 0);
            arrays.step.set(StepField.AT, from + done);
            arrays.step.set(StepField.COUNT, some);
            enqueue(Operation.load(buffer), layer);
            flush();
        }
    }

    @Override
    public void store(Buffer buffer, float[] out, int size) {
        flush();
        graphs.read(arrays.of(buffer), 0, size);
        DeviceArrays.get(arrays.of(buffer), 0, out, 0, size);
    }

    @Override
    public void copy(Buffer from, Buffer to) {
        if (to == Buffer.MLP_INPUT) {
            enqueue(Operation.COPY_MLP_INPUT, layer);
        }
        // What single heads read is formed where it is shown.
    }

    @Override
    public void embed() {
        enqueue(Operation.EMBED, 0);
    }

    @Override
    public void embedApart() {
        enqueue(Operation.EMBED_APART, 0);
    }

    @Override
    public void sumEmbeddings() {
        enqueue(Operation.SUM_EMBEDDINGS, 0);
    }

    @Override
    public void norm(NormStep step, Norm norm, int layer, Buffer in, int count) {
        boolean ownInput = in == Buffer.MLP_INPUT;
        Operation operation = switch (step) {
            case ALL ->
                switch (norm) {
                    case LN1 -> Operation.LN1;
                    case LN2 -> ownInput ? Operation.LN2_OF_INPUT : Operation.LN2;
                    case FINAL -> Operation.LN_FINAL;
                };
            case CENTER -> ownInput ? Operation.CENTER_INPUT : Operation.CENTER;
            case DIVIDE -> Operation.DIVIDE;
            case AFFINE ->
                switch (norm) {
                    case LN1 -> Operation.LN1_AFFINE;
                    case LN2 -> Operation.LN2_AFFINE;
                    case FINAL -> Operation.LN_FINAL_AFFINE;
                };
        };
        enqueue(operation, layer, count);
    }

    @Override
    public void project(int layer) {
        enqueue(Operation.PROJECT_Q, layer);
        enqueue(Operation.PROJECT_K, layer);
        enqueue(Operation.PROJECT_V, layer);
    }

    @Override
    public void spreadHeadInputs() {
        // They are formed where they are shown.
    }

    @Override
    public void projectHeadInputs(int layer, Buffer out, Buffer inputs) {
        // They cannot differ from the residual stream.
    }

    @Override
    public void storeKeysValues(int layer) {
        enqueue(Operation.STORE, layer);
    }

    @Override
    public void attend(int layer) {
        enqueue(Operation.ATTEND, layer);
    }

    @Override
    public void scores(int layer, int[] mapOffsets) {
        int values = mapOffsets[batch.sequences()];
        if (values > sizes.mapValues()) {
            throw new BackendUnavailableException(
                    "the attention maps of this batch, " + values + " values, exceed the device's room for "
                            + sizes.mapValues(),
                    "watch fewer tokens a pass, or ask for more with -D" + DeviceSizes.ROWS_PROPERTY,
                    null);
        }
        enqueue(Operation.SCORES, layer);
    }

    @Override
    public void pattern() {
        enqueue(Operation.PATTERN, layer);
    }

    @Override
    public void weigh(int layer) {
        enqueue(Operation.WEIGH, layer);
    }

    @Override
    public void attentionOut(int layer, boolean thenAdd) {
        enqueue(thenAdd ? Operation.ATTENTION_OUT_ADD : Operation.ATTENTION_OUT, layer);
    }

    @Override
    public void headResults(int layer) {
        int d = config.dModel();
        int heads = config.nHeads();
        HookPoint point = HookPoint.of(Site.RESULT, layer);
        results = new float[Math.multiplyExact(rows, heads * d)];
        float[] ofHead = new float[rows * d];
        for (int head = 0; head < heads; head++) {
            flush();
            arrays.step.set(StepField.HEAD, head);
            enqueue(Operation.HEAD_RESULT, layer);
            readRows(Buffer.BRANCH, ofHead, point);
            for (int row = 0; row < rows; row++) {
                System.arraycopy(ofHead, row * d, results, (row * heads + head) * d, d);
            }
        }
    }

    @Override
    public void sumHeadResults(int layer) {
        attentionOut(layer, false);
        int d = config.dModel();
        int width = config.nHeads() * d;
        for (int row = 0; row < rows; row++) {
            int at = row * width;
            if (!Arrays.equals(results, at, at + width, editedResults, at, at + width)) {
                float[] sum = new float[d];
                for (int e = 0; e < d; e++) {
                    sum[e] = arrays.o.biases().get(layer * d + e);
                }
                for (int i = 0; i < width; i++) {
                    sum[i % d] += editedResults[at + i];
                }
                loadRow(Buffer.BRANCH, row, sum);
            }
        }
    }

    private void loadRow(Buffer buffer, int row, float[] values) {
        flush();
        DeviceArrays.put(values, 0, values.length, arrays.staging, 0);
        arrays.step.set(StepField.AT, row * values.length);
        arrays.step.set(StepField.COUNT, values.length);
        enqueue(Operation.load(buffer), layer);
        flush();
    }

    @Override
    public void mlpIn(int layer, boolean thenActivate) {
        enqueue(thenActivate ? Operation.MLP_IN_ACTIVATE : Operation.MLP_IN, layer);
    }

    @Override
    public void activate() {
        enqueue(Operation.ACTIVATE, layer);
    }

    @Override
    public void mlpOut(int layer, boolean thenAdd) {
        enqueue(thenAdd ? Operation.MLP_OUT_ADD : Operation.MLP_OUT, layer);
    }

    @Override
    public void addBranch() {
        enqueue(Operation.ADD_BRANCH, layer);
    }

    @Override
    public void gather(Buffer buffer, int[] chosen) {
        enqueue(buffer == Buffer.NORMED ? Operation.GATHER_NORMED : Operation.GATHER_RESIDUAL, layer, chosen.length);
    }

    @Override
    public void unembed(float[] logits, int count, int[] columns) {
        flush();
        loadColumns(columns);
        int width = columns == null ? config.dVocab() : columns.length;
        arrays.step.set(StepField.COLUMNS, width);
        for (int first = 0; first < count; first += sizes.logitRows()) {
            int some = Math.min(sizes.logitRows(), count - first);
            arrays.step.set(StepField.FIRST_ROW, first);
            enqueue(Operation.UNEMBED, layer, some);
            flush();
            graphs.read(arrays.logits, 0, some * width);
            DeviceArrays.get(arrays.logits, 0, logits, first * width, some * width);
        }
    }

    /** Tells the device which tokens' logits to form, unless it knows. */
    private void loadColumns(int[] wanted) {
        if (columnsKnown && Arrays.equals(columns, wanted)) {
            return;
        }
        int count = wanted == null ? config.dVocab() : wanted.length;
        for (int i = 0; i < count; i++) {
            arrays.columns.set(i, wanted == null ? i : wanted[i]);
        }
        arrays.step.set(StepField.COLUMNS, 0);
        enqueue(Operation.LOAD_COLUMNS, layer);
        flush();
        columns = wanted;
        columnsKnown = true;
    }

    @Override
    public void close() {
        turn.lock();
        try {
            graphs.close();
        } finally {
            turn.unlock();
        }
    }
}
