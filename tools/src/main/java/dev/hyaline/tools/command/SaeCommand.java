package dev.hyaline.tools.command;

import dev.hyaline.tools.option.Version;
import dev.hyaline.tools.terminal.Console;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code hyaline sae} by itself: says what there is. */
@Command(
        name = "sae",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        header = "Sparse autoencoders: trains, measures, reads and writes them, and shows their latents.",
        sortOptions = false,
        synopsisSubcommandLabel = "COMMAND",
        optionListHeading = "%nOptions:%n",
        commandListHeading = "%nCommands:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline sae train                       on the built-in model, in less than a minute",
            "  hyaline sae evaluate --sae hyaline-sae",
            "  hyaline sae features --sae hyaline-sae  pages that open in a browser",
            "  hyaline sae sweep --sae hyaline-sae     which latents matter for a task",
            "  hyaline sae info --sae DIR              what an autoencoder's files say"
        })
public final class SaeCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    private SaeCommand() {}

    /** The command with its own commands. */
    static CommandLine commandLine(Console console) {
        return new CommandLine(new SaeCommand())
                .addSubcommand(new SaeTrainCommand(console))
                .addSubcommand(new SaeEvaluateCommand(console))
                .addSubcommand(new SaeEncodeCommand(console))
                .addSubcommand(new SaeFeaturesCommand(console))
                .addSubcommand(new SaeSweepCommand(console))
                .addSubcommand(new SaeInfoCommand(console))
                .addSubcommand(new SaeConvertCommand(console));
    }

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(), "a command is missing: train, evaluate, encode, features, sweep, info or convert");
    }
}
