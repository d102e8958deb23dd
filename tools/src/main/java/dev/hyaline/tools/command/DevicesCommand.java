package dev.hyaline.tools.command;

import dev.hyaline.engine.Device;
import dev.hyaline.engine.error.BackendUnavailableException;
import dev.hyaline.tools.option.CommonOptions;
import dev.hyaline.tools.report.Table;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.DisplayText;
import dev.hyaline.tools.terminal.JsonOutput;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import tools.jackson.core.JsonGenerator;

/** {@code hyaline devices}: the devices that {@code --device} can name. */
@Command(
        name = "devices",
        header = "Lists the processors and devices that a model can run on.",
        description = {
            "",
            "Devices are reached through TornadoVM (tornadovm.org) 5.2 for JDK 25: set TORNADOVM_HOME to its SDK."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline devices",
            "  hyaline dump --device gpu",
            "",
            "Environment:",
            "  TORNADOVM_HOME   TornadoVM's SDK, the folder that holds tornado-argfile"
        })
public final class DevicesCommand implements Runnable {
    private static final String TORNADOVM_HOME = "TORNADOVM_HOME";

    private final Console console;

    @Mixin
    private CommonOptions common;

    public DevicesCommand(Console console) {
        this.console = console;
    }

    @Override
    public void run() {
        int processors = Runtime.getRuntime().availableProcessors();
        List<Device> devices = devices();
        if (common.json) {
            JsonOutput.print(console, json -> {
                json.writeNumberProperty("processors", processors);
                json(json, devices);
            });
            return;
        }
        console.out().println(DisplayText.plural(processors, "processor") + ", which models run on without --device");
        if (devices.isEmpty()) {
            console.out()
                    .println("no GPU; to add one, install TornadoVM 5.2 for JDK 25 (tornadovm.org, or sdk install"
                            + " tornadovm) and set " + TORNADOVM_HOME + " to its SDK");
            return;
        }
        Table table = new Table(">device", "kind", "name", "driver", ">memory");
        for (Device device : devices) {
            table.row(
                    String.valueOf(device.index()),
                    kind(device),
                    device.name(),
                    device.platform(),
                    DisplayText.bytes(device.memory()));
        }
        table.print(console);
    }

    /** The devices there are; none without TornadoVM. */
    private List<Device> devices() {
        try {
            return Device.available();
        } catch (BackendUnavailableException e) {
            if (console.environment().containsKey(TORNADOVM_HOME)) {
                throw e;
            }
            return List.of();
        }
    }

    private static String kind(Device device) {
        return device.kind().name().toLowerCase(Locale.ROOT);
    }

    private static void json(JsonGenerator json, List<Device> devices) {
        json.writeArrayPropertyStart("devices");
        for (Device device : devices) {
            json.writeStartObject();
            json.writeNumberProperty("index", device.index());
            json.writeStringProperty("kind", kind(device));
            json.writeStringProperty("name", device.name());
            json.writeStringProperty("driver", device.platform());
            json.writeNumberProperty("memory", device.memory());
            json.writeNumberProperty("largest_array", device.largestArray());
            json.writeEndObject();
        }
        json.writeEndArray();
    }
}
