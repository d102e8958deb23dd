package dev.hyaline.engine.internal.forward;

import dev.hyaline.engine.Device;
import dev.hyaline.engine.KernelChoice;
import java.util.Optional;

/** The hardware that a model runs on: this machine's processors, or a device. Thread-safe. */
public interface Host extends AutoCloseable {
    /** The kernels, and the reason for them. */
    KernelChoice kernels();

    /** The device; empty for this machine's processors. */
    Optional<Device> device();

    /** Threads that a pass runs on, the caller's included. */
    int threads();

    /** Keys and values of a new sequence. */
    KeyValues newKeyValues();

    /** Returns whether keys and values are kept where backends of this host can read them. */
    boolean reads(KeyValues keyValues);

    /** A backend for one more pass at a time. */
    Backend backend();

    /** Ends threads, or gives the device's memory back. */
    @Override
    void close();
}
