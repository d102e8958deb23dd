package dev.hyaline.tools.command;

import dev.hyaline.engine.Generator;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Sampling;
import dev.hyaline.explorer.Page;
import dev.hyaline.explorer.View;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.view.GenerationView;
import dev.hyaline.explorer.view.PromptViews;
import dev.hyaline.files.EscapedText;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.run.EditedModel;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.CommonOptions;
import dev.hyaline.tools.option.EditOptions;
import dev.hyaline.tools.option.EngineOptions;
import dev.hyaline.tools.option.ModelOptions;
import dev.hyaline.tools.option.ModelVocabulary;
import dev.hyaline.tools.option.PageOption;
import dev.hyaline.tools.option.PromptInput;
import dev.hyaline.tools.option.PromptOptions;
import dev.hyaline.tools.option.SamplingOptions;
import dev.hyaline.tools.option.WeightOptions;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.DecodedText;
import dev.hyaline.tools.terminal.JsonOutput;
import dev.hyaline.weights.Checkpoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code hyaline generate}: continuations of prompts. */
@Command(
        name = "generate",
        header = "Continues prompts.",
        description = {
            "",
            "Takes the likeliest token each time unless told to sample. The text of one prompt is shown as it is"
                    + " generated; several prompts are continued together and shown at the end. A text ends with an"
                    + " end-of-text token, after --max-new-tokens, or at the model's last position."
                    + PromptOptions.WITHOUT_PROMPTS
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  hyaline generate --prompt \"The dog likes\"",
            "  hyaline generate --prompt \"Anna went to\" --temperature 0.8 --top-p 0.95 --seed 7",
            "  hyaline generate --zero z --layers 2 --heads 1,5     under an edit, which goes on in what is generated",
            "  hyaline generate --prompts prompts.txt --max-new-tokens 20 --json"
        })
public final class GenerateCommand implements Runnable, CheckedOptions {
    private static final int ALTERNATIVES = 10;

    private final Console console;

    @Mixin
    private PromptOptions promptOptions;

    @Mixin
    private ModelOptions modelOptions;

    @Mixin
    private WeightOptions weightOptions;

    @Mixin
    private EngineOptions engineOptions;

    @Option(
            names = {"-n", "--max-new-tokens"},
            paramLabel = "N",
            description = "At most this many tokens per prompt. Default: ${DEFAULT-VALUE}")
    private int maxNewTokens = 50;

    @Mixin
    private SamplingOptions samplingOptions;

    @Mixin
    private EditOptions editOptions = EditOptions.sampling(false);

    @Mixin
    private PageOption page;

    @Mixin
    private CommonOptions common;

    public GenerateCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        sampling();
        CheckedOptions.requireAtLeast("--max-new-tokens", 0, maxNewTokens);
    }

    @Override
    public void run() {
        Sampling sampling = sampling();
        try (Checkpoint checkpoint = modelOptions.open(console)) {
            ModelVocabulary vocabulary = new ModelVocabulary(checkpoint);
            List<PromptInput> inputs = promptOptions.read();
            Prompts prompts = promptOptions.encode(inputs, checkpoint.config(), vocabulary);
            List<String> texts =
                    inputs.stream().map(input -> text(input, vocabulary)).toList();
            try (Gpt2 engine = engineOptions.open(weightOptions.weights(checkpoint), console)) {
                Generator generator = Generator.of(engine)
                        .sampling(sampling)
                        .maxNewTokens(maxNewTokens)
                        .stopAt(vocabulary.ends());
                Interventions edits = editOptions.isGiven()
                        ? editOptions.read(engine, promptOptions, vocabulary)
                        : Interventions.of(List.of());
                EditedModel edited = EditedModel.of(engine, edits);
                List<int[]> generated;
                if (common.json) {
                    generated = edited.generate(generator, prompts, (sequence, token) -> {});
                    json(checkpoint.name(), sampling, edits, prompts, texts, generated, vocabulary);
                } else if (prompts.size() == 1) {
                    edits.describe().forEach(line -> console.dimLines(line));
                    generated = stream(edited, generator, prompts, texts.getFirst(), vocabulary);
                } else {
                    edits.describe().forEach(line -> console.dimLines(line));
                    generated = edited.generate(generator, prompts, (sequence, token) -> {});
                    for (int s = 0; s < generated.size(); s++) {
                        console.out()
                                .println(console.bold("Prompt " + s) + " (" + EscapedText.plain(prompts.name(s)) + ")");
                        console.out().println(console.dim(texts.get(s)) + newText(generated.get(s), vocabulary));
                        console.out().println();
                    }
                }
                warnOfUnreached(edits, prompts, generated);
                page.write(
                        console,
                        checkpoint,
                        () -> page(checkpoint.name(), edited, edits, generator, vocabulary, prompts, texts, generated),
                        common.json);
            }
        }
    }

    /** Says which edits are at positions after the end of every text. */
    private void warnOfUnreached(Interventions edits, Prompts prompts, List<int[]> generated) {
        for (Intervention edit : edits.list()) {
            Target target = edit.target();
            int longest = 0;
            boolean reached = false;
            for (int s = 0; s < generated.size(); s++) {
                int length = prompts.length(s);
                int run = Math.max(length, length + generated.get(s).length - 1); // the last token drawn is not run
                if (target.sequences().contains(s, generated.size())) {
                    longest = Math.max(longest, run);
                    reached |= IntStream.range(0, run)
                            .anyMatch(position -> target.positions().contains(position, length));
                }
            }
            if (!reached) {
                console.err()
                        .println("hyaline: warning: " + EscapedText.plain(edit.label())
                                + " never acted: the last position that was run is " + (longest - 1));
            }
        }
        console.err().flush();
    }

    /** A view of each continuation. */
    private Page page(
            String name,
            EditedModel edited,
            Interventions edits,
            Generator generator,
            ModelVocabulary vocabulary,
            Prompts prompts,
            List<String> texts,
            List<int[]> generated) {
        Gpt2 model = generator.model();
        Sampling sampling = sampling();
        List<View> views = new ArrayList<>();
        for (int s = 0; s < generated.size(); s++) {
            int[] prompt = prompts.tokens(s);
            ViewHeading heading = page.heading(generated.size() == 1 ? "Generation" : prompts.name(s), name)
                    .withPrompt(
                            texts.get(s),
                            IntStream.of(prompt).mapToObj(vocabulary::shown).toList());
            heading = sampling.temperature() == 0
                    ? heading.withBasis("the likeliest token each time")
                    : heading.withBasis("drawn at temperature " + sampling.temperature()
                                    + (sampling.topK() == 0 ? "" : ", top " + sampling.topK())
                                    + (sampling.topP() == 1 ? "" : ", top p " + sampling.topP()))
                            .withSeed(sampling.seed());
            GenerationView view = GenerationView.of(
                    heading,
                    generated.get(s),
                    edited.logits(generator, prompts, s, generated.get(s)),
                    Math.min(ALTERNATIVES, model.config().dVocab()),
                    vocabulary::shown);
            views.add(
                    edits.list().isEmpty()
                            ? view
                            : view.withEdits(edits.describe(), PromptViews.logits(model, prompt, generated.get(s))));
        }
        return Page.of("Generation: " + name, views);
    }

    /** A seed alone draws tokens, unless it is that of drawn edits. */
    private Sampling sampling() {
        boolean drawn = samplingOptions.isGiven() || !editOptions.drawsValues();
        return samplingOptions.sampling(drawn ? editOptions.seed() : null);
    }

    /** Prints a prompt and the tokens after it as they are generated, and returns them. */
    private List<int[]> stream(
            EditedModel edited, Generator generator, Prompts prompts, String text, ModelVocabulary vocabulary) {
        console.out().print(console.dim(text));
        console.out().flush();
        Optional<DecodedText> decoded = vocabulary.tokenizer().map(DecodedText::new);
        List<int[]> generated = edited.generate(generator, prompts, (sequence, token) -> {
            if (decoded.isEmpty() || !vocabulary.ends().contains(token)) {
                console.out().print(decoded.map(d -> d.add(token)).orElse(" " + token));
                console.out().flush();
            }
        });
        console.out().println(decoded.map(DecodedText::end).orElse(""));
        return generated;
    }

    /** A prompt as text; its ids if there is no tokenizer. */
    private static String text(PromptInput prompt, ModelVocabulary vocabulary) {
        return switch (prompt) {
            case PromptInput.OfText text -> text.text();
            case PromptInput.OfTokens ids ->
                text(ids.tokens().stream().mapToInt(Integer::intValue).toArray(), vocabulary);
        };
    }

    /** New tokens as text, without an end-of-text token. */
    private static String newText(int[] tokens, ModelVocabulary vocabulary) {
        boolean asText = vocabulary.tokenizer().isPresent();
        return text(asText ? vocabulary.withoutEnd(tokens) : tokens, vocabulary);
    }

    /** Tokens as text; their ids if there is no tokenizer. */
    private static String text(int[] tokens, ModelVocabulary vocabulary) {
        if (vocabulary.tokenizer().isEmpty()) {
            return IntStream.of(tokens).mapToObj(token -> " " + token).collect(Collectors.joining());
        }
        return vocabulary.required().decode(tokens);
    }

    private void json(
            String model,
            Sampling sampling,
            Interventions edits,
            Prompts prompts,
            List<String> texts,
            List<int[]> generated,
            ModelVocabulary vocabulary) {
        JsonOutput.print(console, json -> {
            json.writeStringProperty("model", model);
            json.writeObjectPropertyStart("sampling");
            json.writeNumberProperty("temperature", sampling.temperature());
            json.writeNumberProperty("top_k", sampling.topK());
            json.writeNumberProperty("top_p", sampling.topP());
            json.writeNumberProperty("seed", sampling.seed());
            json.writeEndObject();
            if (!edits.list().isEmpty()) {
                json.writeArrayPropertyStart("interventions");
                edits.describe().forEach(json::writeString);
                json.writeEndArray();
            }
            json.writeArrayPropertyStart("prompts");
            for (int s = 0; s < prompts.size(); s++) {
                json.writeStartObject();
                json.writeStringProperty("source", prompts.name(s));
                json.writeStringProperty("prompt", texts.get(s));
                JsonOutput.numbers(json, "prompt_tokens", prompts.tokens(s));
                json.writeStringProperty("text", newText(generated.get(s), vocabulary));
                JsonOutput.numbers(json, "tokens", generated.get(s));
                json.writeEndObject();
            }
            json.writeEndArray();
        });
    }
}
