package dev.hyaline.tools.command;

import dev.hyaline.analysis.superposition.ToySetting;
import dev.hyaline.analysis.superposition.ToyTraining;
import dev.hyaline.analysis.superposition.TrainedToy;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.PartialFile;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.CommonOptions;
import dev.hyaline.tools.option.TableOptions;
import dev.hyaline.tools.option.ToyOptions;
import dev.hyaline.tools.report.ToyReport;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.ConsoleProgress;
import dev.hyaline.tools.terminal.JsonOutput;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code hyaline superposition}: more features than dimensions. */
@Command(
        name = "superposition",
        header = "Shows how features share dimensions, in toy models.",
        description = {
            "",
            "Trains the toy models of Elhage et al. 2022 on features that are rarely present together, and shows how"
                    + " they are arranged: by themselves, in opposite pairs, as polygons. With --out, draws the known"
                    + " pictures."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline superposition --toy --out toys",
            "  hyaline superposition --toy --features 5 --hidden 2 --densities 0.9,0.05",
        })
public final class SuperpositionCommand implements Runnable, CheckedOptions {
    private final Console console;

    @Mixin
    private ToyOptions toys;

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "What weights and order depend on. Default: ${DEFAULT-VALUE}")
    private long seed = 1;

    @Mixin
    private TableOptions tables;

    @Mixin
    private CommonOptions common;

    SuperpositionCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        tables.requireFree(ToyReport.names());
    }

    @Override
    public void run() {
        toy();
    }

    private void toy() {
        Map<String, List<ToySetting>> settings = toys.settings(seed);
        List<ToySetting> all = settings.values().stream().flatMap(List::stream).toList();
        List<TrainedToy> trained;
        try (ConsoleProgress progress =
                new ConsoleProgress(console, "train", "models", (long) all.size() * toys.instances())) {
            trained = ToyTraining.best(all, toys.instances(), () -> progress.advance(1));
        }
        Map<String, List<TrainedToy>> groups = new LinkedHashMap<>();
        int from = 0;
        for (Map.Entry<String, List<ToySetting>> group : settings.entrySet()) {
            int end = from + group.getValue().size();
            groups.put(group.getKey(), trained.subList(from, end));
            from = end;
        }
        ToyReport report = new ToyReport(groups, toys.instances());
        if (common.json) {
            JsonOutput.print(console, report::writeJson);
        } else {
            report.show(console);
        }
        tables.folder(ToyReport.names()).ifPresent(folder -> write(folder, report.files()));
    }

    private void write(Path folder, Map<String, byte[]> files) {
        files.forEach((name, content) -> {
            Path file = folder.resolve(name);
            try {
                PartialFile.write(file, content);
            } catch (IOException e) {
                throw FileException.writing(file, e);
            }
        });
        if (!common.json) {
            console.out().println();
            console.out().println("Wrote " + String.join(", ", files.keySet()) + " to " + folder);
        }
    }
}
