package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.tools.command.HyalineCommand;
import dev.hyaline.tools.terminal.Console;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** Every option of every command that takes a file says so, and nothing more, when it is given a folder. */
final class FolderForFileTest {
    @TempDir
    private Path folder;

    static Stream<Arguments> fileOptions() {
        Console console = new Console(
                InputStream.nullInputStream(),
                new PrintWriter(new StringWriter()),
                new PrintWriter(new StringWriter()),
                false,
                false,
                Map.of());
        List<Arguments> found = new ArrayList<>();
        collect(List.of(), HyalineCommand.commandLine("", console), found);
        return found.stream();
    }

    private static void collect(List<String> path, CommandLine command, List<Arguments> found) {
        for (OptionSpec option : command.getCommandSpec().options()) {
            if (option.paramLabel().equals("FILE")) {
                found.add(Arguments.of(path, option.longestName(), command.getCommandSpec()));
            }
        }
        command.getSubcommands().forEach((name, sub) -> {
            List<String> longer = new ArrayList<>(path);
            longer.add(name);
            collect(longer, sub, found);
        });
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("fileOptions")
    void aFolderIsRefused(List<String> command, String option, CommandLine.Model.CommandSpec spec) {
        List<String> arguments = new ArrayList<>(command);
        spec.positionalParameters().stream()
                .filter(parameter -> parameter.arity().min() > 0)
                .forEach(parameter -> arguments.add(
                        parameter.completionCandidates().iterator().next()));
        spec.options().stream()
                .filter(other -> other.required() && !other.longestName().equals(option))
                .filter(other -> other.group() == null)
                .forEach(other -> arguments.addAll(List.of(
                        other.longestName(),
                        other.longestName().equals("--sae")
                                ? folder.toString()
                                : folder.resolve("new").toString())));
        arguments.addAll(List.of(option, folder.toString()));
        Outcome outcome = Outcome.of(arguments.toArray(String[]::new));
        assertThat(outcome.err())
                .as(arguments.toString())
                .isEqualToIgnoringNewLines("hyaline: " + option + ": " + folder + " is a folder; name a file");
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.out()).isEmpty();
        assertThat(folder).isEmptyDirectory();
    }
}
