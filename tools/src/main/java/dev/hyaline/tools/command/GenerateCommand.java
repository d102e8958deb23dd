package dev.hyaline.tools.command;

import dev.hyaline.engine.Generator;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Sampling;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.EscapedText;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.CommonOptions;
import dev.hyaline.tools.option.EngineOptions;
import dev.hyaline.tools.option.ModelOptions;
import dev.hyaline.tools.option.ModelVocabulary;
import dev.hyaline.tools.option.PromptInput;
import dev.hyaline.tools.option.PromptOptions;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.DecodedText;
import dev.hyaline.tools.terminal.JsonOutput;
import dev.hyaline.weights.Checkpoint;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
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
            "  hyaline generate --prompts prompts.txt --max-new-tokens 20 --json"
        })
public final class GenerateCommand implements Runnable, CheckedOptions {
    private final Console console;

    @Mixin
    private PromptOptions promptOptions;

    @Mixin
    private ModelOptions modelOptions;

    @Mixin
    private EngineOptions engineOptions;

    @Option(
            names = {"-n", "--max-new-tokens"},
            paramLabel = "N",
            description = "At most this many tokens per prompt. Default: ${DEFAULT-VALUE}")
    private int maxNewTokens = 50;

    @Option(
            names = {"-t", "--temperature"},
            paramLabel = "T",
            description = {
                "Divide logits by T before a token is drawn; 0 takes the likeliest."
                        + " Default: 0, or 1 if --top-k, --top-p or --seed is given"
            })
    private @Nullable Float temperature;

    @Option(names = "--top-k", paramLabel = "K", description = "Draw among the K likeliest tokens; 0 draws among all.")
    private @Nullable Integer topK;

    @Option(
            names = "--top-p",
            paramLabel = "P",
            description = "Draw among the likeliest tokens that together reach probability P.")
    private @Nullable Float topP;

    @Option(names = "--seed", paramLabel = "N", description = "The same seed gives the same text again. Default: 0")
    private @Nullable Long seed;

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
            List<int[]> tokens =
                    IntStream.range(0, prompts.size()).mapToObj(prompts::tokens).toList();
            List<String> texts =
                    inputs.stream().map(input -> text(input, vocabulary)).toList();
            try (Gpt2 engine = engineOptions.open(checkpoint.weights(), console)) {
                Generator generator = Generator.of(engine)
                        .sampling(sampling)
                        .maxNewTokens(maxNewTokens)
                        .stopAt(vocabulary.ends());
                if (common.json) {
                    List<int[]> generated = generator.generate(tokens, (sequence, token) -> {});
                    json(checkpoint.name(), sampling, prompts, texts, generated, vocabulary);
                } else if (tokens.size() == 1) {
                    stream(generator, tokens.getFirst(), texts.getFirst(), vocabulary);
                } else {
                    List<int[]> generated = generator.generate(tokens, (sequence, token) -> {});
                    for (int s = 0; s < generated.size(); s++) {
                        console.out()
                                .println(console.bold("Prompt " + s) + " (" + EscapedText.plain(prompts.name(s)) + ")");
                        console.out().println(console.dim(texts.get(s)) + newText(generated.get(s), vocabulary));
                        console.out().println();
                    }
                }
            }
        }
    }

    private Sampling sampling() {
        boolean drawn = topK != null || topP != null || seed != null;
        if (temperature != null && temperature == 0 && drawn) {
            throw new BadInputException("--temperature 0 always takes the likeliest token;"
                    + " leave out --top-k, --top-p and --seed, or raise it");
        }
        if (temperature != null && !(temperature >= 0 && Float.isFinite(temperature))) {
            throw new BadInputException("--temperature must be a finite number of at least 0, found " + temperature);
        }
        if (topK != null) {
            CheckedOptions.requireAtLeast("--top-k", 0, topK);
        }
        if (topP != null && !(topP > 0 && topP <= 1)) {
            throw new BadInputException("--top-p must be above 0 and at most 1, found " + topP);
        }
        return new Sampling(
                temperature != null ? temperature : drawn ? 1 : 0,
                topK == null ? 0 : topK,
                topP == null ? 1 : topP,
                seed == null ? 0 : seed);
    }

    /** Prints a prompt and the tokens after it as they are generated. */
    private void stream(Generator generator, int[] prompt, String text, ModelVocabulary vocabulary) {
        console.out().print(console.dim(text));
        console.out().flush();
        Optional<DecodedText> decoded = vocabulary.tokenizer().map(DecodedText::new);
        generator.generate(List.of(prompt), (sequence, token) -> {
            if (decoded.isEmpty() || !vocabulary.ends().contains(token)) {
                console.out().print(decoded.map(d -> d.add(token)).orElse(" " + token));
                console.out().flush();
            }
        });
        console.out().println(decoded.map(DecodedText::end).orElse(""));
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
