package dev.hyaline.engine;

import dev.hyaline.engine.error.BackendUnavailableException;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.internal.device.DeviceProvider;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A device that a model can run on instead of this machine's processors' vector units. There are some where the module
 * {@code hyaline-engine-tornado} and TornadoVM are.
 *
 * @param index by which {@link #named} finds it
 * @param name as its driver calls it
 * @param platform the driver
 * @param memory bytes
 * @param largestArray bytes that one allocation can have
 */
public record Device(int index, String name, Kind kind, String platform, long memory, long largestArray) {
    /** Kinds of devices. */
    public enum Kind {
        GPU,
        /** Processors, behind a driver for devices. */
        CPU,
        ACCELERATOR
    }

    /**
     * The devices there are, in the order of their index.
     *
     * @throws BackendUnavailableException saying what is missing, if there is no way to run on any
     */
    public static List<Device> available() {
        return DeviceProvider.provide().devices();
    }

    /**
     * Finds a device.
     *
     * @param name {@code gpu} for the first GPU, or an index
     * @throws BackendUnavailableException if there is no such device
     */
    public static Device named(String name) {
        if (!name.equals("gpu") && !name.matches("\\d{1,4}")) {
            throw new BadInputException("a device must be gpu or the number of one, found '" + name + "'");
        }
        List<Device> devices = available();
        return devices.stream()
                .filter(device -> name.equals("gpu") ? device.kind == Kind.GPU : device.index == Integer.parseInt(name))
                .findFirst()
                .orElseThrow(() -> new BackendUnavailableException(
                        name.equals("gpu") ? "no device here is a GPU" : "there is no device " + name,
                        "choose one of "
                                + devices.stream().map(Device::toString).collect(Collectors.joining(", "))));
    }

    @Override
    public String toString() {
        return index + " (" + name + ", " + kind + ")";
    }
}
