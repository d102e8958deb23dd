package dev.hyaline.tools.command;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.PathOption;
import dev.hyaline.tools.terminal.Console;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import jdk.jshell.tool.JavaShellToolBuilder;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code hyaline shell}: jshell with this library. */
@Command(
        name = "shell",
        header = "Starts jshell, Java line by line, with this library and its imports.",
        description = {
            "",
            "Type an expression and see its value; /exit leaves, /help tells the rest, and the tabulator key completes"
                    + " names. FILEs are run first. Without a terminal, lines are read from standard input."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline shell",
            "  jshell> var fable = LanguageModel.open(\"fable\")",
            "  jshell> fable.record(\"Anna went to the park because\").get(\"pattern\", 2)",
            "  echo 'Site.PATTERN.localName()' | hyaline shell"
        })
public final class ShellCommand implements Callable<Integer>, CheckedOptions {
    private static final String STARTUP = "startup.jsh";

    private final Console console;

    @Parameters(paramLabel = "FILE", arity = "0..*", description = "Files of Java to run first, as jshell reads them.")
    private @Nullable List<String> files;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help.")
    boolean help;

    public ShellCommand(Console console) {
        this.console = console;
    }

    private List<String> files() {
        return files == null ? List.of() : files;
    }

    @Override
    public void check() {
        for (String file : files()) {
            if (!Files.isRegularFile(PathOption.parse("FILE", file))) {
                throw new BadInputException(file + " is no file");
            }
        }
    }

    @Override
    public Integer call() throws Exception {
        console.flush();
        try (ScratchFolder scratch = ScratchFolder.of("hyaline-shell-")) {
            Path startup = scratch.path().resolve(STARTUP);
            writeStartup(startup);
            List<String> arguments = new ArrayList<>(List.of(
                    "--class-path",
                    System.getProperty("java.class.path"),
                    "--startup",
                    "DEFAULT",
                    "--startup",
                    startup.toString(),
                    "-R--add-modules=jdk.incubator.vector",
                    "-R--enable-native-access=ALL-UNNAMED",
                    "-R-XX:+UseSerialGC"));
            arguments.addAll(files());
            return JavaShellToolBuilder.builder().start(arguments.toArray(String[]::new));
        }
    }

    private static void writeStartup(Path file) {
        try (InputStream imports =
                Objects.requireNonNull(ShellCommand.class.getResourceAsStream(STARTUP), STARTUP + " is in the jar")) {
            Files.copy(imports, file);
        } catch (IOException e) {
            throw FileException.writing(file, e);
        }
    }
}
