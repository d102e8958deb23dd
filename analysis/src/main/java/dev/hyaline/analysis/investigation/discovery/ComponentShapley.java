package dev.hyaline.analysis.investigation.discovery;

import dev.hyaline.analysis.causal.ShapleyValues;
import dev.hyaline.analysis.internal.Draws;
import dev.hyaline.analysis.investigation.ClaimComponent;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.Treatment;
import dev.hyaline.analysis.statistics.association.Shapley;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.RecordText;
import dev.hyaline.instrument.CounterRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Shapley values of members of a circuit for keeping them: a set is worth the mean metric with it and the other members
 * kept alone. They add up to what the members add together.
 *
 * @param values by player, in the metric's unit
 * @param interactions the index of Grabisch and Roubens of each two, a row for each player; empty where orders were
 *     drawn
 * @param standardErrors of values over the orders that were drawn; empty where all sets were measured
 * @param whole the mean metric with all players kept less that with none
 */
public record ComponentShapley(
        List<ClaimComponent> players,
        List<Double> values,
        List<List<Double>> interactions,
        List<Double> standardErrors,
        double whole) {
    /** The most players. */
    public static final int MAX_PLAYERS = 31;

    public ComponentShapley {
        players = List.copyOf(players);
        values = List.copyOf(values);
        interactions = List.copyOf(interactions);
        standardErrors = List.copyOf(standardErrors);
    }

    /** By how much the values miss the whole: the check that they are conserved. */
    public double sumError() {
        return Math.abs(values.stream().mapToDouble(Double::doubleValue).sum() - whole);
    }

    /**
     * Measures players: all their sets up to {@value ShapleyValues#MAX_EXACT}, else those along {@value Shapley#ORDERS}
     * orders.
     *
     * @param players some or all members of the circuit
     * @param circuit whose other members are kept throughout
     * @param random the numbers of the orders
     * @throws BadInputException if there are not from 1 to {@value #MAX_PLAYERS} players, or one is no member
     */
    public static ComponentShapley measure(
            Evidence evidence,
            List<ClaimComponent> players,
            List<ClaimComponent> circuit,
            Treatment.KeepOnly keep,
            CounterRandom random) {
        return measure(evidence, players, circuit, keep, Shapley.ORDERS, random);
    }

    /**
     * Measures players along a number of orders; all their sets where these are no more than the orders may need.
     *
     * @param players some or all members of the circuit
     * @param circuit whose other members are kept throughout
     * @param orders to draw
     * @param random the numbers of the orders
     * @throws BadInputException if there are not from 1 to {@value #MAX_PLAYERS} players, one is no member, or there
     *     are none or more than a million orders
     */
    public static ComponentShapley measure(
            Evidence evidence,
            List<ClaimComponent> players,
            List<ClaimComponent> circuit,
            Treatment.KeepOnly keep,
            int orders,
            CounterRandom random) {
        Draws.require("Shapley values are sampled from", "order", 1, orders);
        int n = players.size();
        if (n < 1 || n > MAX_PLAYERS) {
            throw new BadInputException("Shapley values are of 1 to " + MAX_PLAYERS + " components, found " + n);
        }
        for (ClaimComponent player : players) {
            if (!circuit.contains(player)) {
                throw new BadInputException(player + " is no member of the circuit " + circuit);
            }
        }
        List<ClaimComponent> others = new ArrayList<>(circuit);
        others.removeAll(players);
        boolean exact = n <= ShapleyValues.MAX_EXACT && 1 << n <= (long) orders * n;
        Set<Integer> asked = new TreeSet<>();
        if (exact) {
            for (int set = 0; set < 1 << n; set++) {
                asked.add(set);
            }
        } else {
            Shapley.sampled(
                    n,
                    set -> {
                        asked.add(set);
                        return 0;
                    },
                    orders,
                    random);
        }
        int[] sets = asked.stream().mapToInt(Integer::intValue).toArray();
        List<List<ClaimComponent>> kept = new ArrayList<>();
        for (int set : sets) {
            List<ClaimComponent> members = new ArrayList<>(others);
            for (int i = 0; i < n; i++) {
                if ((set >> i & 1) != 0) {
                    members.add(players.get(i));
                }
            }
            kept.add(members);
        }
        double[] worth = Arrays.stream(evidence.runEach(keep, kept))
                .mapToDouble(values -> Arrays.stream(values).sum() / values.length)
                .toArray();
        double whole = worth[worth.length - 1] - worth[0];
        if (exact) {
            double[][] index = n > 1 ? Shapley.interactions(n, set -> worth[set]) : new double[0][];
            return new ComponentShapley(
                    players,
                    boxed(Shapley.values(n, set -> worth[set])),
                    Arrays.stream(index).map(ComponentShapley::boxed).toList(),
                    List.of(),
                    whole);
        }
        Shapley.Sampled sampled = Shapley.sampled(n, set -> worth[Arrays.binarySearch(sets, set)], orders, random);
        return new ComponentShapley(
                players, boxed(sampled.values()), List.of(), boxed(sampled.standardErrors()), whole);
    }

    private static List<Double> boxed(double[] values) {
        return Arrays.stream(values).boxed().toList();
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
