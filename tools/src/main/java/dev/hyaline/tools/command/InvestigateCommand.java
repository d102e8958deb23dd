package dev.hyaline.tools.command;

import dev.hyaline.analysis.investigation.Investigation;
import dev.hyaline.analysis.laboratory.Laboratory;
import dev.hyaline.analysis.laboratory.StudyCheck;
import dev.hyaline.analysis.laboratory.StudyReport;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.Choice;
import dev.hyaline.tools.option.CommonOptions;
import dev.hyaline.tools.option.EngineOptions;
import dev.hyaline.tools.option.PathOption;
import dev.hyaline.tools.option.StudiedModel;
import dev.hyaline.tools.option.Version;
import dev.hyaline.tools.report.StudyResult;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.LaboratoryProgress;
import dev.hyaline.tools.terminal.StopNotice;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code hyaline investigate}: an investigation carried out, or its file checked, completed and explained. */
@Command(
        name = "investigate",
        header = "Tests what is claimed of a model's inside: from a file of claims to a report.",
        description = {
            "",
            "The file states a behaviour and claims about what in the model brings it about, each with a direction and"
                    + " a number. The study draws prompts and divides them, finds the circuit on one half, fixes the"
                    + " claims, and tests them on the other. Every phase leaves its files in a folder; a study that was"
                    + " stopped goes on where it was, and ends in the same bytes. Where the folder holds a study of"
                    + " another file or model whose plan was fixed, that one is kept in a folder earlier-... within it."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline investigate --example ioi > ioi.json",
            "  hyaline investigate --check ioi.json",
            "  hyaline investigate ioi.json",
            "  hyaline verify ioi"
        })
public final class InvestigateCommand implements Runnable, CheckedOptions {
    /** The built-in examples. */
    static final class ExampleNames extends Choice<String> {
        ExampleNames() {
            super(Investigation.examples());
        }
    }

    /** The phases by the names of their folders, without the numbers. */
    static final class PhaseNames extends Choice<String> {
        PhaseNames() {
            super(Laboratory.PHASES.stream().map(PhaseNames::word).toList());
        }

        private static String word(String folder) {
            return folder.substring(2);
        }
    }

    private static final String ENDING = ".json";

    private final Console console;

    @Parameters(paramLabel = "FILE", arity = "0..1", description = "The investigation.")
    private @Nullable String file;

    @Option(
            names = "--check",
            description =
                    "Run nothing: print the file's claims in words; with --json, the file with every default written"
                            + " out.")
    private boolean check;

    @Option(
            names = "--example",
            paramLabel = "NAME",
            completionCandidates = ExampleNames.class,
            converter = ExampleNames.class,
            description = "Print a file to begin with: ${COMPLETION-CANDIDATES}.")
    private @Nullable String example;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "The folder of the study. Default: the name of FILE without .json")
    private @Nullable String out;

    @Option(
            names = "--until",
            paramLabel = "PHASE",
            completionCandidates = PhaseNames.class,
            converter = PhaseNames.class,
            description = "Stop after a phase: ${COMPLETION-CANDIDATES}.")
    private @Nullable String until;

    @Option(names = "--fresh", description = "Throw away what the folder has of this study, and begin anew.")
    private boolean fresh;

    @Mixin
    private EngineOptions engine;

    @Mixin
    private CommonOptions common;

    public InvestigateCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        if ((file == null) == (example == null)) {
            throw new BadInputException(
                    "investigate takes a FILE or --example NAME, found " + (file == null ? "neither" : "both"));
        }
        if (file != null) {
            PathOption.readable("FILE", file);
        }
        if ((check || example != null) && (out != null || until != null || fresh)) {
            throw new BadInputException("--out, --until and --fresh are for a study that is run");
        }
    }

    @Override
    public void run() {
        if (example != null) {
            print(Investigation.example(example));
            return;
        }
        Path path = PathOption.parse("FILE", Objects.requireNonNull(file));
        Investigation investigation = Investigation.read(path, model -> StudiedModel.config(model, console));
        if (check) {
            explain(path, investigation);
        } else {
            study(path, investigation);
        }
    }

    private void explain(Path path, Investigation investigation) {
        StudyCheck checked = checked(path, investigation);
        checked.warnings().forEach(warning -> console.err().println("hyaline: warning: " + warning));
        console.err().flush();
        if (common.json) {
            print(investigation);
            return;
        }
        console.out().println(console.bold(investigation.title()));
        investigation.explain().forEach(line -> console.out().println(line));
        checked.facts().forEach(line -> console.out().println(line));
    }

    /** What is known before anything runs; of what is wrong the file is named first. */
    private StudyCheck checked(Path path, Investigation investigation) {
        try {
            return StudyCheck.of(path, investigation, StudiedModel.encoder(investigation.model(), console));
        } catch (BadInputException e) {
            throw BadInputException.of(e.sentences().stream()
                    .map(fault -> fault.startsWith(path + ",") ? fault : path + ": " + fault)
                    .toList());
        }
    }

    private void study(Path path, Investigation investigation) {
        Path folder = out == null ? folder(path) : PathOption.parse("--out", out);
        PathOption.requireWritable("--out", folder);
        try (StudiedModel model = StudiedModel.open(investigation.model(), engine, console);
                StopNotice notice =
                        new StopNotice(console, "the same command" + (fresh ? " without --fresh" : "") + " goes on");
                LaboratoryProgress progress = new LaboratoryProgress(console, /* remarks= */ true)) {
            Laboratory laboratory = model.laboratory(Version.text())
                    .in(folder)
                    .pairsFrom(Objects.requireNonNullElse(path.getParent(), Path.of("")));
            if (until != null) {
                String word = until;
                laboratory = laboratory.until(Laboratory.PHASES.stream()
                        .filter(phase -> PhaseNames.word(phase).equals(word))
                        .findFirst()
                        .orElseThrow());
            }
            StudyReport report = (fresh ? laboratory.fresh() : laboratory).run(investigation, progress);
            notice.cancel();
            new StudyResult(console, investigation.title(), report).print(common.json);
        }
    }

    /** The file's name without its ending, beside the working folder's other files. */
    private static Path folder(Path path) {
        String name = Objects.requireNonNull(path.getFileName()).toString();
        return Path.of(
                name.endsWith(ENDING) && name.length() > ENDING.length()
                        ? name.substring(0, name.length() - ENDING.length())
                        : name + "-study");
    }

    private void print(Investigation investigation) {
        console.out().print(new String(investigation.toJson(), StandardCharsets.UTF_8));
    }
}
