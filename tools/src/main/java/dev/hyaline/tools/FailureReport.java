package dev.hyaline.tools;

import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.HyalineException;
import dev.hyaline.engine.Remedy;
import dev.hyaline.engine.UnknownHookPointException;
import dev.hyaline.tools.terminal.Console;
import java.util.List;
import java.util.concurrent.CompletionException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Says in one sentence why a command did not do what it was asked, and gives the exit code. */
record FailureReport(Console console, List<String> arguments) {
    static final int FAILED = 1;
    private static final int BAD_USAGE = 2;

    /** An option that the command does not know or cannot take. */
    int badUsage(ParameterException failure) {
        say(sentence(failure));
        UnmatchedArgumentException.printSuggestions(failure, console.err());
        console.err().println("See " + failure.getCommandLine().getCommandSpec().qualifiedName() + " --help.");
        traceIfAsked(failure);
        return BAD_USAGE;
    }

    private static String sentence(ParameterException failure) {
        if (!(failure instanceof UnmatchedArgumentException unmatched) || unmatched.isUnknownOption()) {
            return failure.getMessage();
        }
        String argument = "'" + unmatched.getUnmatched().getFirst() + "'";
        return failure.getCommandLine().getParent() == null
                ? "there is no command " + argument
                : "the argument " + argument + " belongs to no option";
    }

    /** A command that failed. */
    int failed(Throwable thrown) {
        Throwable failure =
                thrown instanceof CompletionException && thrown.getCause() != null ? thrown.getCause() : thrown;
        say(
                switch (failure) {
                    case UnknownHookPointException e ->
                        e.getMessage() + (e.nearest().isEmpty() ? ";" : "") + " hyaline sites lists them";
                    case HyalineException e -> withOptions(e.getMessage());
                    case OutOfMemoryError e
                    when String.valueOf(e.getMessage()).contains("native thread") ->
                        "the system allows no more threads; run with fewer (--threads)";
                    case OutOfMemoryError e ->
                        "there is not enough memory (" + e.getMessage()
                                + "); run fewer or shorter prompts, or give Java more with HYALINE_OPTS=-Xmx8g";
                    default -> "unexpected failure, please report it with what --stacktrace shows: " + failure;
                });
        traceIfAsked(failure);
        return failure instanceof BadInputException || failure instanceof UnknownHookPointException
                ? BAD_USAGE
                : FAILED;
    }

    private void say(String sentence) {
        console.err().println("hyaline: " + sentence);
    }

    /** A library's sentence with the command's options in place of the API's remedies. */
    private static String withOptions(String sentence) {
        String told = sentence;
        for (Remedy remedy : Remedy.values()) {
            told = told.replace(remedy.toString(), options(remedy));
        }
        return told;
    }

    private static String options(Remedy remedy) {
        return switch (remedy) {
            case REPLACE -> "--force";
            case RESUME -> "--resume";
            case CUT_LONG_DOCUMENTS -> "--long";
            case EDIT_IN_ORDER -> "--in-order";
            case EDIT_APART -> "--layers, --heads, --positions";
            case NAME_A_RUN -> "--source gives one that is called \"source\"";
            case TAKE_CACHED -> "leave out --refresh";
        };
    }

    private void traceIfAsked(Throwable failure) {
        if (arguments.contains("--stacktrace")) {
            failure.printStackTrace(console.err());
        }
        console.err().flush();
    }
}
