package dev.hyaline.analysis.prompt;

import dev.hyaline.engine.error.BadInputException;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Tokens that random sequences are drawn from; those that begin prompts are not among them. */
public final class RandomTokens {
    private final int[] pool;

    private RandomTokens(IntStream pool, PromptEncoder encoder) {
        this.pool = pool.filter(token -> !encoder.before().contains(token))
                .distinct()
                .toArray();
    }

    /** All tokens of the vocabulary. */
    public static RandomTokens ofVocabulary(PromptEncoder encoder) {
        return new RandomTokens(IntStream.range(0, encoder.vocabularySize()), encoder);
    }

    /** The built-in words that are one token after a blank. */
    public static RandomTokens ofWords(PromptEncoder encoder) {
        return ofWords(encoder, WordLists.read(encoder));
    }

    static RandomTokens ofWords(PromptEncoder encoder, WordLists words) {
        Stream<String> all = Stream.of(
                        words.femaleNames(), words.maleNames(), words.places(), words.objects(), words.events())
                .flatMap(List::stream);
        return new RandomTokens(all.mapToInt(word -> encoder.token(" " + word)), encoder);
    }

    /**
     * Draws tokens that all differ.
     *
     * @throws BadInputException if there are too few
     */
    public int[] distinct(int count, SplittableRandom random) {
        if (pool.length < count) {
            throw new BadInputException(
                    "there are " + pool.length + " tokens to draw " + count + " different ones from");
        }
        Set<Integer> drawn = new LinkedHashSet<>();
        while (drawn.size() < count) {
            drawn.add(pool[random.nextInt(pool.length)]);
        }
        return drawn.stream().mapToInt(Integer::intValue).toArray();
    }

    /**
     * A sequence of tokens that all differ, given twice, after the tokens that begin prompts if there are any:
     * {@code [begin, x1 ... xn, x1 ... xn]}.
     */
    public int[] repeated(int length, PromptEncoder encoder, SplittableRandom random) {
        int[] once = distinct(length, random);
        return Stream.of(encoder.beginning(), Arrays.stream(once), Arrays.stream(once))
                .flatMapToInt(part -> part)
                .toArray();
    }

    @Override
    public String toString() {
        return "random tokens from a pool of " + pool.length;
    }
}
