package dev.hyaline.engine.tornado;

import dev.hyaline.engine.Device;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BackendUnavailableException;
import dev.hyaline.engine.internal.device.DeviceProvider;
import dev.hyaline.engine.internal.forward.Host;
import dev.hyaline.engine.internal.forward.PackedWeights;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.TornadoRuntime;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.runtime.TornadoRuntimeProvider;

/** The devices that TornadoVM's drivers show. */
public final class TornadoProvider implements DeviceProvider {
    private static final String RUNTIME_PROPERTY = "tornado.load.runtime.implementation";
    private static final String BAILOUT_PROPERTY = "tornado.recover.bailout";

    @Override
    public List<Device> devices() {
        List<TornadoDevice> found = tornadoDevices();
        List<Device> devices = new ArrayList<>();
        for (TornadoDevice device : found) {
            devices.add(new Device(
                    devices.size(),
                    device.getPhysicalDevice().getDeviceName().strip(),
                    kind(device),
                    device.getPlatformName().strip(),
                    device.getMaxGlobalMemory(),
                    device.getMaxAllocMemory()));
        }
        return List.copyOf(devices);
    }

    @Override
    public Host open(Device device, Gpt2Config config, PackedWeights weights) {
        requireNoBailout();
        TornadoDevice tornadoDevice = tornadoDevices().get(device.index());
        return new TornadoHost(device, new TornadoBackend(device, tornadoDevice, config, weights));
    }

    private static Device.Kind kind(TornadoDevice device) {
        return switch (device.getDeviceType()) {
            case GPU -> Device.Kind.GPU;
            case CPU -> Device.Kind.CPU;
            default -> Device.Kind.ACCELERATOR;
        };
    }

    private static List<TornadoDevice> tornadoDevices() {
        if (System.getProperty(RUNTIME_PROPERTY) == null) {
            throw new BackendUnavailableException(
                    "TornadoVM's runtime is not loaded",
                    "start java with @$TORNADOVM_HOME/tornado-argfile -D" + BAILOUT_PROPERTY
                            + "=False, or use ./hyaline, which does");
        }
        try {
            TornadoRuntime runtime = TornadoRuntimeProvider.getTornadoRuntime();
            List<TornadoDevice> devices = new ArrayList<>();
            for (int backend = 0; backend < runtime.getNumBackends(); backend++) {
                devices.addAll(runtime.getBackend(backend).getAllDevices());
            }
            if (!devices.isEmpty()) {
                return devices;
            }
        } catch (ExceptionInInitializerError | NoClassDefFoundError failure) {
            throw noDriver(failure);
        }
        throw noDriver(null);
    }

    private static BackendUnavailableException noDriver(@Nullable Throwable cause) {
        return new BackendUnavailableException(
                "TornadoVM finds no driver with a device",
                "install the OpenCL driver of your device (for processors, pocl-opencl-icd), and see that clinfo lists"
                        + " it",
                cause);
    }

    /** By default TornadoVM runs a kernel that does not compile as sequential Java, and says nothing. */
    private static void requireNoBailout() {
        if (!"false".equalsIgnoreCase(System.getProperty(BAILOUT_PROPERTY))) {
            throw new BackendUnavailableException(
                    "TornadoVM would hide a device's failure",
                    "start java with -D" + BAILOUT_PROPERTY + "=False, or use ./hyaline, which does");
        }
    }
}
