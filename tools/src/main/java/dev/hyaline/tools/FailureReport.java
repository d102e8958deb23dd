package dev.hyaline.tools;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.error.Remedy;
import dev.hyaline.engine.error.UnknownHookPointException;
import dev.hyaline.files.EscapedText;
import dev.hyaline.tools.terminal.Console;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletionException;
import java.util.stream.Stream;
import picocli.CommandLine.Model.ArgGroupSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.MutuallyExclusiveArgsException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Reports a failed command in one sentence, and returns its exit code. */
record FailureReport(Console console, List<String> arguments) {
    static final int FAILED = 1;
    private static final int BAD_USAGE = 2;

    /** At most about a screen of 80 columns and 24 lines, whatever a file or a hub put into the sentence. */
    private static final int MAX_LENGTH = 1500;

    private static final int KEPT_FIRST = 1000;

    /** The same of a sentence among several. */
    private static final int MAX_OF_SEVERAL = 400;

    /** Reports an unknown option or a bad value of one. */
    int badUsage(ParameterException failure) {
        say(sentence(failure));
        if (!(failure instanceof MutuallyExclusiveArgsException)) {
            UnmatchedArgumentException.printSuggestions(failure, console.err());
            console.err()
                    .println("See " + failure.getCommandLine().getCommandSpec().qualifiedName() + " --help.");
        }
        traceIfAsked(failure);
        return BAD_USAGE;
    }

    private String sentence(ParameterException failure) {
        if (failure instanceof MutuallyExclusiveArgsException) {
            return failure.getCommandLine().getCommandSpec().argGroups().stream()
                    .map(this::alternatives)
                    .filter(given -> given.size() > 1)
                    .findFirst()
                    .map(FailureReport::excludeEachOther)
                    .orElseGet(() -> message(failure));
        }
        if (!(failure instanceof UnmatchedArgumentException unmatched) || unmatched.isUnknownOption()) {
            return message(failure);
        }
        String argument = "'" + unmatched.getUnmatched().getFirst() + "'";
        return failure.getCommandLine().getParent() == null
                ? "there is no command " + argument
                : "the argument " + argument + " belongs to no option";
    }

    private static String message(Throwable failure) {
        return Objects.requireNonNullElse(failure.getMessage(), "");
    }

    /** The names of a group's options, one for each alternative; none if at most one alternative is given. */
    private List<String> alternatives(ArgGroupSpec group) {
        List<List<OptionSpec>> alternatives = new ArrayList<>();
        group.options().forEach(option -> alternatives.add(List.of(option)));
        group.subgroups().forEach(subgroup -> alternatives.add(subgroup.allOptionsNested()));
        long given = alternatives.stream()
                .filter(options -> options.stream().anyMatch(this::isGiven))
                .count();
        return given < 2
                ? List.of()
                : alternatives.stream()
                        .map(options -> options.getFirst().longestName())
                        .toList();
    }

    private boolean isGiven(OptionSpec option) {
        return Stream.of(option.names())
                .anyMatch(name -> arguments.stream()
                        .anyMatch(argument -> argument.equals(name) || argument.startsWith(name + "=")));
    }

    private static String excludeEachOther(List<String> names) {
        return String.join(", ", names.subList(0, names.size() - 1)) + " and " + names.getLast()
                + " exclude each other";
    }

    /** Reports a command that failed. */
    int failed(Throwable thrown) {
        Throwable failure =
                thrown instanceof CompletionException && thrown.getCause() != null ? thrown.getCause() : thrown;
        if (failure instanceof BadInputException bad && bad.sentences().size() > 1) {
            bad.sentences().forEach(this::sayOneOfSeveral);
            traceIfAsked(failure);
            return BAD_USAGE;
        }
        say(
                switch (failure) {
                    case UnknownHookPointException e ->
                        e.getMessage() + (e.nearest().isEmpty() ? ";" : "") + " hyaline sites lists them";
                    case HyalineException e -> withOptions(message(e));
                    case OutOfMemoryError e
                    when String.valueOf(e.getMessage()).contains("native thread") ->
                        "the system allows no more threads; run with fewer (--threads)";
                    case OutOfMemoryError e ->
                        "there is not enough memory (" + e.getMessage()
                                + "); run fewer or shorter prompts, or give Java more with HYALINE_OPTS=-Xmx8g";
                    default -> "unexpected failure, please report it with what --stacktrace shows: " + failure;
                });
        traceIfAsked(failure);
        return isBadUsage(failure) ? BAD_USAGE : FAILED;
    }

    /** Returns whether other options would mend the failure, as where a file exists and may be replaced. */
    private static boolean isBadUsage(Throwable failure) {
        return failure instanceof BadInputException
                || failure instanceof UnknownHookPointException
                || (failure instanceof HyalineException e && message(e).contains(Remedy.REPLACE.toString()));
    }

    private void say(String sentence) {
        say(sentence, KEPT_FIRST, MAX_LENGTH - KEPT_FIRST);
    }

    private void sayOneOfSeveral(String sentence) {
        say(withOptions(sentence), MAX_OF_SEVERAL / 2, MAX_OF_SEVERAL / 2);
    }

    private void say(String sentence, int first, int last) {
        String shown = EscapedText.plain(sentence);
        console.err()
                .println("hyaline: "
                        + (shown.length() <= first + last
                                ? shown
                                : shown.substring(0, first) + " [...] " + shown.substring(shown.length() - last)));
    }

    /** Replaces the API's remedies in a library's sentence by the command's options. */
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
            case FINISH_PARTS -> "--part and --finish";
            case CUT_LONG_DOCUMENTS -> "--long";
            case EDIT_IN_ORDER -> "--in-order";
            case EDIT_APART -> "--layers, --heads, --positions";
            case NAME_A_RUN -> "--source gives one that is called \"source\"";
            case PROCESS_WEIGHTS -> "--process";
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
