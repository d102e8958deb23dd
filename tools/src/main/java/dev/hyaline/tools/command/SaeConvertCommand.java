package dev.hyaline.tools.command;

import dev.hyaline.analysis.sparse.file.SaeFile;
import dev.hyaline.analysis.sparse.file.SaeFiles;
import dev.hyaline.analysis.table.CommandRecord;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.CommonOptions;
import dev.hyaline.tools.option.PathOption;
import dev.hyaline.tools.option.SaeSource;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.JsonOutput;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code hyaline sae convert}: writes an autoencoder in SAELens's format. */
@Command(
        name = "convert",
        header = "Writes an autoencoder as a folder that SAELens reads.",
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {"  hyaline sae convert --sae ae-folder --out for-saelens"})
public final class SaeConvertCommand implements Runnable, CheckedOptions {
    private final Console console;

    @Mixin
    private SaeSource source;

    @Option(
            names = {"-o", "--out"},
            paramLabel = "DIR",
            required = true,
            description = {
                "Folder to write. It must not exist: a folder is never replaced, because it may hold other files."
            })
    private String out = "";

    @Mixin
    private CommonOptions common;

    SaeConvertCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        PathOption.newFolder("--out", out);
    }

    @Override
    public void run() {
        SaeFile file = source.read(console);
        float[] densities = file.logDensities().clone();
        for (int i = 0; i < densities.length; i++) {
            densities[i] = (float) Math.max(0, Math.pow(10, densities[i]) - 1e-10);
        }
        CommandRecord made = common.record(null, null);
        SaeFiles.write(
                file.autoencoder(), PathOption.parse("--out", out), densities, Map.of(CommandRecord.FILE, made.file()));
        if (common.json) {
            JsonOutput.print(console, json -> json.writeStringProperty("out", out));
        } else {
            console.out().println("Wrote " + out);
        }
    }
}
