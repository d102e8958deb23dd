package dev.hyaline.instrument.model;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Generator;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.NextToken;
import dev.hyaline.engine.PromptLoss;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.tensor.Tensor;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.HookPoints;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.hook.Hooks;
import dev.hyaline.instrument.run.EditedModel;
import dev.hyaline.weights.Checkpoint;
import dev.hyaline.weights.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A model and its tokenizer, opened by name: text in, activations, logits and text out. Thread-safe until it is closed.
 *
 * <p>For example: {@snippet file="dev/hyaline/instrument/JavadocExamplesTest.java" region="open"}
 *
 * <p>A prompt begins with the token that begins a text, GPT-2's end-of-text token for one, as in the command and in
 * TransformerLens, unless it is given as tokens.
 */
public final class LanguageModel implements AutoCloseable {
    private final String name;
    private final Gpt2 model;
    private final @Nullable Tokenizer tokenizer;
    private final List<Integer> ends;

    private LanguageModel(String name, Gpt2 model, @Nullable Tokenizer tokenizer, List<Integer> ends) {
        this.name = name;
        this.model = model;
        this.tokenizer = tokenizer;
        this.ends = List.copyOf(ends);
    }

    /**
     * A likely next token.
     *
     * @param token its id
     * @param text its text; empty if the model has no tokenizer
     */
    public record LikelyToken(int token, String text, double probability) {
        /** Such as {@code " Mary" 0.8312}. */
        @Override
        public String toString() {
            return (text.isEmpty() ? "#" + token : '"' + Printable.plain(text) + '"')
                    + String.format(Locale.ROOT, " %.4f", probability);
        }
    }

    /**
     * Opens a model on all processors, downloading it if necessary.
     *
     * @param name as {@link Checkpoint#named} takes it: {@code fable}, a folder, {@code gpt2}, {@code OWNER/NAME}
     * @throws dev.hyaline.engine.error.HyalineException if there is none, or it is not a GPT-2
     */
    public static LanguageModel open(String name) {
        try (Checkpoint checkpoint = Checkpoint.named(name)) {
            return of(checkpoint, Gpt2.of(checkpoint.weights()));
        }
    }

    /**
     * A model that runs, with the tokenizer of its checkpoint, which may be closed afterwards: for chosen threads, a
     * device, processed weights.
     *
     * @param model is closed by {@link #close}
     */
    public static LanguageModel of(Checkpoint checkpoint, Gpt2 model) {
        return new LanguageModel(
                checkpoint.name(),
                model,
                checkpoint.hasTokenizer() ? checkpoint.tokenizer() : null,
                checkpoint.endsOfText());
    }

    /** The checkpoint's name. */
    public String name() {
        return name;
    }

    public Gpt2 model() {
        return model;
    }

    public Gpt2Config config() {
        return model.config();
    }

    /**
     * The tokenizer.
     *
     * @throws BadInputException if the model has none
     */
    public Tokenizer tokenizer() {
        if (tokenizer == null) {
            throw new BadInputException(name + " has no tokenizer; give token ids");
        }
        return tokenizer;
    }

    /** The tokens of a text as a prompt: with the token that begins a text before them. */
    public int[] tokens(String text) {
        return tokenizer().encodePrompt(text);
    }

    /**
     * The token of a word that is just one.
     *
     * @param word with its leading blank, as inside a text: {@code " Mary"}
     * @throws BadInputException if it is more than one token
     */
    public int token(String word) {
        int[] tokens = tokenizer().encode(word);
        if (tokens.length == 1) {
            return tokens[0];
        }
        boolean blankIsMissing = !word.startsWith(" ") && tokenizer().encode(" " + word).length == 1;
        throw new BadInputException("'" + Printable.plain(word) + "' is " + tokens.length
                + " tokens where one is needed"
                + (blankIsMissing ? "; with a blank before it, as inside a text, it is one" : ""));
    }

    /** The text of each token. */
    public List<String> texts(int... tokens) {
        return Arrays.stream(tokens).mapToObj(tokenizer()::token).toList();
    }

    /** Prompts of some texts, each begun by the token that begins a text, and called what they say. */
    public Prompts prompts(String... texts) {
        return Prompts.of(config(), Arrays.stream(texts).map(this::tokens).toList(), List.of(texts));
    }

    /**
     * Runs a prompt and keeps activations, TransformerLens's {@code run_with_cache}.
     *
     * @param points names and patterns as {@link HookPoints} reads them; by default every point of a plain pass
     */
    public ActivationCache record(String text, String... points) {
        return record(prompts(text), points);
    }

    /** As {@link #record(String, String...)}, of several prompts. */
    public ActivationCache record(Prompts prompts, String... points) {
        Capture capture = points.length == 0 ? Capture.of(HookPoints.plain(config())) : Capture.of(config(), points);
        return ActivationCache.record(model, prompts, capture);
    }

    /** The logits at every position of a prompt, {@code [position, token]}. */
    public Tensor logits(String text) {
        return tensor(model.logits(tokens(text)));
    }

    /** As {@link #logits(String)}, of a pass with hooks, TransformerLens's {@code run_with_hooks}. */
    public Tensor logits(String text, Hooks hooks) {
        return tensor(hooks.forward(model, prompts(text), LogitSelection.all()).logits());
    }

    /** As {@link #logits(String)}, of a pass with interventions. */
    public Tensor logits(String text, Interventions edits) {
        return tensor(EditedModel.of(model, edits)
                .forward(prompts(text), LogitSelection.all())
                .logits());
    }

    private Tensor tensor(float[] logits) {
        int dVocab = config().dVocab();
        return Tensor.view("logits", List.of("position", "token"), List.of(logits.length / dVocab, dVocab), logits);
    }

    /** The likeliest tokens after a prompt, the likeliest first. */
    public List<LikelyToken> likeliest(String text, int k) {
        return likeliest(
                model.forward(ForwardRequest.of(tokens(text)).logits(LogitSelection.last()))
                        .logits(),
                k);
    }

    /** The likeliest tokens by the logits of the last position, {@code [position, token]}, the likeliest first. */
    public List<LikelyToken> likeliest(Tensor logits, int k) {
        return likeliest(logits.at(-1).toArray(), k);
    }

    private List<LikelyToken> likeliest(float[] logits, int k) {
        return NextToken.likeliest(logits, k).stream()
                .map(next -> new LikelyToken(
                        next.token(), tokenizer == null ? "" : tokenizer.token(next.token()), next.probability()))
                .toList();
    }

    /** How well the model predicts a text: its loss and the log-probability of each token. */
    public PromptLoss loss(String text) {
        return PromptLoss.of(model, tokens(text));
    }

    /** A generator that ends where a text ends: for sampling, {@code generator().sampling(Sampling.seeded(7))}. */
    public Generator generator() {
        return Generator.of(model).stopAt(ends);
    }

    /** Continues a prompt by the likeliest token each time; returns what is new. */
    public String generate(String text, int maxNewTokens) {
        return generate(text, generator().maxNewTokens(maxNewTokens), Interventions.of(List.of()));
    }

    /** As {@link #generate(String, int)}, under interventions, which go on through what is generated. */
    public String generate(String text, int maxNewTokens, Interventions edits) {
        return generate(text, generator().maxNewTokens(maxNewTokens), edits);
    }

    /**
     * Continues a prompt under interventions; returns what is new, without the token that ends the text.
     *
     * @param generator with this model
     */
    public String generate(String text, Generator generator, Interventions edits) {
        int[] tokens = EditedModel.of(model, edits)
                .generate(generator, prompts(text), (sequence, token) -> {})
                .getFirst();
        int[] kept = IntStream.of(tokens).filter(token -> !ends.contains(token)).toArray();
        return tokenizer().decode(kept);
    }

    /** Closes the model. */
    @Override
    public void close() {
        model.close();
    }

    /** Its name and sizes. */
    @Override
    public String toString() {
        Gpt2Config config = config();
        return String.format(
                Locale.ROOT,
                "%s: %d layers, %d heads, dModel %d, dMlp %d, %d positions, %,d tokens",
                name,
                config.nLayers(),
                config.nHeads(),
                config.dModel(),
                config.dMlp(),
                config.nCtx(),
                config.dVocab());
    }
}
