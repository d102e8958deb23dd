package dev.hyaline.engine;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BackendUnavailableException;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.engine.internal.backward.BackwardPass;
import dev.hyaline.engine.internal.backward.KeptPass;
import dev.hyaline.engine.internal.device.DeviceCheck;
import dev.hyaline.engine.internal.device.DeviceProvider;
import dev.hyaline.engine.internal.forward.ForwardPass;
import dev.hyaline.engine.internal.forward.Host;
import dev.hyaline.engine.internal.forward.Plan;
import dev.hyaline.engine.internal.forward.ProcessorHost;
import dev.hyaline.engine.internal.kernel.KernelProvider;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import dev.hyaline.engine.site.Probe;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

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

    /** Most threads of a model. */
    public static final int MAX_THREADS = WorkerPool.MAX_THREADS;

    private static final int HEAP_PART_FOR_TAPES = 8;

    private final Gpt2Weights weights;
    private final Host host;
    private final Planner planner;
    /** Passes not in use, with the buffers they have grown. */
    private final Deque<ForwardPass> idle = new ArrayDeque<>();

    private final Deque<BackwardPass> idleBackward = new ArrayDeque<>();

    private boolean closed;

    private Gpt2(Gpt2Weights weights, Host host) {
        this.weights = weights;
        this.host = host;
        planner = new Planner(weights.config(), host);
    }

    /** A model on {@link #defaultThreads}. */
    public static Gpt2 of(Gpt2Weights weights) {
        return of(weights, defaultThreads());
    }

    /**
     * A model on a number of threads, the caller's included.
     *
     * @throws BadInputException if there are none, or more than {@value #MAX_THREADS}
     */
    public static Gpt2 of(Gpt2Weights weights, int threads) {
        return new Gpt2(
                weights, new ProcessorHost(weights.config(), weights.packed(), KernelProvider.provide(), threads));
    }

    /**
     * As {@link #of(Gpt2Weights, int)}, on scalar kernels even where vector ones run: to compare the two.
     *
     * @throws BadInputException if there are no threads, or more than {@value #MAX_THREADS}
     */
    public static Gpt2 onScalarKernels(Gpt2Weights weights, int threads) {
        return new Gpt2(
                weights, new ProcessorHost(weights.config(), weights.packed(), KernelProvider.scalar(), threads));
    }

    /**
     * A model on a device, its weights there. A short pass is compared with the processors' first.
     *
     * @throws BackendUnavailableException if the device cannot be had, lacks memory, or computes something else
     */
    public static Gpt2 of(Gpt2Weights weights, Device device) {
        Gpt2 model = new Gpt2(weights, DeviceProvider.provide().open(device, weights.config(), weights.packed()));
        try (Gpt2 processors = of(weights)) {
            DeviceCheck.of(weights.config()).compare(model::forward, processors::forward);
        } catch (RuntimeException | Error failure) {
            model.close();
            throw failure;
        }
        return model;
    }

    /** The model's sizes. */
    public Gpt2Config config() {
        return weights.config();
    }

    /** The weights, which models may share. */
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
            return Math.min(Runtime.getRuntime().availableProcessors(), MAX_THREADS);
        }
        if (!property.matches("[1-9]\\d{0,3}")) {
            throw new BadInputException(THREADS_PROPERTY + " must be a number of threads, found " + property);
        }
        int threads = Integer.parseInt(property);
        if (threads > MAX_THREADS) {
            throw new BadInputException(THREADS_PROPERTY + " must be at most " + MAX_THREADS + ", found " + property);
        }
        return threads;
    }

    /** The kernels this model runs on, and why those. */
    public KernelChoice kernels() {
        return host.kernels();
    }

    /** The device this model runs on; empty for this machine's processors. */
    public Optional<Device> device() {
        return host.device();
    }

    /** Threads that a pass runs on, the caller's included. */
    public int threads() {
        return host.threads();
    }

    /** An empty cache for one sequence. */
    public KvCache newCache() {
        return new KvCache(host.newKeyValues());
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
        Plan plan = planner.plan(request);
        float[] out = plan.newResult(config());
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
        Plan plan = planner.plan(request);
        long needed = plan.resultSize(config());
        if (out.length < needed) {
            throw new BadShapeException(
                    "room for the result", "at least " + needed + " values", out.length + " values");
        }
        run(plan, out);
        return plan.result(config(), out);
    }

    /**
     * Runs a pass and keeps what backward passes need, with an eighth of the heap's largest size as the budget.
     *
     * @throws BadInputException as {@link #record(ForwardRequest, long)}
     */
    public Tape record(ForwardRequest request) {
        return record(request, Runtime.getRuntime().maxMemory() / HEAP_PART_FOR_TAPES);
    }

    /**
     * Runs a pass and keeps what backward passes need.
     *
     * @param budget bytes to keep where that spares work: between {@link Tape#minBytes}, which are kept in any case,
     *     and {@link Tape#maxBytes}
     * @throws BadInputException as {@link #forward(ForwardRequest)}, and if the pass begins in the middle of a stage or
     *     a sequence has a cache
     * @throws BackendUnavailableException on a device
     */
    public Tape record(ForwardRequest request, long budget) {
        requireProcessors();
        Plan plan = planner.plan(request);
        if (plan.start() instanceof Start.Branch branch) {
            throw new BadInputException(
                    "gradients need a pass from the embedding or a boundary, found one from " + branch.point());
        }
        if (request.sequences().stream().anyMatch(sequence -> sequence.cache().isPresent())) {
            throw new BadInputException("gradients need whole sequences, found one with a cache; give all its tokens");
        }
        KeptPass kept = new KeptPass(plan, Tape.points(config(), plan, budget));
        float[] out = plan.newResult(config());
        run(kept.watched(), out);
        return new Tape(this, kept, plan.result(config(), out));
    }

    private ProcessorHost requireProcessors() {
        if (host instanceof ProcessorHost processors) {
            return processors;
        }
        throw new BackendUnavailableException(
                "gradients are formed on this machine's processors, and the model runs on a device",
                "open the model without a device");
    }

    void runBackward(KeptPass kept, float[] gradient, Probe probe, @Nullable Function<String, float[]> parameterSums) {
        BackwardPass pass = takeBackward();
        try {
            pass.run(kept, gradient, probe, parameterSums);
        } finally {
            synchronized (idle) {
                if (!closed) {
                    idleBackward.push(pass);
                }
            }
        }
    }

    private BackwardPass takeBackward() {
        synchronized (idle) {
            if (closed) {
                throw new IllegalStateException("the model is closed");
            }
            BackwardPass pass = idleBackward.poll();
            if (pass != null) {
                return pass;
            }
        }
        ProcessorHost processors = requireProcessors();
        return new BackwardPass(
                config(), weights.packed(), weights.transposed(), processors.arithmetic(), processors.pool());
    }

    Planner planner() {
        return planner;
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

    /** Ends the threads, or gives the device's memory back. Passes that still run finish on their callers' threads. */
    @Override
    public void close() {
        synchronized (idle) {
            closed = true;
            idle.clear();
            idleBackward.clear();
        }
        host.close();
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
        return new ForwardPass(config(), host.backend());
    }

    private void giveBack(ForwardPass pass) {
        synchronized (idle) {
            if (!closed) {
                idle.push(pass);
            }
        }
    }

    /** Its sizes, and what it runs on. */
    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "GPT-2 of %d layers, %d heads, dModel %d, %,d tokens, on %d threads with %s kernels",
                config().nLayers(),
                config().nHeads(),
                config().dModel(),
                config().dVocab(),
                threads(),
                kernels().name());
    }
}
