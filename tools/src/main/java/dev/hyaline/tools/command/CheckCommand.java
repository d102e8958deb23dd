package dev.hyaline.tools.command;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.gradient.FiniteCheck;
import dev.hyaline.instrument.gradient.Objective;
import dev.hyaline.tools.option.CommonOptions;
import dev.hyaline.tools.option.EngineOptions;
import dev.hyaline.tools.option.ModelOptions;
import dev.hyaline.tools.option.ModelVocabulary;
import dev.hyaline.tools.option.PromptOptions;
import dev.hyaline.tools.option.WeightOptions;
import dev.hyaline.tools.report.Table;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.JsonOutput;
import dev.hyaline.weights.Checkpoint;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code hyaline check}: where values first stop being finite. */
@Command(
        name = "check",
        header = "Finds the first value that is not finite, forward and backward.",
        description = {
            "",
            "Runs prompts forward and then back from their cross-entropy. Prints the size of values and gradients at"
                    + " every hook point on the way, and names site, layer, position and token where a value is first"
                    + " infinite or not a number."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline check --model my-checkpoint --prompts prompts.txt",
            "  hyaline check --model my-checkpoint --json",
            "",
            "Exit codes: 0 all is finite; 1 a value is not, or the check failed; 2 bad usage."
        })
public final class CheckCommand implements Runnable {
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
    private CommonOptions common;

    public CheckCommand(Console console) {
        this.console = console;
    }

    @Override
    public void run() {
        try (Checkpoint checkpoint = modelOptions.open(console)) {
            ModelVocabulary vocabulary = new ModelVocabulary(checkpoint);
            Prompts prompts = promptOptions.encode(promptOptions.read(), checkpoint.config(), vocabulary);
            Objective objective = Objective.crossEntropy(prompts);
            try (Gpt2 engine = engineOptions.open(weightOptions.weights(checkpoint), console)) {
                FiniteCheck check = FiniteCheck.of(engine, prompts, objective);
                print(check);
                check.first().ifPresent(place -> {
                    throw new HyalineException(sentence(place, prompts, vocabulary));
                });
            }
        }
    }

    private void print(FiniteCheck check) {
        if (common.json) {
            JsonOutput.print(console, json -> {
                json.writeArrayPropertyStart("sizes");
                for (FiniteCheck.Size size : check.sizes()) {
                    json.writeStartObject();
                    json.writeStringProperty("pass", name(size.pass()));
                    json.writeStringProperty("site", size.point().name());
                    JsonOutput.number(json, "root_mean_square", size.rootMeanSquare());
                    JsonOutput.number(json, "largest", size.largest());
                    json.writeEndObject();
                }
                json.writeEndArray();
                Optional<FiniteCheck.Place> first = check.first();
                json.writeBooleanProperty("finite", first.isEmpty());
                if (first.isPresent()) {
                    FiniteCheck.Place place = first.get();
                    json.writeObjectPropertyStart("first");
                    json.writeStringProperty("pass", name(place.pass()));
                    json.writeStringProperty("site", place.point().name());
                    json.writeNumberProperty("prompt", place.sequence());
                    json.writeNumberProperty("position", place.position());
                    json.writeNumberProperty("token", place.token());
                    json.writeStringProperty("value", String.valueOf(place.value()));
                    json.writeEndObject();
                }
            });
            return;
        }
        Table table = new Table("pass", "site", ">root mean square", ">largest");
        for (FiniteCheck.Size size : check.sizes()) {
            table.row(
                    name(size.pass()),
                    size.point().name(),
                    String.format(Locale.ROOT, "%.4g", size.rootMeanSquare()),
                    String.format(Locale.ROOT, "%.4g", size.largest()));
        }
        table.print(console);
        if (check.first().isEmpty()) {
            console.out().println();
            console.out().println("All values are finite, forward and backward.");
        }
    }

    private static String sentence(FiniteCheck.Place place, Prompts prompts, ModelVocabulary vocabulary) {
        return "the first value that is not finite is " + place.value() + " in the " + name(place.pass())
                + " pass at " + place.point() + " of " + prompts.name(place.sequence()) + ", position "
                + place.position() + ", token " + place.token() + " \"" + vocabulary.text(place.token()) + '"';
    }

    private static String name(FiniteCheck.Pass pass) {
        return pass.name().toLowerCase(Locale.ROOT);
    }
}
