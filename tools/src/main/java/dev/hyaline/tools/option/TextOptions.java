package dev.hyaline.tools.option;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.dump.Document;
import dev.hyaline.tools.terminal.Console;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Texts to run a model on: prompts, or what the model itself writes. */
public final class TextOptions implements CheckedOptions {
    @Mixin
    private PromptOptions prompts;

    @Option(
            names = "--texts",
            paramLabel = "N",
            description =
                    "Without prompts: texts that the model itself writes. Default: a number that fits the command")
    private @Nullable Integer texts;

    @Option(
            names = "--context",
            paramLabel = "N",
            description = "Tokens of a text; longer ones are cut there. Default: ${DEFAULT-VALUE}")
    private int context = 64;

    @Option(
            names = "--text-seed",
            paramLabel = "N",
            description = "What the model's own texts depend on. Default: ${DEFAULT-VALUE}")
    private long seed = 1;

    @Option(
            names = "--with-special",
            description = {
                "Count the tokens that begin and end texts like all others. (Their activations are far larger, so they"
                        + " are left out by default.)"
            })
    private boolean withSpecial;

    @Override
    public void check() {
        if (prompts.isGiven() && texts != null) {
            throw new BadInputException("--texts is for texts that the model writes, but prompts are given");
        }
        if (texts != null && (texts < 1 || texts > 1_000_000)) {
            throw new BadInputException("--texts must be from 1 to 1000000, found " + texts);
        }
        if (context < 2) {
            throw new BadInputException("--context must be at least 2, found " + context);
        }
    }

    /** Returns whether prompts are given, or a number of texts. */
    public boolean isGiven() {
        return prompts.isGiven() || texts != null;
    }

    public int context() {
        return context;
    }

    /** Whether texts begin with the token that begins a text. */
    public boolean begins() {
        return prompts.begins();
    }

    /** In words, for a report. */
    public String description() {
        return prompts.isGiven() ? "prompts" : "texts that the model writes, seed " + seed;
    }

    /** The tokens that are left out. */
    public Set<Integer> excluded(ModelVocabulary vocabulary) {
        if (withSpecial) {
            return Set.of();
        }
        Set<Integer> special = new HashSet<>(vocabulary.ends());
        vocabulary.beginOfText().ifPresent(special::add);
        return special;
    }

    /**
     * The texts, each cut to the context.
     *
     * @param unless how many the model writes where no number is given
     */
    public List<Document> documents(Gpt2 model, ModelVocabulary vocabulary, int unless, Console console) {
        int length = Math.min(context, model.config().nCtx());
        if (!prompts.isGiven()) {
            return new OwnTexts(texts == null ? unless : texts, length, seed).write(model, vocabulary, console);
        }
        List<Document> documents = new ArrayList<>();
        try (Stream<PromptInput> inputs = prompts.source().prompts()) {
            inputs.forEach(input -> {
                int[] tokens = prompts.encode(input, model.config(), vocabulary);
                Prompts.requireKnown(model.config(), tokens, input.source());
                for (int from = 0; from < tokens.length; from += length) {
                    int[] piece = IntStream.range(from, Math.min(tokens.length, from + length))
                            .map(i -> tokens[i])
                            .toArray();
                    documents.add(new Document(input.source(), piece));
                }
            });
        }
        return documents;
    }

    /** As {@link #documents}, as prompts. */
    public Prompts prompts(Gpt2 model, ModelVocabulary vocabulary, int unless, Console console) {
        List<Document> documents = documents(model, vocabulary, unless, console);
        return Prompts.of(
                model.config(),
                documents.stream().map(Document::tokens).toList(),
                documents.stream().map(Document::name).toList());
    }
}
