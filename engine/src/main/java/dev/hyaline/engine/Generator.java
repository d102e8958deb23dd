package dev.hyaline.engine;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Probe;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * Continues prompts token by token with a cache of keys and values. Each step's logits equal those of a full pass over
 * the text so far, bit for bit. Prompts that are continued together do not influence each other; only a prompt that is
 * given again draws anew.
 *
 * <p>Immutable; each method returns a changed copy.
 */
public final class Generator {
    /** Is told each token as soon as it is drawn. */
    @FunctionalInterface
    public interface TokenListener {
        /** Called on the thread that generates; {@code sequence} is the index of the prompt. */
        void token(int sequence, int token);
    }

    /** Makes the probe of passes over some of the prompts. */
    @FunctionalInterface
    public interface ProbeOfPrompts {
        /**
         * The probe of the passes to come.
         *
         * @param prompts indices of the prompts that are the passes' sequences, in their order
         */
        Probe of(int[] prompts);
    }

    private final Gpt2 model;
    private final Sampling sampling;
    private final int maxNewTokens;
    private final Set<Integer> stopAt;
    private final ProbeOfPrompts probes;

    private Generator(Gpt2 model, Sampling sampling, int maxNewTokens, Set<Integer> stopAt, ProbeOfPrompts probes) {
        this.model = model;
        this.sampling = sampling;
        this.maxNewTokens = maxNewTokens;
        this.stopAt = stopAt;
        this.probes = probes;
    }

    /** Greedy, up to 50 tokens, without a token that ends the text. */
    public static Generator of(Gpt2 model) {
        return new Generator(model, Sampling.greedy(), 50, Set.of(), prompts -> Probe.NONE);
    }

    public Generator sampling(Sampling sampling) {
        return new Generator(model, sampling, maxNewTokens, stopAt, probes);
    }

    /** At most this many tokens a prompt; fewer when the model's positions end. */
    public Generator maxNewTokens(int maxNewTokens) {
        if (maxNewTokens < 0) {
            throw new BadInputException("new tokens must be at least 0, found " + maxNewTokens);
        }
        return new Generator(model, sampling, maxNewTokens, stopAt, probes);
    }

    /** Ends a text after this token, which is the last one returned, and after no other. */
    public Generator stopAt(int token) {
        return stopAt(List.of(token));
    }

    /** Ends a text after any of these tokens, which is the last one returned; without any, none ends it. */
    public Generator stopAt(Collection<Integer> tokens) {
        return new Generator(model, sampling, maxNewTokens, Set.copyOf(tokens), probes);
    }

    /** Watches every pass. Positions are absolute; the last token drawn is not run. */
    public Generator probe(Probe probe) {
        return probes(prompts -> probe);
    }

    /** Watches every pass with a probe that is made anew whenever the passes' sequences change. */
    public Generator probes(ProbeOfPrompts probes) {
        return new Generator(model, sampling, maxNewTokens, stopAt, probes);
    }

    public Gpt2 model() {
        return model;
    }

    /** At most as many new tokens a prompt. */
    public int maxNewTokens() {
        return maxNewTokens;
    }

    /** The new tokens of one prompt. */
    public int[] generate(int... prompt) {
        return generate(List.of(prompt), (sequence, token) -> {}).getFirst();
    }

    /** The new tokens of each prompt, continued together. */
    public List<int[]> generate(List<int[]> prompts, TokenListener listener) {
        return generate(
                prompts, prompts.stream().map(prompt -> model.newCache()).toList(), listener);
    }

    /**
     * The new tokens of each prompt, continued together from what caches hold of them; the caches are appended to.
     *
     * @throws BadInputException if there is not a cache for each prompt, or one leaves no token of its prompt to run
     */
    public List<int[]> generate(List<int[]> prompts, List<KvCache> caches, TokenListener listener) {
        if (caches.size() != prompts.size()) {
            throw new BadInputException(prompts.size() + " prompts need as many caches, found " + caches.size());
        }
        List<Text> texts = new ArrayList<>();
        Map<List<Integer>, Integer> repeats = new HashMap<>();
        for (int[] prompt : prompts) {
            int repeat = repeats.merge(Arrays.stream(prompt).boxed().toList(), 1, Integer::sum) - 1;
            // The golden ratio keeps the streams of repeats apart, as SplittableRandom's own splits do.
            SplittableRandom random = new SplittableRandom(sampling.seed() + repeat * 0x9E3779B97F4A7C15L);
            KvCache cache = caches.get(texts.size());
            if (cache.length() > 0 && cache.length() >= prompt.length) {
                throw new BadInputException("a prompt of " + prompt.length + " tokens has nothing left to run after "
                        + cache.length() + " in its cache");
            }
            texts.add(new Text(texts.size(), prompt, cache, new Sampler(sampling, random)));
        }
        List<Text> running = new ArrayList<>(texts);
        read(running, listener);
        while (!running.isEmpty()) {
            continueTogether(running, listener);
        }
        return texts.stream().map(Text::drawn).toList();
    }

    /** Runs the prompts and draws each one's first token; those that have ended are removed. */
    private void read(List<Text> running, TokenListener listener) {
        running.removeIf(this::ended);
        if (running.isEmpty()) {
            return;
        }
        List<Sequence> batch = running.stream()
                .map(text -> Sequence.append(
                        text.cache, Arrays.copyOfRange(text.tokens, text.cache.length(), text.promptLength)))
                .toList();
        ForwardResult result = model.forward(
                ForwardRequest.of(batch).logits(LogitSelection.last()).probe(probeOf(running)));
        draw(running, result.logits(), listener);
    }

    /** Steps until a text ends, and removes it. */
    private void continueTogether(List<Text> running, TokenListener listener) {
        List<KvCache> caches = running.stream().map(text -> text.cache).toList();
        Decoder decoder = Decoder.of(model, caches, probeOf(running));
        int[] tokens = new int[running.size()];
        while (running.size() == tokens.length) {
            for (int i = 0; i < tokens.length; i++) {
                tokens[i] = running.get(i).last();
            }
            draw(running, decoder.step(tokens), listener);
        }
    }

    private void draw(List<Text> running, float[] logits, TokenListener listener) {
        int n = model.config().dVocab();
        for (int i = 0; i < running.size(); i++) {
            Text text = running.get(i);
            listener.token(text.index, text.draw(logits, i * n, n));
        }
        running.removeIf(this::ended);
    }

    private Probe probeOf(List<Text> running) {
        return probes.of(running.stream().mapToInt(text -> text.index).toArray());
    }

    private boolean ended(Text text) {
        if (text.drawn == 0) {
            return maxNewTokens == 0;
        }
        int length = text.length();
        boolean stopped = stopAt.contains(text.last());
        return stopped || text.drawn >= maxNewTokens || length > model.config().nCtx();
    }

    /** A text being continued. */
    private static final class Text {
        private final int index;
        private final int promptLength;
        private final KvCache cache;
        private final Sampler sampler;
        private int[] tokens;
        private int drawn;

        Text(int index, int[] prompt, KvCache cache, Sampler sampler) {
            this.index = index;
            this.promptLength = prompt.length;
            this.cache = cache;
            this.sampler = sampler;
            this.tokens = prompt.clone();
        }

        int length() {
            return promptLength + drawn;
        }

        int last() {
            return tokens[length() - 1];
        }

        int draw(float[] logits, int at, int n) {
            int token = sampler.draw(logits, at, n);
            if (tokens.length == length()) {
                tokens = Arrays.copyOf(tokens, 2 * tokens.length);
            }
            tokens[length()] = token;
            drawn++;
            return token;
        }

        int[] drawn() {
            return Arrays.copyOfRange(tokens, promptLength, length());
        }
    }

    @Override
    public String toString() {
        return "at most " + maxNewTokens + " new tokens, " + sampling;
    }
}
