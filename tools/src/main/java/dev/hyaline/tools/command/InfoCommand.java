package dev.hyaline.tools.command;

import dev.hyaline.engine.Device;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.KernelChoice;
import dev.hyaline.engine.KvCache;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.files.ConfigKeys;
import dev.hyaline.tools.option.CommonOptions;
import dev.hyaline.tools.option.EngineOptions;
import dev.hyaline.tools.option.ModelOptions;
import dev.hyaline.tools.report.Table;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.DisplayText;
import dev.hyaline.tools.terminal.JsonOutput;
import dev.hyaline.weights.Checkpoint;
import dev.hyaline.weights.CheckpointFile;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import tools.jackson.core.JsonGenerator;

/** {@code hyaline info}: facts about a model and the hardware it runs on. */
@Command(
        name = "info",
        header = "Shows a model's configuration, size and files, and what it runs on.",
        description = {"", "Reads all weights, so that a broken checkpoint is found here."},
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {"  hyaline info", "  hyaline info --model ~/models/gpt2 --json"})
public final class InfoCommand implements Runnable {
    private final Console console;

    @Mixin
    private ModelOptions modelOptions;

    @Mixin
    private EngineOptions engineOptions;

    @Mixin
    private CommonOptions common;

    public InfoCommand(Console console) {
        this.console = console;
    }

    @Override
    public void run() {
        // No weights are kept, so that a model larger than the memory can be examined.
        try (Checkpoint checkpoint = modelOptions.open(console)) {
            checkpoint.check();
            Optional<Device> device = engineOptions.device();
            KernelChoice kernels = device.map(on -> new KernelChoice("device " + on, on.platform()))
                    .orElseGet(Gpt2::availableKernels);
            int threads = device.isPresent() ? 1 : engineOptions.threads();
            if (common.json) {
                JsonOutput.print(console, json -> json(json, checkpoint, kernels, threads));
            } else {
                text(checkpoint, kernels, threads);
            }
        }
    }

    /** The memory of a pass over all positions, with all logits. */
    private static long passBytes(Gpt2Config config) {
        return Gpt2.passBytes(config, config.nCtx()) + (long) Float.BYTES * config.nCtx() * config.dVocab();
    }

    private static String storage(Checkpoint checkpoint) {
        return checkpoint.storageDtypes().stream()
                .map(type -> type.name().toLowerCase(Locale.ROOT))
                .collect(Collectors.joining(", "));
    }

    private void text(Checkpoint checkpoint, KernelChoice kernels, int threads) {
        Gpt2Config config = checkpoint.config();
        console.out()
                .println(console.bold(checkpoint.name()) + "  " + DisplayText.count(config.parameters())
                        + " parameters, stored as " + storage(checkpoint));
        console.out().println();

        Table shape = new Table("configuration", ">");
        shape.row("layers", DisplayText.count(config.nLayers()));
        shape.row("heads per layer", DisplayText.count(config.nHeads()));
        shape.row("width of the residual stream", DisplayText.count(config.dModel()));
        shape.row("width of a head", DisplayText.count(config.dHead()));
        shape.row("neurons per layer", DisplayText.count(config.dMlp()));
        shape.row("positions", DisplayText.count(config.nCtx()));
        shape.row("vocabulary", DisplayText.count(config.dVocab()));
        shape.row("activation function", config.actFn().configName());
        shape.row("epsilon of the norms", String.valueOf(config.eps()));
        shape.row("scores scaled by head width", yes(config.scaleAttnWeights()));
        shape.row("scores scaled by layer", yes(config.scaleAttnByInverseLayerIdx()));
        shape.row("unembedding is the embedding", yes(config.tieWordEmbeddings()));
        shape.print(console);
        console.out().println();

        Table files = new Table("file", ">bytes");
        for (CheckpointFile file : checkpoint.files()) {
            files.row(file.name(), DisplayText.count(file.bytes()));
        }
        files.print(console);
        console.out().println();

        Table memory = new Table("memory", ">");
        memory.row("weights", DisplayText.bytes(Gpt2Weights.bytes(config, checkpoint.tensors())));
        memory.row("keys and values, all positions", DisplayText.bytes(KvCache.bytes(config, config.nCtx())));
        memory.row("a pass over all positions", DisplayText.bytes(passBytes(config)));
        memory.row("Java may use", DisplayText.bytes(Runtime.getRuntime().maxMemory()));
        memory.print(console);
        console.out().println();

        console.out().println(console.bold("kernels") + "  " + kernels.name() + ": " + kernels.reason());
        console.out().println(console.bold("threads") + "  " + threads);
        console.out().println(console.bold("java") + "     " + Runtime.version());
    }

    private static String yes(boolean value) {
        return value ? "yes" : "no";
    }

    private static void json(JsonGenerator json, Checkpoint checkpoint, KernelChoice kernels, int threads) {
        Gpt2Config config = checkpoint.config();
        json.writeStringProperty("model", checkpoint.name());
        json.writeNumberProperty("parameters", config.parameters());
        json.writeArrayPropertyStart("stored_as");
        checkpoint.storageDtypes().forEach(type -> json.writeString(type.name().toLowerCase(Locale.ROOT)));
        json.writeEndArray();
        json.writeObjectPropertyStart("config");
        ConfigKeys.of(config).forEach((key, literal) -> {
            json.writeName(key);
            json.writeRawValue(literal);
        });
        json.writeEndObject();
        json.writeArrayPropertyStart("files");
        for (CheckpointFile file : checkpoint.files()) {
            json.writeStartObject();
            json.writeStringProperty("name", file.name());
            json.writeNumberProperty("bytes", file.bytes());
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeObjectPropertyStart("memory");
        json.writeNumberProperty("weights", Gpt2Weights.bytes(config, checkpoint.tensors()));
        json.writeNumberProperty("keys_and_values", KvCache.bytes(config, config.nCtx()));
        json.writeNumberProperty("pass", passBytes(config));
        json.writeNumberProperty("java", Runtime.getRuntime().maxMemory());
        json.writeEndObject();
        json.writeObjectPropertyStart("kernels");
        json.writeStringProperty("name", kernels.name());
        json.writeStringProperty("reason", kernels.reason());
        json.writeEndObject();
        json.writeNumberProperty("threads", threads);
        json.writeStringProperty("java_version", Runtime.version().toString());
    }
}
