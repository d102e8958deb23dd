package dev.hyaline.tools;

import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.tools.option.CheckedOptions;
import picocli.CommandLine;
import picocli.CommandLine.ExecutionException;
import picocli.CommandLine.IExecutionStrategy;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;

/** Checks every option of a command before the command runs. */
final class CheckedExecution implements IExecutionStrategy {
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
            check(last.commandSpec());
        } catch (HyalineException e) {
            // Else picocli prints where it happened.
            throw new ExecutionException(last.commandSpec().commandLine(), e.getMessage(), e);
        }
        return new RunLast().execute(result);
    }

    /** Options of a command's mixins, and of theirs, come before its own, which may depend on them. */
    private static void check(CommandSpec spec) {
        spec.mixins().values().forEach(CheckedExecution::check);
        if (spec.userObject() instanceof CheckedOptions options) {
            options.check();
        }
    }
}
