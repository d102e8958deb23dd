package dev.hyaline.tools.option;

import dev.hyaline.tools.Main;
import picocli.CommandLine.Option;

/** The options of every command. */
public final class CommonOptions {
    @Option(names = "--json", description = "Print one JSON document instead of text, for scripts.")
    public boolean json;

    /** Read from the arguments by {@link Main}, which also reports failures before the options are parsed. */
    @Option(names = "--stacktrace", description = "Show where a failure happened.")
    boolean stacktrace;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help.")
    boolean help;
}
