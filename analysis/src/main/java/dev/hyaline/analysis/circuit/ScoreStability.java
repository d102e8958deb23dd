package dev.hyaline.analysis.circuit;

import dev.hyaline.analysis.statistics.association.Correlation;
import dev.hyaline.analysis.statistics.association.Stability;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.CounterRandom;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The dependence of a circuit on the pairs that its scores come from. Costs no run: the scores of every pair are kept.
 *
 * @param bootstrap circuits from pairs drawn with replacement
 * @param halves Jaccard's index of the circuits from the first and the second half of the pairs, in a drawn order
 * @param halvesSpearman rank correlation of the scores of the two halves; NaN if either has no spread
 */
public record ScoreStability(Stability bootstrap, double halves, double halvesSpearman) {
    /** Most rounds: each is a circuit that is kept. */
    public static final int MAX_ROUNDS = 10_000;

    /**
     * Draws pairs and selects again.
     *
     * @param n edges of a circuit
     * @param rounds draws with replacement
     * @throws BadInputException if the scores are not kept by pair, there are fewer than two pairs, or fewer than two
     *     or more than {@value #MAX_ROUNDS} rounds
     */
    public static ScoreStability measure(EdgeScores scores, CircuitSelection selection, int n, int rounds, long seed) {
        return measure(scores, of -> selection.select(of, n), rounds, seed);
    }

    /**
     * Draws pairs and selects again, in any way.
     *
     * @param selection from scores to a circuit
     * @throws BadInputException as {@link #measure(EdgeScores, CircuitSelection, int, int, long)}
     */
    public static ScoreStability measure(
            EdgeScores scores, Function<EdgeScores, Circuit> selection, int rounds, long seed) {
        int pairs = scores.pairs();
        if (pairs < 2) {
            throw new BadInputException(
                    "stability needs the scores of two pairs, found " + pairs + " pairs of " + scores.method());
        }
        if (rounds < 2 || rounds > MAX_ROUNDS) {
            throw new BadInputException("stability needs from 2 to " + MAX_ROUNDS + " rounds, found " + rounds);
        }
        CounterRandom random = CounterRandom.of(seed).named("stability of scores");
        int[][] drawn = IntStream.range(0, rounds)
                .mapToObj(round -> IntStream.range(0, pairs)
                        .map(draw -> random.with(round).index(draw, pairs))
                        .toArray())
                .toArray(int[][]::new);
        int[] order = random.named("halves").permutation(pairs);
        EdgeScores first = scores.ofSome(Arrays.copyOf(order, pairs / 2));
        EdgeScores second = scores.ofSome(Arrays.copyOfRange(order, pairs / 2, pairs));
        return new ScoreStability(
                ofDraws(scores, selection, drawn),
                selection.apply(first).jaccard(selection.apply(second)),
                Correlation.spearman(first.values(), second.values())
                        .map(Correlation.Spearman::rho)
                        .orElse(Double.NaN));
    }

    /** The circuits of given draws against that of all pairs. */
    static Stability ofDraws(EdgeScores scores, Function<EdgeScores, Circuit> selection, int[][] drawn) {
        List<Set<String>> resamples = Arrays.stream(drawn)
                .map(draw -> names(selection.apply(scores.ofSome(draw))))
                .toList();
        return Stability.of(names(selection.apply(scores)), resamples);
    }

    private static Set<String> names(Circuit circuit) {
        return circuit.edges().stream().map(Object::toString).collect(Collectors.toSet());
    }
}
