package dev.hyaline.tools.command;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.PromptLoss;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.files.EscapedText;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.PromptPass;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.run.EditedModel;
import dev.hyaline.tools.option.EditOptions;
import dev.hyaline.tools.option.ModelRunOptions;
import dev.hyaline.tools.option.ModelVocabulary;
import dev.hyaline.tools.option.PromptOptions;
import dev.hyaline.tools.report.Table;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.DisplayText;
import dev.hyaline.tools.terminal.JsonOutput;
import dev.hyaline.weights.Checkpoint;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import tools.jackson.core.JsonGenerator;

/** {@code hyaline loss}: how well the model predicts prompts. */
@Command(
        name = "loss",
        header = "Shows how well the model predicts prompts, token by token.",
        description = {
            "",
            "The loss is the mean over the tokens after the first of minus the log-probability of each, in nats. With"
                    + " edits it is shown with and without them."
                    + PromptOptions.WITHOUT_PROMPTS
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline loss --prompt \"Hello world!\"",
            "  hyaline loss --zero z --layers 1 --heads 3         what a head is worth to this text",
            "  hyaline loss --prompts texts.txt --json"
        })
public final class LossCommand implements Runnable {
    private final Console console;

    @Mixin
    private PromptOptions promptOptions;

    @Mixin
    private ModelRunOptions options;

    @Mixin
    private EditOptions editOptions = EditOptions.optional();

    public LossCommand(Console console) {
        this.console = console;
    }

    /** @param edited null without edits */
    private record Losses(PromptLoss plain, @Nullable PromptLoss edited) {}

    @Override
    public void run() {
        try (Checkpoint checkpoint = options.open(console)) {
            ModelVocabulary vocabulary = new ModelVocabulary(checkpoint);
            Prompts prompts = promptOptions.encode(promptOptions.read(), checkpoint.config(), vocabulary);
            try (Gpt2 model = options.start(checkpoint, console)) {
                @Nullable
                Interventions edits = editOptions.isGiven() ? editOptions.read(model, promptOptions, vocabulary) : null;
                List<Losses> losses = new ArrayList<>();
                for (int s = 0; s < prompts.size(); s++) {
                    losses.add(losses(model, prompts, s, edits));
                }
                if (options.json()) {
                    json(checkpoint.name(), prompts, edits, losses, vocabulary);
                } else {
                    text(prompts, edits, losses, vocabulary);
                }
            }
        }
    }

    private static Losses losses(Gpt2 model, Prompts prompts, int sequence, @Nullable Interventions edits) {
        int[] tokens = prompts.tokens(sequence);
        PromptLoss plain = PromptLoss.of(model, tokens);
        if (edits == null) {
            return new Losses(plain, null);
        }
        PromptPass edited = EditedModel.of(model, edits).passes(prompts);
        return new Losses(
                plain, PromptLoss.of(edited.forward(sequence, sequence + 1, LogitSelection.all(), Probe.NONE), tokens));
    }

    private void text(Prompts prompts, @Nullable Interventions edits, List<Losses> losses, ModelVocabulary vocabulary) {
        if (edits != null) {
            edits.describe().forEach(console::dimLines);
        }
        double sum = 0;
        double editedSum = 0;
        long tokens = 0;
        for (int s = 0; s < losses.size(); s++) {
            PromptLoss plain = losses.get(s).plain;
            PromptLoss edited = losses.get(s).edited;
            int predicted = plain.logProbabilities().length;
            tokens += predicted;
            sum += plain.loss() * predicted;
            editedSum += edited == null ? 0 : edited.loss() * predicted;
            console.headed(
                    EscapedText.plain(prompts.name(s)),
                    summary(plain.loss(), edited == null ? null : edited.loss(), predicted));
            Table table = edited == null
                    ? new Table(">position", "token", ">log-probability", ">probability")
                    : new Table(">position", "token", ">log-probability", ">edited", ">difference");
            for (int p = 1; p <= predicted; p++) {
                double before = plain.logProbabilities()[p - 1];
                String position = String.valueOf(p);
                String token = vocabulary.quoted(prompts.token(s, p));
                if (edited == null) {
                    table.row(position, token, before, Math.exp(before));
                } else {
                    double after = edited.logProbabilities()[p - 1];
                    table.row(position, token, before, after, after - before);
                }
            }
            table.print(console);
        }
        if (losses.size() > 1) {
            console.headed(
                    "all " + losses.size() + " prompts",
                    summary(sum / tokens, edits == null ? null : editedSum / tokens, tokens));
        }
    }

    private static String summary(double loss, @Nullable Double edited, long tokens) {
        return "loss " + DisplayText.figure(loss) + " nats"
                + (edited == null
                        ? ""
                        : ", edited " + DisplayText.figure(edited) + ", difference "
                                + DisplayText.figure(edited - loss))
                + " over " + DisplayText.plural(tokens, "token");
    }

    private void json(
            String model,
            Prompts prompts,
            @Nullable Interventions edits,
            List<Losses> losses,
            ModelVocabulary vocabulary) {
        JsonOutput.print(console, json -> {
            json.writeStringProperty("model", model);
            if (edits != null) {
                json.writeArrayPropertyStart("interventions");
                edits.describe().forEach(json::writeString);
                json.writeEndArray();
            }
            json.writeArrayPropertyStart("prompts");
            for (int s = 0; s < losses.size(); s++) {
                json.writeStartObject();
                json.writeStringProperty("source", prompts.name(s));
                JsonOutput.numbers(json, "tokens", prompts.tokens(s));
                json.writeArrayPropertyStart("text");
                for (int token : prompts.tokens(s)) {
                    json.writeString(vocabulary.text(token));
                }
                json.writeEndArray();
                write(json, "", losses.get(s).plain);
                PromptLoss edited = losses.get(s).edited;
                if (edited != null) {
                    write(json, "edited_", edited);
                }
                json.writeEndObject();
            }
            json.writeEndArray();
        });
    }

    private static void write(JsonGenerator json, String prefix, PromptLoss loss) {
        JsonOutput.number(json, prefix + "loss", loss.loss());
        double[] values = loss.logProbabilities();
        json.writeName(prefix + "log_probabilities");
        json.writeArray(values, 0, values.length);
    }
}
