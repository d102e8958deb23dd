package dev.hyaline.analysis.statistics.association;

import dev.hyaline.analysis.internal.Draws;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.RecordText;
import dev.hyaline.instrument.CounterRandom;
import java.util.HashMap;
import java.util.Map;
import java.util.function.IntToDoubleFunction;

/**
 * What each member of a set adds, averaged over all orders in which they may join: Shapley's value. The values of all
 * members add up to the value of the whole set minus that of the empty one.
 *
 * <p>A set of players is a bit mask, bit i for player i. The value of a set is asked for once and kept.
 *
 * <p>Source: Shapley (1953); Grabisch and Roubens (1999) for pairs; Castro, Gómez and Tejada (2009) for sampled orders.
 */
public final class Shapley {
    /** Up to this many players all sets are evaluated. */
    public static final int MAX_EXACT_PLAYERS = 20;

    /** Orders customarily drawn where there are too many sets. */
    public static final int ORDERS = 2_000;

    private static final int MAX_PLAYERS = 31;

    private Shapley() {}

    /**
     * Values from sampled orders.
     *
     * @param values a player's mean gain
     * @param standardErrors of the mean over orders; NaN of one order
     */
    public record Sampled(double[] values, double[] standardErrors) {
        @Override
        public String toString() {
            return RecordText.of(this);
        }
    }

    /**
     * The exact values: Σ over sets T without i of |T|! (n-|T|-1)! / n! (v(T + i) - v(T)).
     *
     * @param game the value of a set
     * @throws BadInputException if there are not from 1 to {@value #MAX_EXACT_PLAYERS} players
     */
    public static double[] values(int players, IntToDoubleFunction game) {
        double[] value = table(players, game);
        double[] weights = weights(players - 1);
        double[] shapley = new double[players];
        for (int i = 0; i < players; i++) {
            for (int set = 0; set < value.length; set++) {
                if ((set >> i & 1) == 0) {
                    shapley[i] += weights[Integer.bitCount(set)] * (value[set | 1 << i] - value[set]);
                }
            }
        }
        return shapley;
    }

    /**
     * The interaction index of each pair: Σ over sets T without i and j of |T|! (n-|T|-2)! / (n-1)! (v(T+i+j) - v(T+i)
     * - v(T+j) + v(T)). Below 0 the two can stand in for each other, above 0 they need each other. The diagonal is 0.
     *
     * @param game the value of a set
     * @throws BadInputException if there are not from 1 to {@value #MAX_EXACT_PLAYERS} players
     */
    public static double[][] interactions(int players, IntToDoubleFunction game) {
        double[] value = table(players, game);
        double[] weights = players < 2 ? new double[0] : weights(players - 2);
        double[][] index = new double[players][players];
        for (int i = 0; i < players; i++) {
            for (int j = 0; j < i; j++) {
                int both = 1 << i | 1 << j;
                double sum = 0;
                for (int set = 0; set < value.length; set++) {
                    if ((set & both) == 0) {
                        sum += weights[Integer.bitCount(set)]
                                * (value[set | both] - value[set | 1 << i] - value[set | 1 << j] + value[set]);
                    }
                }
                index[i][j] = sum;
                index[j][i] = sum;
            }
        }
        return index;
    }

    /**
     * Values from orders that are drawn: order b is {@code random.with(b).permutation(players)}. In every order the
     * gains add up to the whole, so their means do too.
     *
     * @param game the value of a set
     * @throws BadInputException if there are not from 1 to 31 players, or there are none or more than a million orders
     */
    public static Sampled sampled(int players, IntToDoubleFunction game, int orders, CounterRandom random) {
        requirePlayers(players, MAX_PLAYERS);
        Draws.require("Shapley values are sampled from", "order", 1, orders);
        Map<Integer, Double> known = new HashMap<>();
        double[] sums = new double[players];
        double[] squares = new double[players];
        for (int b = 0; b < orders; b++) {
            int set = 0;
            double before = known.computeIfAbsent(0, game::applyAsDouble);
            for (int player : random.with(b).permutation(players)) {
                set |= 1 << player;
                double after = known.computeIfAbsent(set, game::applyAsDouble);
                sums[player] += after - before;
                squares[player] += (after - before) * (after - before);
                before = after;
            }
        }
        double[] errors = new double[players];
        for (int i = 0; i < players; i++) {
            sums[i] /= orders;
            double variance = Math.max(0, squares[i] - orders * sums[i] * sums[i]) / (orders - 1);
            errors[i] = Math.sqrt(variance / orders);
        }
        return new Sampled(sums, errors);
    }

    private static double[] table(int players, IntToDoubleFunction game) {
        requirePlayers(players, MAX_EXACT_PLAYERS);
        double[] value = new double[1 << players];
        for (int set = 0; set < value.length; set++) {
            value[set] = game.applyAsDouble(set);
        }
        return value;
    }

    private static void requirePlayers(int players, int most) {
        if (players < 1 || players > most) {
            throw new BadInputException("a game has from 1 to " + most + " players, found " + players);
        }
    }

    /** k! (others - k)! / (others + 1)! by k. */
    private static double[] weights(int others) {
        double[] weights = new double[others + 1];
        double choose = 1;
        for (int k = 0; k <= others; k++) {
            weights[k] = 1 / ((others + 1) * choose);
            choose = choose * (others - k) / (k + 1);
        }
        return weights;
    }
}
