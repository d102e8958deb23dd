package dev.hyaline.tools;

import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.terminal.Console;
import java.util.function.Consumer;
import picocli.CommandLine;
import picocli.CommandLine.ExecutionException;
import picocli.CommandLine.IExecutionStrategy;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;

/**
 * An execution that checks every option of a command, and then every file that an option names, before the command
 * runs.
 */
final class CheckedExecution implements IExecutionStrategy {
    private final Console console;

    CheckedExecution(Console console) {
        this.console = console;
    }

    @Override
    public int execute(ParseResult result) {
        Integer help = CommandLine.executeHelpRequest(result);
        if (help != null) {
            return help;
        }
        ParseResult last = result;
        while (last.hasSubcommand()) {
            last = last.subcommand();
        }
        try {
            forEach(last.commandSpec(), CheckedOptions::check);
            forEach(last.commandSpec(), options -> options.readInputs(console.in()));
        } catch (HyalineException e) {
            // Otherwise picocli prints a stack trace.
            throw new ExecutionException(last.commandSpec().commandLine(), e.getMessage(), e);
        }
        return new RunLast().execute(result);
    }

    /** Visits the options of a command's mixins, and of theirs, before its own, which may depend on them. */
    private static void forEach(CommandSpec spec, Consumer<CheckedOptions> step) {
        spec.mixins().values().forEach(mixin -> forEach(mixin, step));
        if (spec.userObject() instanceof CheckedOptions options) {
            step.accept(options);
        }
    }
}
