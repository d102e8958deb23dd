package dev.hyaline.tools.option;

import dev.hyaline.analysis.table.CommandRecord;
import dev.hyaline.tools.Main;
import dev.hyaline.weights.Checkpoint;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

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

    @Spec(Spec.Target.MIXEE)
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    /**
     * How what this command writes is made.
     *
     * @param output the option that names the file; null for a folder
     * @param checkpoint the model; null for none
     */
    public CommandRecord record(@Nullable String output, @Nullable Checkpoint checkpoint) {
        return ResultArguments.record(spec, output, checkpoint);
    }
}
