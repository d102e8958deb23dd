package dev.hyaline.tools.option;

import dev.hyaline.engine.Device;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.error.BackendUnavailableException;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.tools.terminal.Console;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The hardware that a model runs on. */
public final class EngineOptions implements CheckedOptions {
    private static final String PROCESSORS = "cpu";

    @Mixin
    private ThreadOption threads;

    @Option(
            names = "--device",
            paramLabel = "DEVICE",
            description =
                    "cpu or, with TornadoVM, gpu for the first GPU, or the number of a device that hyaline devices"
                            + " lists. A device's values agree with cpu's within rounding. Default: cpu.")
    private String device = PROCESSORS;

    /**
     * The number of threads to compute with.
     *
     * @throws BadInputException if the option is out of range
     */
    public int threads() {
        return threads.threads();
    }

    /**
     * The device to run on; empty for the CPU.
     *
     * @throws BackendUnavailableException saying what is missing
     */
    public Optional<Device> device() {
        if (device.equals(PROCESSORS)) {
            return Optional.empty();
        }
        if (threads.isGiven()) {
            throw new BadInputException("--threads is for --device cpu; leave it out");
        }
        return Optional.of(Device.named(device));
    }

    /** The options that the values depend on. The number of threads is not among them. */
    public List<String> canonical() {
        return device.equals(PROCESSORS) ? List.of() : List.of("--device", device);
    }

    /** Refuses a device: what many machines write together has the values of processors, which all have alike. */
    public void requireProcessors() {
        if (!device.equals(PROCESSORS)) {
            throw new BadInputException("--plan is for --device cpu, whose values are the same on every machine");
        }
    }

    @Override
    public void check() {
        device();
    }

    /** Starts a model on the chosen hardware, and names it on standard error if it is a device. */
    public Gpt2 open(Gpt2Weights weights, Console console) {
        Optional<Device> found = device();
        if (found.isEmpty()) {
            return Gpt2.of(weights, threads());
        }
        Gpt2 model = Gpt2.of(weights, found.get());
        console.err()
                .println("hyaline: on " + model.kernels().name() + ", "
                        + model.kernels().reason());
        return model;
    }
}
