package dev.hyaline.engine.internal.device;

import dev.hyaline.engine.internal.forward.Backend;
import dev.hyaline.engine.internal.forward.KeyValues;

/** A model on a device. Passes of several threads take turns. */
public interface DeviceBackend extends Backend, AutoCloseable {
    /** What it runs on and how, as a clause. */
    String description();

    /** Keys and values of a new sequence. */
    KeyValues newKeyValues();

    /** Whether keys and values are kept where this backend can read them. */
    boolean reads(KeyValues keyValues);

    /** Gives the device's memory back. */
    @Override
    void close();
}
