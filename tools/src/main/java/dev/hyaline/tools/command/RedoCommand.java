package dev.hyaline.tools.command;

import dev.hyaline.analysis.table.CommandRecord;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.dump.Provenance.ModelFile;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.CommonOptions;
import dev.hyaline.tools.option.PathOption;
import dev.hyaline.tools.option.Version;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.JsonOutput;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code hyaline redo}: files made again by the command line that they keep, and compared. */
@Command(
        name = "redo",
        header = "Makes a result again by the command that its files keep, and compares it.",
        description = {
            "",
            "FILE is a table (JSON, SVG, PNG, or CSV with its JSON beside it), a circuit's file, or a dump. The command"
                    + " that made it is run again, in a folder of its own, and what it writes is compared byte by byte"
                    + " with what is there. Files that the command reads are looked for from the present folder. PNG"
                    + " files, which depend on the fonts of the machine, are not compared. The exit code is 1 if"
                    + " something differs."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline lens --out found && hyaline redo found/lens.svg",
            "  hyaline dump && hyaline redo hyaline-dump"
        })
public final class RedoCommand implements Callable<Integer>, CheckedOptions {
    private static final int DIFFERENT = 1;
    private static final String MANIFEST = "manifest.json";

    /** The commands that keep a record. */
    private static final Set<String> COMMANDS =
            Set.of("ablate", "attribute", "circuit", "dump", "heads", "lens", "patch", "probe", "sae", "superposition");

    /** Options that write somewhere, which no record has: a file from elsewhere must not use them. */
    private static final List<String> REFUSED =
            List.of("-o", "--out", "--force", "--resume", "--html", "--plan", "--part", "--finish");

    private final Console console;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Parameters(paramLabel = "FILE", description = "A file that another command wrote, or the folder of a dump.")
    @SuppressWarnings("NullAway.Init") // picocli sets what is required
    private String file;

    @Mixin
    private CommonOptions common;

    public RedoCommand(Console console) {
        this.console = console;
    }

    /** How a result was made and the folder that it is in. */
    private record Made(Path folder, CommandRecord record) {}

    @Override
    public void check() {
        if (!Files.exists(PathOption.parse("FILE", file))) {
            throw new BadInputException(file + " is not there");
        }
    }

    @Override
    public Integer call() {
        Made made = made(PathOption.parse("FILE", file));
        requireHarmless(made.record.command());
        try (ScratchFolder scratch = ScratchFolder.of("hyaline-redo-")) {
            Path again = scratch.path().resolve("again");
            int code = run(made.record, again);
            if (code != 0) {
                return code;
            }
            List<String> compared = new ArrayList<>();
            String difference = difference(made, again, compared);
            print(made.record, difference, compared);
            return difference == null ? 0 : DIFFERENT;
        }
    }

    private static Made made(Path path) {
        Path named = Files.isDirectory(path) ? path.resolve(MANIFEST) : path;
        if (named.toString().endsWith(".csv")) {
            String name = named.toString();
            named = Path.of(name.substring(0, name.length() - "csv".length()) + "json");
        }
        if (!Files.isRegularFile(named)) {
            throw new BadInputException(path + " does not say how it was made: there is no " + named);
        }
        Path found = named;
        Path folder = Objects.requireNonNull(named.toAbsolutePath().getParent(), "a file has a folder");
        CommandRecord record = CommandRecord.of(named)
                .or(() -> ofDump(found))
                .orElseThrow(() -> new BadInputException(
                        path + " does not say how it was made; files of hyaline's" + " tables, circuits and dumps do"));
        return new Made(folder, record);
    }

    private void requireHarmless(List<String> command) {
        if (command.isEmpty() || !COMMANDS.contains(command.getFirst())) {
            throw new BadInputException(file + " names " + (command.isEmpty() ? "no command" : command.getFirst())
                    + "; redo runs " + COMMANDS.stream().sorted().collect(Collectors.joining(", ")));
        }
        command.stream()
                .filter(argument -> REFUSED.stream().anyMatch(argument::startsWith))
                .findFirst()
                .ifPresent(argument -> {
                    throw new BadInputException(
                            file + " has a command with " + argument + ", which hyaline keeps in no file");
                });
    }

    private static Optional<CommandRecord> ofDump(Path manifest) {
        if (!manifest.endsWith(MANIFEST)) {
            return Optional.empty();
        }
        Json json;
        try {
            json = Json.readObject(InputErrors.INSTANCE, manifest.toString(), Files.readAllBytes(manifest));
        } catch (IOException e) {
            throw FileException.reading(manifest, e);
        }
        List<String> command =
                json.require("command").elements().stream().map(Json::string).toList();
        Json model = json.require("model");
        return Optional.of(new CommandRecord(
                json.require("tool").string(),
                command.subList(1, command.size()),
                model.require("name").string(),
                model.require("files").elements().stream()
                        .map(of -> new ModelFile(
                                of.require("name").string(),
                                of.require("bytes").whole(0),
                                of.require("sha256").string()))
                        .toList()));
    }

    /** Runs the command without its output; what it has to say of progress and failures is shown. */
    private int run(CommandRecord record, Path folder) {
        Console quiet = new Console(
                InputStream.nullInputStream(),
                new PrintWriter(Writer.nullWriter()),
                console.err(),
                false,
                console.progress(),
                console.environment());
        List<String> arguments = new ArrayList<>(record.command());
        arguments.addAll(List.of("--out", folder.toString()));
        CommandLine root = spec.root().commandLine();
        return HyalineCommand.commandLine(arguments.getFirst(), quiet)
                .setExpandAtFiles(root.isExpandAtFiles())
                .setErr(root.getErr())
                .setExecutionStrategy(root.getExecutionStrategy())
                .setParameterExceptionHandler(root.getParameterExceptionHandler())
                .setExecutionExceptionHandler(root.getExecutionExceptionHandler())
                .execute(arguments.toArray(String[]::new));
    }

    /**
     * The first difference in words; null for none.
     *
     * @param compared gets the names of the files that are the same
     */
    private static @Nullable String difference(Made made, Path again, List<String> compared) {
        try (Stream<Path> files = Files.list(again)) {
            for (Path file : files.sorted().toList()) {
                String name = file.getFileName().toString();
                Path old = made.folder.resolve(name);
                if (name.startsWith(".") || name.endsWith(".png") || name.equals(MANIFEST)) {
                    continue;
                }
                if (!Files.isRegularFile(old)) {
                    return old + " is missing";
                }
                if (!isSame(old, file)) {
                    return old + " differs" + model(made.record, file);
                }
                compared.add(name);
            }
        } catch (IOException e) {
            throw FileException.reading(again, e);
        }
        return null;
    }

    private static boolean isSame(Path old, Path again) throws IOException {
        if (!CommandRecord.isKeptIn(old.toString())) {
            return Files.mismatch(old, again) < 0;
        }
        return Arrays.equals(
                CommandRecord.without(old.toString(), Files.readAllBytes(old)),
                CommandRecord.without(again.toString(), Files.readAllBytes(again)));
    }

    /** Of a difference, that the model is another, if the files tell. */
    private static String model(CommandRecord record, Path again) {
        if (!CommandRecord.isKeptIn(again.toString())) {
            return "";
        }
        return CommandRecord.of(again)
                .filter(now -> !now.modelFiles().equals(record.modelFiles()))
                .map(now -> "; the files of the model " + record.model() + " have changed since")
                .orElse("");
    }

    private void print(CommandRecord record, @Nullable String difference, List<String> compared) {
        if (common.json) {
            JsonOutput.print(console, json -> {
                json.writeArrayPropertyStart("command");
                record.command().forEach(json::writeString);
                json.writeEndArray();
                json.writeBooleanProperty("same", difference == null);
                if (difference != null) {
                    json.writeStringProperty("difference", difference);
                }
                json.writeArrayPropertyStart("compared");
                compared.forEach(json::writeString);
                json.writeEndArray();
            });
            return;
        }
        console.out()
                .println("hyaline "
                        + record.command().stream().map(Printable::shellWord).collect(Collectors.joining(" ")));
        if (difference != null) {
            console.lines(difference);
            if (!record.tool().equals(Version.text())) {
                console.lines("It was made by " + record.tool() + "; this is " + Version.text() + ".");
            }
        } else {
            console.lines("the same: " + String.join(", ", compared));
        }
    }
}
