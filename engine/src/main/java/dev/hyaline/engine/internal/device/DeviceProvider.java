package dev.hyaline.engine.internal.device;

import dev.hyaline.engine.Device;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BackendUnavailableException;
import dev.hyaline.engine.internal.forward.Host;
import dev.hyaline.engine.internal.forward.PackedWeights;
import java.util.List;
import java.util.ServiceLoader;

/** A way to run on devices, found as a service: a module of its own, so that the engine depends on the JDK alone. */
public interface DeviceProvider {
    /**
     * The devices there are, at least one.
     *
     * @throws BackendUnavailableException saying what is missing
     */
    List<Device> devices();

    /**
     * Puts a model's weights on a device.
     *
     * @throws BackendUnavailableException if they do not fit
     */
    Host open(Device device, Gpt2Config config, PackedWeights weights);

    /**
     * The provider of this process.
     *
     * @throws BackendUnavailableException if there is none
     */
    static DeviceProvider provide() {
        return ServiceLoader.load(DeviceProvider.class, DeviceProvider.class.getClassLoader())
                .findFirst()
                .orElseThrow(() -> new BackendUnavailableException(
                        "running on a device needs TornadoVM and the module hyaline-engine-tornado, which is not there",
                        "install TornadoVM 5.2 for JDK 25 (tornadovm.org, or sdk install tornadovm), set TORNADOVM_HOME"
                                + " and start ./hyaline again, or put the module on the class path or module path"));
    }
}
