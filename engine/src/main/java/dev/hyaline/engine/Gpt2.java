package dev.hyaline.engine;

import dev.hyaline.engine.internal.device.DeviceBackend;
import dev.hyaline.engine.internal.device.DeviceCheck;
import dev.hyaline.engine.internal.device.DeviceProvider;
import dev.hyaline.engine.internal.forward.Backend;
import dev.hyaline.engine.internal.forward.Batch;
import dev.hyaline.engine.internal.forward.ForwardPass;
import dev.hyaline.engine.internal.forward.KeyValues;
import dev.hyaline.engine.internal.forward.Plan;
import dev.hyaline.engine.internal.forward.ProcessorBackend;
import dev.hyaline.engine.internal.kernel.KernelProvider;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.Site;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * A GPT-2 ready to run. Immutable and thread-safe: passes may run at once from several threads.
 *
 * <p>The bits of every value depend on the weights and on the tokens before it alone: not on the batch, the number of
 * threads, the kernels, a cache or a probe. On a {@link Device}, whose arithmetic is its driver's, values agree with
 * those within rounding instead.
 */
public final class Gpt2 implements AutoCloseable {
    /** System property with the number of threads a model uses unless told; by default all processors. */
    public static final String THREADS_PROPERTY = "hyaline.threads";

    private final Gpt2Weights weights;
    private final KernelProvider.Provided kernels;
    private final WorkerPool pool;
    private final Optional<DeviceModel> onDevice;
    /** Passes not in use, with the buffers they have grown. */
    private final Deque<ForwardPass> idle = new ArrayDeque<>();

    private boolean closed;

    private record DeviceModel(Device device, DeviceBackend backend) {}

    private Gpt2(Gpt2Weights weights, int threads, Optional<DeviceModel> onDevice) {
        if (threads < 1) {
            throw new BadInputException("threads must be at least 1, found " + threads);
        }
        this.weights = weights;
        this.onDevice = onDevice;
        kernels = KernelProvider.provide();
        pool = new WorkerPool(threads);
    }

    /** A model on {@link #defaultThreads}. */
    public static Gpt2 of(Gpt2Weights weights) {
        return of(weights, defaultThreads());
    }

    /** A model on a number of threads, the caller's included. */
    public static Gpt2 of(Gpt2Weights weights, int threads) {
        return new Gpt2(weights, threads, Optional.empty());
    }

    /**
     * A model on a device, its weights there. A short pass is compared with the processors' first.
     *
     * @throws BackendUnavailableException if the device cannot be had, lacks memory, or computes something else
     */
    public static Gpt2 of(Gpt2Weights weights, Device device) {
        DeviceBackend backend = DeviceProvider.provide().open(device, weights.config(), weights.packed());
        Gpt2 model = new Gpt2(weights, 1, Optional.of(new DeviceModel(device, backend)));
        try {
            model.compareWithProcessors();
        } catch (RuntimeException | Error failure) {
            model.close();
            throw failure;
        }
        return model;
    }

    private void compareWithProcessors() {
        try (Gpt2 processors = of(weights)) {
            DeviceCheck.of(config()).compare(this::forward, processors::forward);
        }
    }

    public Gpt2Config config() {
        return weights.config();
    }

    public Gpt2Weights weights() {
        return weights;
    }

    /** The kernels that models of this process run on, and why those. */
    public static KernelChoice availableKernels() {
        return KernelProvider.provide().choice();
    }

    /** The number of threads that the property {@value #THREADS_PROPERTY} asks for, by default one a processor. */
    public static int defaultThreads() {
        String property = System.getProperty(THREADS_PROPERTY);
        if (property == null) {
            return Runtime.getRuntime().availableProcessors();
        }
        if (!property.matches("[1-9]\\d{0,3}")) {
            throw new BadInputException(THREADS_PROPERTY + " must be a number of threads, found " + property);
        }
        return Integer.parseInt(property);
    }

    /** The kernels this model runs on, and why those. */
    public KernelChoice kernels() {
        return onDevice.map(on -> new KernelChoice("device " + on.device, on.backend.description()))
                .orElseGet(kernels::choice);
    }

    /** The device this model runs on; empty for this machine's processors. */
    public Optional<Device> device() {
        return onDevice.map(DeviceModel::device);
    }

    public int threads() {
        return pool.threads();
    }

    /** An empty cache for one sequence. */
    public KvCache newCache() {
        return new KvCache(
                onDevice.isPresent() ? onDevice.get().backend.newKeyValues() : ProcessorBackend.newKeyValues(config()));
    }

    /** Bytes of buffers that a pass over a number of tokens needs, its logits apart. */
    public static long passBytes(Gpt2Config config, int tokens) {
        return (long) Float.BYTES * tokens * (9L * config.dModel() + config.dMlp() + 1);
    }

    /** Logits of every position of one prompt, {@code [tokens, dVocab]}. */
    public float[] logits(int... tokens) {
        return forward(ForwardRequest.of(tokens)).logits();
    }

    /**
     * Runs a pass.
     *
     * @throws BadInputException for an empty batch or sequence, a token outside the vocabulary, a position past
     *     {@code nCtx}, a boundary the model does not have
     * @throws BadShapeException if given residual rows do not fit the batch
     */
    public ForwardResult forward(ForwardRequest request) {
        Plan plan = plan(request);
        float[] out = plan.room(config());
        run(plan, out);
        return plan.result(config(), out);
    }

    /**
     * As {@link #forward(ForwardRequest)}, with the logits, or the residual of a pass that stops at a boundary, written
     * to the front of an array of the caller's. The result holds that array, and its values until the array is written
     * again.
     *
     * @throws BadShapeException if {@code out} is too short
     */
    public ForwardResult forward(ForwardRequest request, float[] out) {
        Plan plan = plan(request);
        long needed = plan.resultSize(config());
        if (out.length < needed) {
            throw new BadShapeException(
                    "room for the result", "at least " + needed + " values", out.length + " values");
        }
        run(plan, out);
        return plan.result(config(), out);
    }

    /** Runs a checked plan; allocates nothing once a pass has grown its buffers. */
    void run(Plan plan, float[] out) {
        ForwardPass pass = take();
        try {
            pass.run(plan, out);
        } finally {
            giveBack(pass);
        }
    }

    /** Ends the threads. Passes that still run finish on their callers' threads. */
    @Override
    public void close() {
        synchronized (idle) {
            closed = true;
            idle.clear();
        }
        pool.close();
        onDevice.ifPresent(on -> on.backend.close());
    }

    private ForwardPass take() {
        synchronized (idle) {
            if (closed) {
                throw new IllegalStateException("the model is closed");
            }
            ForwardPass pass = idle.poll();
            if (pass != null) {
                return pass;
            }
        }
        Backend backend = onDevice.isPresent()
                ? onDevice.get().backend
                : new ProcessorBackend(config(), weights.packed(), kernels.kernels(), pool);
        return new ForwardPass(config(), backend);
    }

    private void giveBack(ForwardPass pass) {
        synchronized (idle) {
            if (!closed) {
                idle.push(pass);
            }
        }
    }

    private Plan plan(ForwardRequest request) {
        int layers = config().nLayers();
        int from = request.from().map(boundary -> step(boundary, layers)).orElse(0);
        int to = request.to().map(boundary -> step(boundary, layers)).orElse(2 * layers);
        if (from > to) {
            throw new BadInputException(
                    "a pass cannot begin at " + request.from().orElseThrow() + " and stop at "
                            + request.to().orElseThrow() + ", which comes before");
        }
        Batch batch = batch(request.sequences());
        float[] residual = request.from().isPresent() ? request.residual() : null;
        int values = batch.rows() * config().dModel();
        if (residual != null && residual.length != values) {
            throw new BadShapeException(
                    "residual rows to begin from",
                    "[" + batch.rows() + ", " + config().dModel() + "] (" + values + " values)",
                    residual.length + " values");
        }
        request.reached().ifPresent(site -> checkBranch(request, site, from, to, batch.rows()));
        for (Sequence sequence : request.sequences()) {
            boolean partial = to < 2 * layers - 1 || (residual != null && !sequence.amends());
            if (sequence.appends() && partial) {
                throw new BadInputException(
                        "a pass that appends to a cache must run from the embedding through the last attention");
            }
        }
        int[] rows = logitRows(request.logits(), batch);
        int[] columns = request.logits().columns().map(this::checkedColumns).orElse(null);
        return new Plan(
                batch,
                residual,
                request.reached().orElse(null),
                request.branch(),
                from,
                to,
                request.to().isPresent(),
                rows,
                columns,
                request.probe());
    }

    private void checkBranch(ForwardRequest request, Site site, int from, int to, int rows) {
        boolean inside = switch (site) {
            case Z, ATTN_OUT -> from % 2 == 0;
            case MLP_POST, MLP_OUT -> from % 2 == 1;
            default -> false;
        };
        Boundary boundary = request.from().orElseThrow();
        if (!inside) {
            throw new BadInputException("a pass that begins at " + boundary + " cannot go on at " + site.localName());
        }
        if (from == to) {
            throw new BadInputException(
                    "a pass that goes on at " + site.localName() + " of " + boundary + " must run to a later boundary");
        }
        int width = site.shape().width(config());
        if (request.branch().length != rows * width) {
            throw new BadShapeException(
                    "values of " + site.localName() + " to go on from",
                    "[" + rows + ", " + width + "] (" + rows * width + " values)",
                    request.branch().length + " values");
        }
    }

    private static int step(Boundary boundary, int layers) {
        int step = 2 * boundary.layer() + (boundary.mid() ? 1 : 0);
        if (boundary.layer() < 0 || step > 2 * layers) {
            throw new BadInputException("the model has " + layers + " layers, found boundary " + boundary);
        }
        return step;
    }

    private Batch batch(List<Sequence> sequences) {
        if (sequences.isEmpty()) {
            throw new BadInputException("a batch must hold at least one sequence, found none");
        }
        int count = sequences.size();
        int[] firstRow = new int[count + 1];
        int[] start = new int[count];
        KeyValues[] past = new KeyValues[count];
        boolean[] append = new boolean[count];
        Set<KeyValues> appended = new HashSet<>();
        for (int s = 0; s < count; s++) {
            Sequence sequence = sequences.get(s);
            check(sequence, s);
            firstRow[s + 1] = Math.addExact(firstRow[s], sequence.length());
            start[s] = sequence.start();
            past[s] = sequence.cache().map(KvCache::keyValues).orElse(null);
            append[s] = sequence.appends();
            if (append[s] && !appended.add(past[s])) {
                throw new BadInputException("two sequences of a batch cannot append to the same cache");
            }
        }
        requireArray(firstRow[count]);
        int[] tokens = new int[firstRow[count]];
        for (int s = 0; s < count; s++) {
            Sequence sequence = sequences.get(s);
            for (int i = 0; i < sequence.length(); i++) {
                tokens[firstRow[s] + i] = requireToken(sequence.token(i), i);
            }
        }
        return new Batch(tokens, firstRow, start, past, append);
    }

    private void check(Sequence sequence, int index) {
        if (sequence.length() == 0) {
            throw new BadInputException("sequence " + index + " must hold at least one token, found none");
        }
        if (sequence.end() > config().nCtx()) {
            throw new BadInputException("the model has " + config().nCtx()
                    + " positions, found a sequence that ends after " + sequence.end());
        }
        sequence.cache().ifPresent(cache -> {
            requireReadable(cache.keyValues(), index);
            boolean fits = sequence.amends()
                    ? sequence.start() >= cache.keyValues().writableFrom() && sequence.end() == cache.length()
                    : cache.length() == sequence.start();
            if (sequence.appends() && !fits) {
                throw new BadInputException("sequence " + index + " was to append at position " + sequence.start()
                        + ", but its cache now holds " + cache.length());
            }
        });
    }

    void requireReadable(KeyValues keyValues, int sequence) {
        if (!keyValues.config().equals(config())) {
            throw new BadInputException(
                    "sequence " + sequence + " brings a cache of a model with another configuration");
        }
        boolean readable =
                onDevice.map(on -> on.backend.reads(keyValues)).orElseGet(() -> ProcessorBackend.reads(keyValues));
        if (!readable) {
            throw new BadInputException("sequence " + sequence + " brings a cache whose values are elsewhere: "
                    + "a model on a device and one on the processors cannot share one");
        }
    }

    int requireToken(int token, int position) {
        if (token < 0 || token >= config().dVocab()) {
            throw new BadInputException("tokens must be from 0 to " + (config().dVocab() - 1) + ", found " + token
                    + " at index " + position);
        }
        return token;
    }

    private int[] checkedColumns(int[] columns) {
        if (columns.length == 0) {
            throw new BadInputException("logit columns must name at least one token, found none");
        }
        for (int i = 0; i < columns.length; i++) {
            requireToken(columns[i], i);
        }
        return columns;
    }

    private static int[] logitRows(LogitSelection selection, Batch batch) {
        return switch (selection.rows()) {
            case NONE -> new int[0];
            case ALL -> IntStream.range(0, batch.rows()).toArray();
            case LAST ->
                Arrays.stream(batch.firstRow(), 1, batch.sequences() + 1)
                        .map(end -> end - 1)
                        .toArray();
            case CHOSEN -> {
                int[] rows = selection.chosenRows();
                if (rows.length > 0 && (rows[0] < 0 || rows[rows.length - 1] >= batch.rows())) {
                    throw new BadInputException(
                            "logit rows must be from 0 to " + (batch.rows() - 1) + ", found " + Arrays.toString(rows));
                }
                yield rows;
            }
        };
    }

    private void requireArray(int rows) {
        long widest = (long) rows * Math.max(config().dMlp(), config().dModel());
        if (widest > Integer.MAX_VALUE - 8) {
            throw new BadInputException("a batch of " + rows + " tokens exceeds 2^31 neurons; split it");
        }
    }
}
