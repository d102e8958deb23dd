package dev.hyaline.tools.report;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.NextToken;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.EscapedText;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.tools.option.ModelVocabulary;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.DisplayText;
import dev.hyaline.tools.terminal.JsonOutput;
import java.util.List;
import java.util.stream.IntStream;
import tools.jackson.core.JsonGenerator;

/** The output of {@code hyaline edit}: the predictions without and with interventions, as text or JSON. */
public final class EditReport {
    /** Two tokens whose logits are compared. */
    public record Pair(int token, int other) {}

    /**
     * A prompt's predictions without and with the interventions.
     *
     * @param before logits of the last position, {@code [dVocab]}
     * @param after likewise
     * @param textBefore the generated tokens; none if no text is generated
     * @param textAfter likewise
     */
    public record Outcome(float[] before, float[] after, int[] textBefore, int[] textAfter) {
        /** The KL divergence of the predictions with the interventions from those without, in nats. */
        double divergence() {
            List<NextToken> all = NextToken.likeliest(before, before.length);
            double[] logAfter = new double[after.length];
            NextToken.likeliest(after, after.length).forEach(token -> logAfter[token.token()] = token.logProbability());
            double sum = 0;
            for (NextToken token : all) {
                sum += token.probability() * (token.logProbability() - logAfter[token.token()]);
            }
            return Math.max(0, sum);
        }
    }

    private final Console console;
    private final String model;
    private final ModelVocabulary vocabulary;
    private final Prompts prompts;
    private final Interventions interventions;
    private final List<Pair> pairs;
    private final int top;

    public EditReport(
            Console console,
            String model,
            ModelVocabulary vocabulary,
            Prompts prompts,
            Interventions interventions,
            List<Pair> pairs,
            int top) {
        this.console = console;
        this.model = model;
        this.vocabulary = vocabulary;
        this.prompts = prompts;
        this.interventions = interventions;
        this.pairs = pairs;
        this.top = top;
    }

    public void print(Gpt2 engine, List<Outcome> outcomes, boolean json) {
        for (int s = 0; s < outcomes.size(); s++) {
            requireNumbers(outcomes.get(s), prompts.name(s));
        }
        if (json) {
            JsonOutput.print(console, out -> json(out, outcomes));
            return;
        }
        console.out().println(DumpReport.headline(console, model, engine));
        for (String intervention : interventions.describe()) {
            console.out().println(console.bold("Edit") + "  " + intervention);
        }
        for (int s = 0; s < prompts.size(); s++) {
            console.out().println();
            text(s, outcomes.get(s));
        }
    }

    /** Refuses logits that are not finite, as after a division by zero. */
    private static void requireNumbers(Outcome outcome, String prompt) {
        for (float logit : outcome.after) {
            if (!Float.isFinite(logit)) {
                throw new BadInputException("the interventions make what comes after " + prompt
                        + " impossible to predict: a logit is " + logit);
            }
        }
    }

    private void text(int sequence, Outcome outcome) {
        String title = prompts.size() == 1 ? "Prompt" : "Prompt " + sequence;
        console.out()
                .println(console.bold(title) + " (" + EscapedText.plain(prompts.name(sequence)) + ", "
                        + DisplayText.plural(prompts.length(sequence), "token") + ")");
        List<NextToken> before = NextToken.likeliest(outcome.before, top);
        List<NextToken> after = NextToken.likeliest(outcome.after, top);
        Table table = new Table("before", ">%", "after", ">%");
        for (int i = 0; i < before.size(); i++) {
            table.row(
                    vocabulary.quoted(before.get(i).token()),
                    100.0 * before.get(i).probability(),
                    vocabulary.quoted(after.get(i).token()),
                    100.0 * after.get(i).probability());
        }
        table.print(console);
        console.out().println("KL divergence " + DisplayText.figure(outcome.divergence()) + " nats");
        for (Pair pair : pairs) {
            double then = difference(outcome.before, pair);
            double now = difference(outcome.after, pair);
            console.out()
                    .println(vocabulary.quoted(pair.token) + " - " + vocabulary.quoted(pair.other)
                            + "  logit difference "
                            + DisplayText.figure(then) + " -> " + DisplayText.figure(now) + " ("
                            + (now < then ? "" : "+")
                            + DisplayText.figure(now - then) + ")");
        }
        if (outcome.textBefore.length > 0) {
            console.out().println(console.bold("before") + text(outcome.textBefore));
            console.out().println(console.bold("after ") + text(outcome.textAfter));
        }
    }

    private String text(int[] tokens) {
        return vocabulary
                .tokenizer()
                .map(tokenizer -> " " + DisplayText.quoted(tokenizer.decode(tokens)))
                .orElseGet(() -> {
                    StringBuilder ids = new StringBuilder();
                    IntStream.of(tokens).forEach(token -> ids.append(" #").append(token));
                    return ids.toString();
                });
    }

    private static double difference(float[] logits, Pair pair) {
        return (double) logits[pair.token] - logits[pair.other];
    }

    private void json(JsonGenerator out, List<Outcome> outcomes) {
        out.writeStringProperty("model", model);
        out.writeArrayPropertyStart("edits");
        interventions.describe().forEach(out::writeString);
        out.writeEndArray();
        out.writeArrayPropertyStart("prompts");
        for (int s = 0; s < prompts.size(); s++) {
            Outcome outcome = outcomes.get(s);
            out.writeStartObject();
            out.writeStringProperty("source", prompts.name(s));
            JsonOutput.numbers(out, "tokens", prompts.tokens(s));
            likeliest(out, "before", outcome.before);
            likeliest(out, "after", outcome.after);
            JsonOutput.number(out, "kl_divergence", outcome.divergence());
            out.writeArrayPropertyStart("logit_differences");
            for (Pair pair : pairs) {
                out.writeStartObject();
                out.writeNumberProperty("token", pair.token);
                out.writeNumberProperty("other", pair.other);
                JsonOutput.number(out, "before", difference(outcome.before, pair));
                JsonOutput.number(out, "after", difference(outcome.after, pair));
                out.writeEndObject();
            }
            out.writeEndArray();
            if (outcome.textBefore.length > 0) {
                JsonOutput.numbers(out, "generated_before", outcome.textBefore);
                JsonOutput.numbers(out, "generated_after", outcome.textAfter);
            }
            out.writeEndObject();
        }
        out.writeEndArray();
    }

    private void likeliest(JsonGenerator out, String name, float[] logits) {
        out.writeArrayPropertyStart(name);
        for (NextToken token : NextToken.likeliest(logits, top)) {
            out.writeStartObject();
            out.writeNumberProperty("token", token.token());
            out.writeStringProperty("text", vocabulary.text(token.token()));
            out.writeNumberProperty("probability", token.probability());
            out.writeNumberProperty("logit", logits[token.token()]);
            out.writeEndObject();
        }
        out.writeEndArray();
    }
}
