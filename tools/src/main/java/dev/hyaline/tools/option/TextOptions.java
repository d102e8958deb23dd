package dev.hyaline.tools.option;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.dump.Corpus;
import dev.hyaline.instrument.dump.Document;
import dev.hyaline.tools.terminal.Console;
import java.util.ArrayList;
import java.util.Arrays;
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
    private static final int DEFAULT_CONTEXT = 64;
    private static final long DEFAULT_SEED = 1;

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
            description = "Tokens of a text; longer ones are cut there. Default: " + DEFAULT_CONTEXT)
    private @Nullable Integer context;

    @Option(
            names = "--pack",
            description = {
                "Join the prompts, of any length, and cut them into texts of --context tokens. The tail is left out."
            })
    private boolean pack;

    @Option(
            names = "--text-seed",
            paramLabel = "N",
            description = "What the model's own texts depend on. Default: " + DEFAULT_SEED)
    private @Nullable Long seed;

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
        if (pack && !prompts.isGiven()) {
            throw new BadInputException("--pack is for prompts, of which none are given");
        }
        if (texts != null && (texts < 1 || texts > 1_000_000)) {
            throw new BadInputException("--texts must be from 1 to 1000000, found " + texts);
        }
        if (context != null && context < 2) {
            throw new BadInputException("--context must be at least 2, found " + context);
        }
    }

    /** Returns whether prompts are given, or a number of texts. */
    public boolean isGiven() {
        return prompts.isGiven() || texts != null;
    }

    /** The options that were given of those that choose texts, as they are written. */
    public List<String> given() {
        List<String> given = new ArrayList<>(prompts.given());
        if (texts != null) {
            given.add("--texts");
        }
        if (context != null) {
            given.add("--context");
        }
        if (pack) {
            given.add("--pack");
        }
        if (seed != null) {
            given.add("--text-seed");
        }
        return given;
    }

    public int context() {
        return context == null ? DEFAULT_CONTEXT : context;
    }

    /** Whether texts begin with the token that begins a text. */
    public boolean begins() {
        return prompts.begins();
    }

    /** In words, for a report. */
    public String description() {
        return prompts.isGiven() ? "prompts" : "texts that the model writes, seed " + seed();
    }

    private long seed() {
        return seed == null ? DEFAULT_SEED : seed;
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
     * The texts, each cut to the context, in memory.
     *
     * @param unless how many the model writes where no number is given
     */
    public List<Document> documents(Gpt2 model, ModelVocabulary vocabulary, int unless, Console console) {
        try (Stream<Document> documents =
                corpus(model, vocabulary, unless, console).documents()) {
            return documents.toList();
        }
    }

    /**
     * The texts of {@link #documents}. Prompts are read from their files each time, never all at once.
     *
     * @param unless how many the model writes where no number is given
     */
    public Corpus corpus(Gpt2 model, ModelVocabulary vocabulary, int unless, Console console) {
        int length = Math.min(context(), model.config().nCtx());
        if (!prompts.isGiven()) {
            return Corpus.of(
                    new OwnTexts(texts == null ? unless : texts, length, seed()).write(model, vocabulary, console));
        }
        Corpus whole = () -> prompts.source().prompts().map(input -> {
            int[] tokens = prompts.encode(input, model.config(), vocabulary);
            Prompts.requireKnown(model.config(), tokens, input.source());
            return new Document(input.source(), tokens);
        });
        return pack
                ? Corpus.packed(model.config(), whole, length)
                : () -> whole.documents().flatMap(document -> cut(document, length));
    }

    private static Stream<Document> cut(Document document, int length) {
        int[] tokens = document.tokens();
        return IntStream.iterate(0, from -> from < tokens.length, from -> from + length)
                .mapToObj(from -> new Document(
                        document.name(), Arrays.copyOfRange(tokens, from, Math.min(tokens.length, from + length))));
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
