package dev.hyaline.tools.option;

import dev.hyaline.analysis.table.CommandRecord;
import dev.hyaline.weights.Checkpoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/** The arguments of a command line that decide its results. */
final class ResultArguments {
    /** Options that decide where results go, how fast they come, and what is shown of them. */
    private static final Set<String> OTHERS = Set.of(
            "--out",
            "--html",
            "--picture",
            "--export",
            "--force",
            "--resume",
            "--checkpoint-every",
            "--refresh",
            "--threads",
            "--json",
            "--top",
            "--stacktrace");

    private ResultArguments() {}

    /**
     * How what a command writes was made.
     *
     * @param spec of the command, or of a mixin of it
     * @param output the option that names the file; null for a folder
     * @param checkpoint the model; null for none
     */
    static CommandRecord record(CommandSpec spec, @Nullable String output, @Nullable Checkpoint checkpoint) {
        return new CommandRecord(
                Version.text(),
                of(spec),
                output,
                checkpoint == null ? null : checkpoint.name(),
                checkpoint == null ? List.of() : ModelOptions.files(checkpoint));
    }

    /** The command's name and its arguments as they were given, without those that change no result. */
    static List<String> of(CommandSpec spec) {
        ParseResult result = spec.root().commandLine().getParseResult();
        CommandSpec command = result.commandSpec();
        for (ParseResult part = result; part.hasSubcommand(); ) {
            part = part.subcommand();
            command = part.commandSpec();
        }
        List<String> given = result.originalArgs();
        List<String> kept = new ArrayList<>();
        for (int i = 0; i < given.size(); i++) {
            String argument = given.get(i);
            OptionSpec option = option(command, argument);
            if (option == null) {
                kept.add(argument);
                continue;
            }
            boolean valueFollows = option.arity().max() > 0 && isName(option, argument);
            if (!OTHERS.contains(option.longestName())) {
                kept.add(argument);
                if (valueFollows && option.arity().min() > 0 && i + 1 < given.size()) {
                    kept.add(given.get(i + 1));
                }
            }
            i += valueFollows && option.arity().min() > 0 ? 1 : 0;
        }
        return kept;
    }

    /** The option that an argument names, alone or with its value; null if it names none. */
    private static @Nullable OptionSpec option(CommandSpec command, String argument) {
        for (OptionSpec option : command.options()) {
            for (String name : option.names()) {
                String beforeValue = name.startsWith("--") ? name + "=" : name;
                if (argument.equals(name) || argument.startsWith(beforeValue)) {
                    return option;
                }
            }
        }
        return null;
    }

    private static boolean isName(OptionSpec option, String argument) {
        return List.of(option.names()).contains(argument);
    }
}
