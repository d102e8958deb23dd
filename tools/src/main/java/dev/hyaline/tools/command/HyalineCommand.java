package dev.hyaline.tools.command;

import dev.hyaline.tools.option.Version;
import dev.hyaline.tools.terminal.Console;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code hyaline} without a command, which lists the commands. */
@Command(
        name = "hyaline",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        header = "Looks inside GPT-2: turns weights into activations.",
        synopsisSubcommandLabel = "COMMAND",
        optionListHeading = "%nOptions:%n",
        commandListHeading = "%nCommands:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline dump                              every activation of the built-in model on a prompt",
            "  hyaline dump --prompt \"The capital of France is\" --sites resid_post,pattern",
            "  hyaline dump --model gpt2 --prompts corpus.txt --sites resid_post --layers 6",
            "  hyaline edit --zero z --layers 2          what comes next without the heads of layer 2",
            "  hyaline sites                             what can be dumped, and how large it is",
            "  hyaline generate --prompt \"Once upon a time\"",
            "  hyaline patch                             where the model keeps what a task needs",
            "  hyaline ablate                            what a task loses without a head",
            "  hyaline circuit                           which edges between its parts do a task, tested",
            "  hyaline heads                             where every attention head looks",
            "  hyaline explore                           a page that shows the model at work and answers to changes",
            "  hyaline probe                             what activations say, and whether the model uses it",
            "  hyaline sanity ablate                     whether a method's findings can be believed",
            "  hyaline robustness ablate                 whether a finding stays the same under variations",
            "  hyaline investigate ioi.json              a study of claims, from a file to a report (--example ioi)",
            "  hyaline verify ioi                        a study made again and compared byte by byte",
            "  hyaline redo found/lens.json              a result made again by the command that it keeps",
            "  hyaline sae train                         a sparse autoencoder; then: sae evaluate, sae features",
            "  hyaline superposition                     features that share a layer's dimensions; or --toy",
            "  hyaline train                             a small GPT-2, on texts of your own (--text FILE)",
            "  hyaline models                            the models available without a download",
            "  hyaline convert --model ckpt.pt --out DIR as a Hugging Face folder: PyTorch, GGUF, llm.c, ...",
            "  hyaline doctor                            where values stop being finite, or the same",
            "  hyaline devices                           the devices that --device can name",
            "  hyaline shell                             jshell, Java line by line, with this library",
            "  hyaline help start-here                   a guide; others: hyaline help --help",
            "  hyaline COMMAND --help                    a command's options and examples",
            "",
            "Without --model, every command uses the built-in model fable (4 layers, 1 million parameters).",
            "Tab completion in bash and zsh:  source <(hyaline generate-completion)",
            "Exit codes: 0 done; 1 failed (a file cannot be read or written, a broken checkpoint);",
            "2 bad usage (an unknown or impossible option, hook point, prompt or token)."
        })
public final class HyalineCommand implements Runnable {
    /** All commands by name, in the order in which they are listed. */
    private static final Map<String, Function<Console, Object>> COMMANDS = new LinkedHashMap<>();

    static {
        COMMANDS.put("dump", DumpCommand::new);
        COMMANDS.put("edit", EditCommand::new);
        COMMANDS.put("sites", SitesCommand::new);
        COMMANDS.put("info", InfoCommand::new);
        COMMANDS.put("generate", GenerateCommand::new);
        COMMANDS.put("loss", LossCommand::new);
        COMMANDS.put("tokens", TokensCommand::new);
        COMMANDS.put("patch", PatchCommand::new);
        COMMANDS.put("ablate", AblateCommand::new);
        COMMANDS.put("circuit", CircuitCommand::new);
        COMMANDS.put("lens", LensCommand::new);
        COMMANDS.put("attribute", AttributeCommand::new);
        COMMANDS.put("heads", HeadsCommand::new);
        COMMANDS.put("explore", ExploreCommand::new);
        COMMANDS.put("probe", ProbeCommand::new);
        COMMANDS.put("sae", SaeCommand::commandLine);
        COMMANDS.put("superposition", SuperpositionCommand::new);
        COMMANDS.put("sanity", SanityCommand::new);
        COMMANDS.put("robustness", RobustnessCommand::new);
        COMMANDS.put("hierarchy", HierarchyCommand::new);
        COMMANDS.put("train", TrainCommand::new);
        COMMANDS.put("investigate", InvestigateCommand::new);
        COMMANDS.put("verify", VerifyCommand::new);
        COMMANDS.put("compare", CompareCommand::new);
        COMMANDS.put("redo", RedoCommand::new);
        COMMANDS.put("models", ModelsCommand::new);
        COMMANDS.put("convert", ConvertCommand::new);
        COMMANDS.put("doctor", DoctorCommand::new);
        COMMANDS.put("devices", DevicesCommand::new);
        COMMANDS.put("shell", ShellCommand::new);
    }

    @Spec
    private CommandSpec spec;

    private HyalineCommand() {}

    /**
     * Builds the command line.
     *
     * @param first the first argument: if it names a command, the others are left out, because reading all their
     *     annotations takes a tenth of a second
     */
    public static CommandLine commandLine(String first, Console console) {
        CommandLine commandLine = new CommandLine(new HyalineCommand());
        Function<Console, Object> named = COMMANDS.get(first);
        if (named != null) {
            return commandLine.addSubcommand(named.apply(console));
        }
        COMMANDS.values().forEach(command -> commandLine.addSubcommand(command.apply(console)));
        return commandLine.addSubcommand(new HelpCommand(console)).addSubcommand(new AutoComplete.GenerateCompletion());
    }

    @Override
    public void run() {
        List<String> names = List.copyOf(COMMANDS.keySet());
        throw new ParameterException(
                spec.commandLine(),
                "a command is missing: " + String.join(", ", names.subList(0, names.size() - 1)) + " or "
                        + names.getLast());
    }
}
