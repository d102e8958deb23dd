package dev.hyaline.analysis.circuit;

import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.internal.Draws;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.RecordText;
import dev.hyaline.instrument.CounterRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * The metric of a circuit by itself, and of the model without it, by pair (Wang et al. 2022).
 *
 * @param circuit the edges that are kept
 * @param full the metric of the whole model
 * @param empty the metric with every edge ablated
 * @param kept the metric of the circuit alone: sufficiency
 * @param complement the metric of the model without the circuit's edges
 * @param faithfulness the share of the distance from empty to full that the circuit restores, means over pairs first
 * @param complementFaithfulness the same of the complement
 */
public record CircuitEvaluation(
        Circuit circuit,
        double[] full,
        double[] empty,
        double[] kept,
        double[] complement,
        double faithfulness,
        double complementFaithfulness) {

    /**
     * Measures a circuit.
     *
     * @throws BadInputException if the metric is the same with every edge and with none
     */
    public static CircuitEvaluation measure(CircuitExperiment experiment, Circuit circuit) {
        double[][] measured =
                experiment.measure(List.of(experiment.full(), experiment.empty(), circuit, circuit.complement()));
        double full = CircuitExperiment.mean(measured[0]);
        double empty = CircuitExperiment.mean(measured[1]);
        return new CircuitEvaluation(
                circuit,
                measured[0],
                measured[1],
                measured[2],
                measured[3],
                CircuitCurve.faithfulness(experiment, CircuitExperiment.mean(measured[2]), full, empty),
                CircuitCurve.faithfulness(experiment, CircuitExperiment.mean(measured[3]), full, empty));
    }

    /** The mean metric of the circuit alone. */
    public double meanKept() {
        return CircuitExperiment.mean(kept);
    }

    /** The mean metric of the model without the circuit's edges. */
    public double meanComplement() {
        return CircuitExperiment.mean(complement);
    }

    public double meanFull() {
        return CircuitExperiment.mean(full);
    }

    public double meanEmpty() {
        return CircuitExperiment.mean(empty);
    }

    /**
     * What taking some of a circuit's edges away does to the circuit and to the model. A circuit that has all that
     * matters does as badly without them as the model.
     *
     * @param removed the edges taken away
     * @param circuitWithout the mean metric of the circuit without them
     * @param modelWithout the mean metric of the model without them
     */
    public record Completeness(List<Edge> removed, double circuitWithout, double modelWithout) {
        /** The distance between the two: 0 of a complete circuit. */
        public double incompleteness() {
            return Math.abs(circuitWithout - modelWithout);
        }
    }

    /**
     * Completeness with regard to sets of edges, each taken away by itself.
     *
     * @throws BadInputException if the circuit lacks one of the edges
     */
    public static List<Completeness> completeness(
            CircuitExperiment experiment, Circuit circuit, List<? extends List<Edge>> sets) {
        List<Circuit> runs = new ArrayList<>();
        for (List<Edge> removed : sets) {
            for (Edge edge : removed) {
                if (!circuit.contains(edge)) {
                    throw new BadInputException("the circuit has no edge " + edge + " to take away");
                }
            }
            runs.add(circuit.without(removed));
            runs.add(experiment.full().without(removed));
        }
        double[][] measured = experiment.measure(runs);
        List<Completeness> found = new ArrayList<>();
        for (int i = 0; i < sets.size(); i++) {
            found.add(new Completeness(
                    List.copyOf(sets.get(i)),
                    CircuitExperiment.mean(measured[2 * i]),
                    CircuitExperiment.mean(measured[2 * i + 1])));
        }
        return found;
    }

    /**
     * Random sets of a circuit's edges, each edge in each set with a chance of a half (Wang et al. 2022).
     *
     * @throws BadInputException if no set or more than a million are asked for
     */
    public static List<List<Edge>> randomSets(Circuit circuit, int count, long seed) {
        Draws.require("completeness needs", "random set", 1, count);
        CounterRandom random = CounterRandom.of(seed).named("completeness");
        List<Edge> edges = circuit.edges();
        List<List<Edge>> sets = new ArrayList<>();
        for (int set = 0; set < count; set++) {
            CounterRandom flips = random.with(set);
            sets.add(IntStream.range(0, edges.size())
                    .filter(flips::flip)
                    .mapToObj(edges::get)
                    .toList());
        }
        return sets;
    }

    /**
     * The set of edges that a search of one edge at a time finds most incomplete: each step takes away the edge whose
     * removal puts the circuit and the model farthest apart, as long as that is farther than before.
     *
     * @param most edges to take away
     */
    public static Completeness worst(CircuitExperiment experiment, Circuit circuit, int most) {
        List<Edge> removed = new ArrayList<>();
        Completeness worst = completeness(experiment, circuit, List.of(removed)).getFirst();
        while (removed.size() < most) {
            List<List<Edge>> sets = new ArrayList<>();
            for (Edge edge : circuit.edges()) {
                if (!removed.contains(edge)) {
                    List<Edge> more = new ArrayList<>(removed);
                    more.add(edge);
                    sets.add(more);
                }
            }
            Completeness farthest = worst;
            for (Completeness candidate : completeness(experiment, circuit, sets)) {
                if (candidate.incompleteness() > farthest.incompleteness()) {
                    farthest = candidate;
                }
            }
            if (farthest.equals(worst)) {
                return worst;
            }
            worst = farthest;
            removed = new ArrayList<>(worst.removed);
        }
        return worst;
    }

    /**
     * By how much each edge's removal changes the mean metric of the circuit: {@code |m(C) - m(C without e)|}, in the
     * circuit's order. An edge for which that is nothing is not needed.
     */
    public static Map<Edge, Double> minimality(CircuitExperiment experiment, Circuit circuit) {
        return minimality(experiment, circuit, List.of());
    }

    /** As {@link #minimality(CircuitExperiment, Circuit)}, after some edges were taken away. */
    public static Map<Edge, Double> minimality(CircuitExperiment experiment, Circuit circuit, List<Edge> removed) {
        Circuit less = circuit.without(removed);
        List<Edge> edges = less.edges();
        List<Circuit> runs = new ArrayList<>(List.of(less));
        edges.forEach(edge -> runs.add(less.without(List.of(edge))));
        double[] means = Arrays.stream(experiment.measure(runs))
                .mapToDouble(CircuitExperiment::mean)
                .toArray();
        Map<Edge, Double> changes = new LinkedHashMap<>();
        for (int i = 0; i < edges.size(); i++) {
            changes.put(edges.get(i), Math.abs(means[0] - means[i + 1]));
        }
        return changes;
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
