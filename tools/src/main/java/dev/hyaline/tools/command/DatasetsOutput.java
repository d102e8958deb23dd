package dev.hyaline.tools.command;

import dev.hyaline.analysis.table.CommandRecord;
import dev.hyaline.datasets.DatasetsFolder;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.instrument.dump.ActivationStore;
import dev.hyaline.instrument.dump.CorpusDump;
import dev.hyaline.instrument.dump.TokenFilter;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.ConsoleProgress;
import dev.hyaline.tools.terminal.DisplayText;
import dev.hyaline.tools.terminal.JsonOutput;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;

/** The folder for the datasets library that {@code hyaline dump} makes from shards, which it hides until then. */
final class DatasetsOutput {
    private final Console console;
    private final CorpusDump dump;
    private final Path folder;
    private final Path shards;
    private final boolean json;

    /** @throws BadInputException if the dump is of anything but one site of every token */
    DatasetsOutput(Console console, CorpusDump dump, Path folder, boolean json) {
        requireOneSite(dump);
        this.console = console;
        this.dump = dump;
        this.folder = folder;
        this.json = json;
        Path target = folder.toAbsolutePath().normalize();
        shards = target.resolveSibling("." + target.getFileName() + ".shards");
    }

    /** Where the shards are while the folder is made. */
    Path shards() {
        return shards;
    }

    private static void requireOneSite(CorpusDump dump) {
        boolean all = dump.filter().equals(TokenFilter.all())
                && dump.heads().isAll()
                && dump.neurons().isAll();
        if (dump.points().size() != 1 || !dump.derived().isEmpty() || !all) {
            throw new BadInputException("--format datasets writes one site of every token, found "
                    + (all ? dump.points().size() + dump.derived().size() + " sites" : "a choice of values")
                    + "; choose one with --sites and --layers, and leave out --every, --positions, --heads and"
                    + " --neurons");
        }
    }

    /**
     * Makes the folder from the shards, and removes these.
     *
     * @param made how it is made
     */
    void write(CommandRecord made) {
        HookPoint point = dump.points().getFirst();
        long windows;
        try (ActivationStore store = ActivationStore.open(shards);
                ConsoleProgress progress = new ConsoleProgress(console, "write", "windows", store.documents())) {
            windows = store.documents();
            DatasetsFolder.write(store, point, folder, Map.of(CommandRecord.FILE, made.file()), progress::advance);
        }
        try (Stream<Path> files = Files.list(shards)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
            Files.delete(shards);
        } catch (IOException e) {
            throw FileException.writing(shards, e);
        }
        if (json) {
            JsonOutput.print(console, out -> {
                out.writeBooleanProperty("written", true);
                out.writeStringProperty("out", folder.toString());
                out.writeStringProperty("site", point.name());
                out.writeNumberProperty("windows", windows);
            });
        } else {
            console.out()
                    .println("Wrote " + DisplayText.plural(windows, "window") + " of "
                            + dump.context().orElseThrow() + " tokens of " + point + " to " + folder);
            console.out().println("  SAELens reads it as cached_activations_path, Python by datasets.load_from_disk");
        }
    }
}
