package dev.hyaline.engine.tornado;

import dev.hyaline.engine.Device;
import dev.hyaline.engine.KernelChoice;
import dev.hyaline.engine.internal.forward.Backend;
import dev.hyaline.engine.internal.forward.Host;
import dev.hyaline.engine.internal.forward.KeyValues;
import java.util.Optional;

/** A device with one model's weights. Passes of several threads take turns at its one backend. */
record TornadoHost(Device onDevice, TornadoBackend tornado) implements Host {
    @Override
    public KernelChoice kernels() {
        return new KernelChoice("device " + onDevice, tornado.description());
    }

    @Override
    public Optional<Device> device() {
        return Optional.of(onDevice);
    }

    @Override
    public int threads() {
        return 1;
    }

    @Override
    public KeyValues newKeyValues() {
        return tornado.newKeyValues();
    }

    @Override
    public boolean reads(KeyValues keyValues) {
        return tornado.reads(keyValues);
    }

    @Override
    public Backend backend() {
        return tornado;
    }

    @Override
    public void close() {
        tornado.close();
    }
}
