package dev.hyaline.tools;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.tools.command.HyalineCommand;
import dev.hyaline.tools.terminal.Console;
import java.util.List;
import java.util.function.Function;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.TypeConversionException;

/** The {@code hyaline} command. */
public final class Main {
    /** What Java reads where the locale has no character. */
    private static final String DAMAGED = "\uFFFD";

    private Main() {}

    public static void main(String[] arguments) {
        Console console = Console.system();
        int exitCode = run(arguments, console);
        console.flush();
        System.exit(exitCode);
    }

    /**
     * Runs a command in this JVM.
     *
     * @return the exit code
     */
    public static int run(String[] arguments, Console console) {
        FailureReport failures = new FailureReport(console, List.of(arguments));
        try {
            requireReadable(arguments);
            int exitCode = commandLine(arguments, console, failures).execute(arguments);
            if (exitCode == 0 && console.out().checkError()) {
                console.err()
                        .println("hyaline: not all of the output could be written to standard output; is its disk"
                                + " full?");
                return FailureReport.FAILED;
            }
            return exitCode;
        } catch (Throwable failure) {
            // Errors, such as too little memory, which picocli does not hand to its handlers.
            return failures.failed(failure);
        }
    }

    private static CommandLine commandLine(String[] arguments, Console console, FailureReport failures) {
        return HyalineCommand.commandLine(arguments.length == 0 ? "" : arguments[0], console)
                .registerConverter(int.class, Main::wholeNumber)
                .registerConverter(Integer.class, Main::wholeNumber)
                .registerConverter(
                        Long.class, text -> number(text, Long::valueOf, "a whole number from -2^63 to 2^63 - 1"))
                .registerConverter(Float.class, text -> number(text, Float::valueOf, "a number"))
                .setOut(console.help())
                .setErr(console.err())
                .setColorScheme(CommandLine.Help.defaultColorScheme(console.colours() ? Ansi.ON : Ansi.OFF))
                .setUsageHelpWidth(100)
                // A prompt may begin with @, which is not the name of a file of arguments.
                .setExpandAtFiles(false)
                .setExecutionStrategy(new CheckedExecution(console))
                .setParameterExceptionHandler((e, args) -> failures.badUsage(e))
                .setExecutionExceptionHandler((e, command, result) -> failures.failed(e));
    }

    private static Integer wholeNumber(String text) {
        return number(text, Integer::valueOf, "a whole number below 2^31");
    }

    private static <T> T number(String text, Function<String, T> parser, String expected) {
        try {
            return parser.apply(text);
        } catch (NumberFormatException e) {
            throw new TypeConversionException("expected " + expected + ", found '" + text + "'");
        }
    }

    /**
     * Refuses arguments, and a present folder, that the locale has damaged: a locale other than UTF-8 turns characters
     * that it lacks into U+FFFD before Java sees them; a wrong prompt or output folder must not go unnoticed.
     */
    private static void requireReadable(String[] arguments) {
        String encoding = System.getProperty("sun.jnu.encoding", "UTF-8");
        if (encoding.equalsIgnoreCase("UTF-8")) {
            return;
        }
        if (List.of(arguments).toString().contains(DAMAGED)) {
            throw new BadInputException("the locale (" + encoding + ") cannot carry the characters of an argument;"
                    + " set LC_ALL=C.UTF-8, or put the prompt into a file for --prompts");
        }
        if (System.getProperty("user.dir").contains(DAMAGED)) {
            throw new BadInputException("the locale (" + encoding + ") cannot carry the name of the present folder;"
                    + " set LC_ALL=C.UTF-8, or go to another folder");
        }
    }
}
