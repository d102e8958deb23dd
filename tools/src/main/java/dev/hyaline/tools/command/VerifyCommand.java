package dev.hyaline.tools.command;

import dev.hyaline.analysis.investigation.Investigation;
import dev.hyaline.analysis.laboratory.Laboratory;
import dev.hyaline.analysis.laboratory.StudyDifference;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.CommonOptions;
import dev.hyaline.tools.option.EngineOptions;
import dev.hyaline.tools.option.PathOption;
import dev.hyaline.tools.option.StudiedModel;
import dev.hyaline.tools.option.Version;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.JsonOutput;
import dev.hyaline.tools.terminal.LaboratoryProgress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code hyaline verify}: a study made again and compared byte by byte. */
@Command(
        name = "verify",
        header = "Makes a study again, and compares every byte.",
        description = {
            "",
            "Runs the investigation in a study's folder once more, in a folder of its own, and compares all files. The"
                    + " exit code is 1 if one differs, which is printed, or if the study was not finished."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {"  hyaline investigate ioi.json && hyaline verify ioi"})
public final class VerifyCommand implements Callable<Integer>, CheckedOptions {
    private static final int DIFFERENT = 1;

    private final Console console;

    @Parameters(paramLabel = "DIR", description = "The folder of a study.")
    @SuppressWarnings("NullAway.Init") // picocli sets what is required
    private String folder;

    @Mixin
    private EngineOptions engine;

    @Mixin
    private CommonOptions common;

    public VerifyCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        if (!Files.isDirectory(PathOption.parse("DIR", folder))) {
            throw new BadInputException(folder + " is no folder of a study");
        }
    }

    @Override
    public Integer call() {
        Path study = PathOption.parse("DIR", folder);
        Path file = study.resolve("investigation.json");
        if (!Files.isRegularFile(file)) {
            throw new BadInputException(study + " holds no study: there is no investigation.json");
        }
        Investigation investigation = Investigation.read(file);
        try (ScratchFolder scratch = ScratchFolder.of("hyaline-verify-");
                StudiedModel model = StudiedModel.open(investigation.model(), engine, console);
                LaboratoryProgress progress = new LaboratoryProgress(console, /* remarks= */ false)) {
            StudyDifference difference = model.laboratory(Version.text()).verify(study, scratch.path(), progress);
            String unfinished = unfinished(study);
            print(study, difference, unfinished);
            return difference == null && unfinished == null ? 0 : DIFFERENT;
        }
    }

    /** The first phase that a study lacks; null if it is finished. */
    private static @Nullable String unfinished(Path study) {
        return Laboratory.PHASES.stream()
                .filter(phase -> !Files.isDirectory(study.resolve(phase)))
                .findFirst()
                .orElse(null);
    }

    private void print(Path study, @Nullable StudyDifference difference, @Nullable String unfinished) {
        if (common.json) {
            JsonOutput.print(console, json -> {
                json.writeStringProperty("study", study.toString());
                json.writeBooleanProperty("same", difference == null);
                json.writeBooleanProperty("finished", unfinished == null);
                if (difference != null) {
                    json.writeStringProperty("file", difference.path());
                    json.writeStringProperty("difference", difference.what());
                }
            });
        } else if (difference != null) {
            console.out().println(study.resolve(difference.path()) + " " + difference.what());
        } else if (unfinished != null) {
            console.out()
                    .println("every byte is the same, but the study is not finished: " + study + " lacks " + unfinished
                            + "; hyaline investigate goes on with it");
        } else {
            console.out().println("every byte is the same");
        }
    }
}
