package dev.hyaline.engine.internal.forward;

import dev.hyaline.engine.Device;
import dev.hyaline.engine.KernelChoice;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.internal.kernel.KernelProvider;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import java.util.Optional;

/** This machine's processors. Backends share one pool of threads. */
public final class ProcessorHost implements Host {
    private final Gpt2Config config;
    private final PackedWeights weights;
    private final KernelProvider.Provided kernels;
    private final WorkerPool pool;

    /**
     * Starts the threads.
     *
     * @param threads the caller's included
     * @throws dev.hyaline.engine.error.BadInputException if there are none or too many
     */
    public ProcessorHost(Gpt2Config config, PackedWeights weights, KernelProvider.Provided kernels, int threads) {
        this.config = config;
        this.weights = weights;
        this.kernels = kernels;
        pool = new WorkerPool(threads);
    }

    @Override
    public KernelChoice kernels() {
        return kernels.choice();
    }

    @Override
    public Optional<Device> device() {
        return Optional.empty();
    }

    @Override
    public int threads() {
        return pool.threads();
    }

    /** The arithmetic of this host's passes. */
    public Kernels arithmetic() {
        return kernels.kernels();
    }

    /** The threads of this host's passes. */
    public WorkerPool pool() {
        return pool;
    }

    @Override
    public KeyValues newKeyValues() {
        return new KeyValueBlocks(config);
    }

    @Override
    public boolean reads(KeyValues keyValues) {
        return keyValues instanceof KeyValueBlocks;
    }

    @Override
    public Backend backend() {
        return new ProcessorBackend(config, weights, kernels.kernels(), pool);
    }

    @Override
    public void close() {
        pool.close();
    }
}
