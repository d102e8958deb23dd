package dev.hyaline.tools.command;

import dev.hyaline.analysis.table.CommandRecord;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.Printable;
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
import java.util.Comparator;
import java.util.List;
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
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code hyaline redo}: files made again by the command line that they keep, and compared. */
@Command(
        name = "redo",
        header = "Makes a result again by the command that its files keep, and compares it.",
        description = {
            "",
            "FILE is any file that a command wrote: a table (JSON, SVG, PNG, or CSV with its JSON beside it), a"
                + " circuit, a page, a picture, an autoencoder, its latents, a model, or a dump; or the folder of a"
                + " dump, whose manifest.json tells how it was made, or one with a made.json for that. Of a folder"
                + " with neither, name one of its files, which keep it inside. The command that made it is run again,"
                + " in a folder of its own, and what it writes is compared byte by byte with what is there. Not"
                + " compared is what files say of the version, the machine and the command; of a dump by parts, also"
                + " not how its manifest.json identifies the texts. Files that the command reads are looked for from"
                + " the present folder. A training takes as long as it took. PNG files beside others, which depend on"
                + " the fonts of the machine, are not compared. Of a study, redo is the command verify. The exit code"
                + " is 1 if something differs."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline lens --out found && hyaline redo found/lens.svg",
            "  hyaline dump && hyaline redo hyaline-dump",
            "  hyaline sae train && hyaline redo hyaline-sae"
        })
public final class RedoCommand implements Callable<Integer>, CheckedOptions {
    private static final int DIFFERENT = 1;
    private static final String PNG = ".png";

    /** The option that names the folder of what a command writes. */
    private static final String OUT = "--out";

    /** The commands that keep a record. */
    private static final Set<String> COMMANDS = Set.of(
            "ablate",
            "attribute",
            "circuit",
            "convert",
            "dump",
            "edit",
            "explore",
            "generate",
            "heads",
            "lens",
            "patch",
            "probe",
            "sae",
            "superposition",
            "train");

    /** The options that name what a command writes. */
    private static final Set<String> OUTPUTS = Set.of(OUT, "--html", "--picture", "--export", MadeFile.PLAN);

    /** Options that write somewhere or download, which no record has: a file from elsewhere must not use them. */
    private static final List<String> REFUSED = List.of(
            "-o",
            OUT,
            "--force",
            "--resume",
            "--refresh",
            "--html",
            "--picture",
            "--export",
            "--plan",
            "--part",
            "--finish",
            "--checkpoint-every");

    private final Console console;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Parameters(
            paramLabel = "FILE",
            description = "A file that another command wrote, or a folder that tells how it was made.")
    @SuppressWarnings("NullAway.Init") // picocli sets what is required
    private String file;

    @Mixin
    private CommonOptions common;

    public RedoCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        if (!Files.exists(PathOption.parse("FILE", file))) {
            throw new BadInputException(file + " is not there");
        }
    }

    @Override
    public Integer call() {
        Path path = PathOption.parse("FILE", file);
        Optional<Path> study = MadeFile.study(path);
        if (study.isPresent()) {
            List<String> verify = new ArrayList<>(List.of("verify", study.get().toString()));
            if (common.json) {
                verify.add("--json");
            }
            return commandLine(verify, console);
        }
        MadeFile made = MadeFile.of(path, console);
        requireHarmless(made);
        requireKept(made);
        try (ScratchFolder scratch = ScratchFolder.of("hyaline-redo-")) {
            Path again = scratch.path().resolve("again");
            int code = run(made, again);
            if (code != 0) {
                return code;
            }
            List<String> compared = new ArrayList<>();
            String difference = difference(made, again, compared);
            print(made.record(), difference, compared);
            return difference == null ? 0 : DIFFERENT;
        }
    }

    private void requireHarmless(MadeFile made) {
        Path telling = made.telling();
        CommandRecord record = made.record();
        List<String> command = record.command();
        if (command.isEmpty() || !COMMANDS.contains(command.getFirst())) {
            throw new BadInputException(telling + " names " + (command.isEmpty() ? "no command" : command.getFirst())
                    + "; redo runs " + COMMANDS.stream().sorted().collect(Collectors.joining(", ")));
        }
        Stream.concat(
                        command.stream().filter(argument -> REFUSED.stream().anyMatch(argument::startsWith)),
                        Stream.ofNullable(record.output()).filter(output -> !OUTPUTS.contains(output)))
                .findFirst()
                .ifPresent(argument -> {
                    throw new BadInputException(
                            telling + " has a command with " + argument + ", which hyaline keeps in no file");
                });
        String output = record.output();
        if (output != null && named(command, console).findOption(output) == null) {
            throw new BadInputException(telling + " has a command without the option " + output
                    + " that it says named it: " + shown(command));
        }
        if (output == null && named(command, console).findOption(OUT) == null) {
            throw new BadInputException(telling + " does not name the option that the command " + shown(command)
                    + " wrote to (the key output), and it has no " + OUT);
        }
        try {
            HyalineCommand.commandLine(command.getFirst(), console)
                    .setExpandAtFiles(spec.root().commandLine().isExpandAtFiles())
                    .parseArgs(arguments(made, Path.of("again")));
        } catch (ParameterException e) {
            throw new BadInputException(
                    telling + " has the command " + shown(command) + ", which cannot be run: " + e.getMessage());
        }
    }

    /** What a command's first words name, such as {@code sae train}. */
    static CommandSpec named(List<String> command, Console console) {
        CommandLine named = HyalineCommand.commandLine(command.getFirst(), console);
        for (String word : command) {
            CommandLine inner = named.getSubcommands().get(word);
            if (inner == null) {
                break;
            }
            named = inner;
        }
        return named.getCommandSpec();
    }

    /** Refuses what was read from a pipe, which nobody kept. */
    private static void requireKept(MadeFile made) {
        List<String> command = made.record().command();
        for (int i = 1; i < command.size(); i++) {
            String before = command.get(i - 1);
            String argument = command.get(i);
            if ((argument.equals("-") && before.startsWith("--"))
                    || argument.matches("--(prompts|text|token-file)=-")
                    || argument.matches("(--[a-z-]+=)?/(dev|proc/self)/fd/\\d+")) {
                throw new BadInputException(made.path() + " was made from what came through a pipe (" + argument
                        + "), which is kept nowhere; it can be made again only from a file");
            }
        }
    }

    /** Runs the command without its output; what it has to say of progress and failures is shown. */
    private int run(MadeFile made, Path again) {
        Console quiet = new Console(
                InputStream.nullInputStream(),
                new PrintWriter(Writer.nullWriter()),
                console.err(),
                false,
                console.progress(),
                console.environment());
        return commandLine(List.of(arguments(made, again)), quiet);
    }

    /** A record's command with what names its output. */
    private static String[] arguments(MadeFile made, Path again) {
        CommandRecord record = made.record();
        String name = String.valueOf(made.path().getFileName());
        String output = record.output() == null ? OUT : record.output();
        List<String> arguments = new ArrayList<>(record.command());
        if (output.equals(MadeFile.PLAN)) {
            arguments.addAll(List.of(MadeFile.PLAN, OUT, again.toString()));
        } else {
            arguments.addAll(List.of(output, (made.isWhole() ? again.resolve(name) : again).toString()));
            if (record.command().getFirst().equals("dump") && !output.equals(OUT)) {
                // A dump is written beside its page in any case.
                arguments.addAll(List.of(OUT, again.resolveSibling("dump").toString()));
            }
        }
        return arguments.toArray(String[]::new);
    }

    private int commandLine(List<String> arguments, Console streams) {
        CommandLine root = spec.root().commandLine();
        return HyalineCommand.commandLine(arguments.getFirst(), streams)
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
    private static @Nullable String difference(MadeFile made, Path again, List<String> compared) {
        Path folder = made.folder().toAbsolutePath().normalize();
        for (Path file : files(again, made.isWhole())) {
            Path name = again.relativize(file);
            // Of several folders of one command, the file may be in one, or be the folder of all.
            boolean isOneOfSeveral = name.getNameCount() > 1 && !made.isOfSeveral();
            if (isOneOfSeveral && !name.startsWith(String.valueOf(folder.getFileName()))) {
                continue;
            }
            Path old = made.folder().resolve(isOneOfSeveral ? name.subpath(1, name.getNameCount()) : name);
            if (!Files.isRegularFile(old)) {
                return old + " is missing";
            }
            String difference = FileDifference.of(old, file);
            if (difference != null) {
                return old + " " + difference
                        + (name.toString().endsWith(PNG) ? "; PNG depends on the fonts of the machine" : "")
                        + model(made.record(), file);
            }
            compared.add(name.toString());
        }
        if (compared.isEmpty()) {
            return folder.getFileName() + " is not the name of a folder that the command writes: " + folders(again);
        }
        boolean isFile = Files.isRegularFile(made.path());
        String name = String.valueOf(made.path().getFileName());
        boolean isKnown = MadeFile.tells(name)
                || name.endsWith(PNG)
                || compared.stream().anyMatch(one -> Path.of(one).endsWith(name));
        return isFile && !isKnown ? made.path() + " is none of the files that the command writes" : null;
    }

    /** The names of the folders in one. */
    private static String folders(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(Files::isDirectory)
                    .map(inner -> inner.getFileName().toString())
                    .sorted()
                    .collect(Collectors.joining(", "));
        } catch (IOException e) {
            throw FileException.reading(folder, e);
        }
    }

    /** The files that are compared; PNG only if there is nothing else. */
    private static List<Path> files(Path folder, boolean withPng) {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile)
                    .filter(file -> {
                        String name = file.getFileName().toString();
                        return !name.startsWith(".") && (withPng || !name.endsWith(PNG));
                    })
                    // What differs in the results says more than what differs in their description.
                    .sorted(Comparator.comparing((Path file) ->
                                    MadeFile.tells(file.getFileName().toString()))
                            .thenComparing(Comparator.naturalOrder()))
                    .toList();
        } catch (IOException e) {
            throw FileException.reading(folder, e);
        }
    }

    /** Of a difference, that the model is another, if the files tell. */
    private static String model(CommandRecord record, Path again) {
        Path telling = again.resolveSibling(CommandRecord.FILE);
        return CommandRecord.of(Files.exists(telling) ? telling : again)
                .filter(now -> !now.modelFiles().equals(record.modelFiles()))
                .map(now -> "; the files of the model " + record.model() + " have changed since")
                .orElse("");
    }

    /** A command as one types it, without the program's name. */
    static String shown(List<String> command) {
        return command.stream().map(Printable::shellWord).collect(Collectors.joining(" "));
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
        console.out().println("hyaline " + shown(record.command()));
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
