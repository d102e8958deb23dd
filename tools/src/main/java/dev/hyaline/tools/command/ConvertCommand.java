package dev.hyaline.tools.command;

import dev.hyaline.analysis.table.CommandRecord;
import dev.hyaline.instrument.ElementType;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.Choice;
import dev.hyaline.tools.option.CommonOptions;
import dev.hyaline.tools.option.ModelOptions;
import dev.hyaline.tools.option.PathOption;
import dev.hyaline.tools.report.Table;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.ConsoleProgress;
import dev.hyaline.tools.terminal.DisplayText;
import dev.hyaline.tools.terminal.JsonOutput;
import dev.hyaline.weights.Checkpoint;
import dev.hyaline.weights.CheckpointFile;
import dev.hyaline.weights.Conversion;
import dev.hyaline.weights.StorageDtype;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.core.JsonGenerator;

/** {@code hyaline convert}: conversion of any checkpoint to a Hugging Face folder. */
@Command(
        name = "convert",
        header = "Writes a model as a folder that Hugging Face's libraries can read.",
        description = {
            "",
            "Reads what --model takes: safetensors, PyTorch's .bin, .pt, .pth and .ckpt, nanoGPT's ckpt.pt, llm.c's"
                + " .bin, GGUF, TensorFlow checkpoints of the original release and TransformerLens state dictionaries,"
                + " told apart by their content. Writes config.json, model.safetensors and the tokenizer's files, if"
                + " the model comes with them; reads all of it back and compares it bit for bit before the folder"
                + " takes its name."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline convert --model out/ckpt.pt --out my-model",
            "  hyaline convert --model gpt2.Q8_0.gguf --out gpt2-from-gguf --dtype f16",
            "  hyaline convert --model models/124M --out gpt2-original",
            "",
            "Exit codes: 0 done; 1 failed (nothing is left half written); 2 bad usage."
        })
public final class ConvertCommand implements Runnable, CheckedOptions {
    private final Console console;

    @Mixin
    private ModelOptions modelOptions;

    @Option(
            names = {"-o", "--out"},
            paramLabel = "DIR",
            required = true,
            description = {"Folder to write. It must not exist yet, or be empty: what a folder holds is never replaced."
            })
    @SuppressWarnings("NullAway.Init") // picocli sets what is required
    private String out;

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            completionCandidates = Choice.FloatTypes.class,
            converter = Choice.FloatTypes.class,
            description = {
                "${COMPLETION-CANDIDATES}: the type that the parameters are rounded to, to nearest. Default: as they"
                        + " are stored, or f32 where they are quantised."
            })
    private @Nullable ElementType type;

    @Mixin
    private CommonOptions common;

    public ConvertCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        Path folder = PathOption.parse("--out", out);
        Conversion.requireFree(folder);
        PathOption.requireWritable("--out", folder);
    }

    @Override
    public void run() {
        Path folder = PathOption.parse("--out", out);
        try (Checkpoint checkpoint = modelOptions.open(console)) {
            Conversion conversion = type == null
                    ? Conversion.of(checkpoint)
                    : Conversion.of(checkpoint, StorageDtype.valueOf(type.name()));
            try (ConsoleProgress progress =
                    new ConsoleProgress(console, "converting", "parameters", conversion.steps())) {
                CommandRecord made = common.record(null, checkpoint);
                conversion.write(folder, Map.of(CommandRecord.FILE, made.file()), progress::advance);
            }
            report(checkpoint, folder);
        }
    }

    private void report(Checkpoint source, Path folder) {
        try (Checkpoint written = Checkpoint.open(folder)) {
            if (common.json) {
                JsonOutput.print(console, json -> json(json, source, written, folder));
                return;
            }
            console.out()
                    .println(console.bold(folder.toString()) + "  " + source.name() + ", "
                            + DisplayText.count(written.config().parameters()) + " parameters stored as "
                            + types(written)
                            + " (were " + types(source) + "); read back and found the same");
            console.out().println();
            Table files = new Table("file", ">bytes");
            for (CheckpointFile file : written.files()) {
                files.row(file.name(), DisplayText.count(file.bytes()));
            }
            files.print(console);
        }
    }

    private static void json(JsonGenerator json, Checkpoint source, Checkpoint written, Path folder) {
        json.writeStringProperty("folder", folder.toString());
        json.writeStringProperty("model", source.name());
        json.writeNumberProperty("parameters", written.config().parameters());
        types(json, "were_stored_as", source);
        types(json, "stored_as", written);
        json.writeArrayPropertyStart("files");
        for (CheckpointFile file : written.files()) {
            json.writeStartObject();
            json.writeStringProperty("name", file.name());
            json.writeNumberProperty("bytes", file.bytes());
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private static void types(JsonGenerator json, String name, Checkpoint checkpoint) {
        json.writeArrayPropertyStart(name);
        checkpoint.storageDtypes().forEach(type -> json.writeString(type.name().toLowerCase(Locale.ROOT)));
        json.writeEndArray();
    }

    private static String types(Checkpoint checkpoint) {
        return checkpoint.storageDtypes().stream()
                .map(type -> type.name().toLowerCase(Locale.ROOT))
                .collect(Collectors.joining(", "));
    }
}
