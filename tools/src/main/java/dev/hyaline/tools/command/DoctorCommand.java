package dev.hyaline.tools.command;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.check.FiniteCheck;
import dev.hyaline.instrument.check.RepeatCheck;
import dev.hyaline.instrument.check.WeightCheck;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.gradient.Objective;
import dev.hyaline.tools.option.CommonOptions;
import dev.hyaline.tools.option.EditOptions;
import dev.hyaline.tools.option.EngineOptions;
import dev.hyaline.tools.option.ModelOptions;
import dev.hyaline.tools.option.ModelVocabulary;
import dev.hyaline.tools.option.PromptOptions;
import dev.hyaline.tools.option.WeightOptions;
import dev.hyaline.tools.report.DoctorReport;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.weights.Checkpoint;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code hyaline doctor}: where values first stop being finite, or the same. */
@Command(
        name = "doctor",
        header = "Finds the first value that is not finite, or not the same again.",
        description = {
            "",
            "Reads the weights, runs prompts forward and then back from their cross-entropy, and runs them again: on"
                    + " other numbers of threads, on scalar kernels, one by one, in reverse order. Prints the size of"
                    + " values and gradients at every hook point on the way. Names tensor, row and column of the first"
                    + " weight, or site, layer, head, position and token of the first value, that is infinite, not a"
                    + " number, or differs; with edits, the one nearest upstream of it."
                    + PromptOptions.WITHOUT_PROMPTS
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline doctor --model my-checkpoint --prompts prompts.txt",
            "  hyaline doctor --scale resid_mid=1e30 --layers 1 --positions last",
            "  hyaline doctor --model my-checkpoint --json",
            "",
            "Exit codes: 0 all is well; 1 a value is not finite or not the same, or the check failed; 2 bad usage."
        })
public final class DoctorCommand implements Runnable {
    private final Console console;

    @Mixin
    private PromptOptions promptOptions;

    @Mixin
    private ModelOptions modelOptions;

    @Mixin
    private WeightOptions weightOptions;

    @Mixin
    private EngineOptions engineOptions;

    @Mixin
    private EditOptions editOptions = EditOptions.optional();

    @Mixin
    private CommonOptions common;

    public DoctorCommand(Console console) {
        this.console = console;
    }

    @Override
    public void run() {
        try (Checkpoint checkpoint = modelOptions.open(console)) {
            ModelVocabulary vocabulary = new ModelVocabulary(checkpoint);
            Prompts prompts = promptOptions.encode(promptOptions.read(), checkpoint.config(), vocabulary);
            DoctorReport report =
                    new DoctorReport(prompts, vocabulary, WeightCheck.of(checkpoint.config(), checkpoint.tensors()));
            if (report.isHealthy()) {
                try (Gpt2 engine = engineOptions.open(weightOptions.weights(checkpoint), console)) {
                    Interventions edits = editOptions.isGiven()
                            ? editOptions.read(engine, promptOptions, vocabulary)
                            : Interventions.of();
                    report.run(engine.kernels(), edits);
                    report.values(FiniteCheck.of(engine, prompts, edits, Objective.crossEntropy(prompts)));
                    if (report.isHealthy()) {
                        report.repeats(RepeatCheck.of(engine, prompts, edits));
                    }
                }
            }
            report.print(console, common.json);
            report.trouble().ifPresent(sentence -> {
                throw new HyalineException(sentence);
            });
        }
    }
}
