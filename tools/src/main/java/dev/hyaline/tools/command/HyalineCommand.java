package dev.hyaline.tools.command;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code hyaline} by itself: says what there is. */
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
            "  hyaline heads                             where every attention head looks",
            "  hyaline models                            what --model finds without downloading it",
            "  hyaline convert --model ckpt.pt --out DIR as a Hugging Face folder: PyTorch, GGUF, llm.c, ...",
            "  hyaline devices                           what --device can run a model on",
            "  hyaline COMMAND --help                    a command's options and examples",
            "",
            "Without --model, every command uses the built-in model fable (4 layers, 1 million parameters).",
            "Tab completion in bash and zsh:  source <(hyaline generate-completion)",
            "Exit codes: 0 done; 1 failed (a file cannot be read or written, a broken checkpoint);",
            "2 bad usage (an option, hook point, prompt or token that cannot be)."
        })
public final class HyalineCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(),
                "a command is missing: dump, edit, sites, info, generate, tokens, patch, ablate, lens, attribute,"
                        + " heads, models, convert or devices");
    }
}
