package dev.hyaline.analysis.prompt;

import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.model.LanguageModel;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The pairs of a study, checked against a model. Immutable. */
public final class PromptPairs {
    private final List<PromptPair> pairs;
    private final IntFunction<String> labels;

    private PromptPairs(List<PromptPair> pairs, IntFunction<String> labels) {
        this.pairs = List.copyOf(pairs);
        this.labels = labels;
    }

    /**
     * Pairs of prompts.
     *
     * @throws BadInputException if there is none, or one holds a token that the model does not know or is too long for
     *     it
     */
    public static PromptPairs of(Gpt2Config config, List<PromptPair> pairs) {
        if (pairs.isEmpty()) {
            throw new BadInputException("there is no pair of prompts");
        }
        for (PromptPair pair : pairs) {
            Prompts.of(
                    config,
                    List.of(pair.clean(), pair.corrupted()),
                    List.of(pair.name() + " (clean)", pair.name() + " (corrupted)"));
            Stream.of(pair.answers(), pair.distractors())
                    .flatMapToInt(Arrays::stream)
                    .forEach(token -> {
                        if (token < 0 || token >= config.dVocab()) {
                            throw new BadInputException(Printable.plain(pair.name()) + ": the answer or distractor "
                                    + token + " is outside the vocabulary, which runs from 0 to "
                                    + (config.dVocab() - 1));
                        }
                    });
        }
        return new PromptPairs(pairs, token -> "");
    }

    /**
     * Pairs of a task, drawn for a model's vocabulary, each prompt begun as the command begins it.
     *
     * @throws BadInputException if {@code count} is not positive or too large, or the vocabulary lacks words that the
     *     task needs
     */
    public static PromptPairs draw(LanguageModel model, Task task, int count, long seed) {
        return of(model.config(), task.draw(PromptEncoder.of(model.tokenizer(), true), count, seed))
                .withTokensOf(model);
    }

    /**
     * One pair of texts of one length.
     *
     * @param answer the token that is right after the clean text, with its leading blank
     * @param distractor the token that is wrong there
     * @throws BadInputException if the texts differ in length, or an answer is not one token
     */
    public static PromptPairs of(
            LanguageModel model, String clean, String corrupted, String answer, String distractor) {
        PromptPair pair = new PromptPair(
                clean,
                model.tokens(clean),
                model.tokens(corrupted),
                new int[] {model.token(answer)},
                new int[] {model.token(distractor)},
                Map.of());
        return of(model.config(), List.of(pair)).withTokensOf(model);
    }

    /**
     * The same pairs, whose tables name positions by their token too, where all clean prompts have the same. Pairs made
     * for a {@link LanguageModel} know its tokens already.
     *
     * @throws BadInputException if the model has no tokenizer
     */
    public PromptPairs withTokensOf(LanguageModel model) {
        return new PromptPairs(pairs, PromptEncoder.labels(model.tokenizer()));
    }

    /**
     * A token as labels name it: its text without blanks around it, or {@code #} and its id if it has none; empty if
     * the pairs do not know the tokens.
     */
    public String label(int token) {
        return labels.apply(token);
    }

    public List<PromptPair> list() {
        return pairs;
    }

    /**
     * A pair by index.
     *
     * @throws BadInputException if there is none
     */
    public PromptPair get(int pair) {
        return pairs.get(BadInputException.requireIndex("pair", pair, pairs.size()));
    }

    public int size() {
        return pairs.size();
    }

    /** The pairs' names, which may repeat. */
    public List<String> names() {
        return pairs.stream().map(PromptPair::name).toList();
    }

    /** The units of the pairs; empty unless every pair knows its own. */
    public Optional<Units> units() {
        return grouped(PromptPair::unit);
    }

    /** The stratum of each pair; empty unless every pair knows its own. */
    public Optional<Units> strata() {
        return grouped(PromptPair::stratum);
    }

    private Optional<Units> grouped(Function<PromptPair, @Nullable String> group) {
        List<String> known = pairs.stream().map(group).filter(Objects::nonNull).toList();
        return known.size() == pairs.size() ? Optional.of(Units.of(known)) : Optional.empty();
    }

    /**
     * The number of tokens that every prompt has.
     *
     * @throws BadInputException if they differ, naming two
     */
    public int commonLength() {
        PromptPair first = pairs.getFirst();
        for (PromptPair pair : pairs) {
            if (pair.length() != first.length()) {
                throw new BadInputException("positions face each other only in prompts of one length, but '"
                        + Printable.plain(first.name()) + "' has " + first.length() + " tokens and '"
                        + Printable.plain(pair.name()) + "' "
                        + pair.length() + "; name positions by their roles instead");
            }
        }
        return first.length();
    }

    /** The roles that every pair has, {@code end} included. */
    public Set<String> roles() {
        Set<String> roles = new TreeSet<>(pairs.getFirst().roles().keySet());
        pairs.forEach(pair -> roles.retainAll(pair.roles().keySet()));
        roles.add(PromptPair.END);
        return roles;
    }

    /** The clean prompts. */
    public Prompts clean(Gpt2Config config) {
        return Prompts.of(config, pairs.stream().map(PromptPair::clean).toList(), names());
    }

    /** The corrupted prompts. */
    public Prompts corrupted(Gpt2Config config) {
        return Prompts.of(config, pairs.stream().map(PromptPair::corrupted).toList(), names());
    }

    /** Clean and corrupted prompts exchanged, answers and distractors too. */
    public PromptPairs swapped() {
        return new PromptPairs(pairs.stream().map(PromptPair::swapped).toList(), labels);
    }

    /** Returns whether the other is the same pairs in the same order. */
    @Override
    public boolean equals(Object other) {
        return other instanceof PromptPairs those && pairs.equals(those.pairs);
    }

    @Override
    public int hashCode() {
        return pairs.hashCode();
    }

    /** How many they are, and their names. */
    @Override
    public String toString() {
        return Printable.plural(size(), "pair") + ": " + Printable.listed(names());
    }
}
