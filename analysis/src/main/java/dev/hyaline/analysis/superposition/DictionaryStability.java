package dev.hyaline.analysis.superposition;

import dev.hyaline.analysis.sparse.measure.DictionarySimilarity;
import dev.hyaline.instrument.CounterRandom;

/**
 * How much of a dictionary another one has: the mean over atoms of the largest signed cosine with one of the other
 * (MMCS), in both directions, and the same of random directions.
 *
 * @param first name of a dictionary
 * @param second name of another
 * @param mmcs from the first to the second
 * @param back from the second to the first
 * @param shareAbove share of the first's atoms that have one in the second with a cosine above {@link #ALIKE}
 * @param random MMCS from random directions, as many as the first has, to the second
 */
public record DictionaryStability(
        String first, String second, double mmcs, double back, double shareAbove, double random) {
    /** The cosine above which atoms count as the same. */
    public static final double ALIKE = 0.7;

    static DictionaryStability between(
            String first, float[] firstRows, String second, float[] secondRows, int d, long seed) {
        DictionarySimilarity there = DictionarySimilarity.between(firstRows, secondRows, d);
        return new DictionaryStability(
                first,
                second,
                there.mmcs(),
                DictionarySimilarity.between(secondRows, firstRows, d).mmcs(),
                there.shareAbove(ALIKE),
                DictionarySimilarity.between(random(firstRows.length / d, d, seed), secondRows, d)
                        .mmcs());
    }

    /** Random directions, {@code [count, d]}. */
    static float[] random(int count, int d, long seed) {
        CounterRandom random = CounterRandom.of(seed).named("superposition/random-directions");
        float[] rows = new float[count * d];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = (float) random.gaussian(i);
        }
        return rows;
    }
}
