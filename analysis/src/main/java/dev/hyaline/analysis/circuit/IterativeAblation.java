package dev.hyaline.analysis.circuit;

import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.RecordText;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * The classic way to a circuit: ablate one component after the other, keep as essential those without which the task
 * suffers too much, and see whether they are enough by themselves. A component is ablated by replacing all that it
 * writes. The task suffers too much where faithfulness, 1 of the whole model and 0 with everything ablated, falls below
 * a threshold.
 *
 * @param components the components, in the order of a pass
 * @param necessity what is lost of faithfulness without each component alone
 * @param single those essential when ablated alone
 * @param fromLogits those essential when what was not missed stays ablated, from the logits back
 * @param byEffect the same, from the least loss alone to the largest
 */
public record IterativeAblation(
        List<Node> components, double[] necessity, Outcome single, Outcome fromLogits, Outcome byEffect) {
    /**
     * The components that one way found, and what they are worth.
     *
     * @param essential in the order of a pass
     * @param sufficiency faithfulness of them and the input alone
     * @param without faithfulness of the model without them
     * @param completeness the largest distance, over the essential components, between the faithfulness of the circuit
     *     without the component and that of the model without it
     * @param minimality what is lost of the circuit's faithfulness without each essential component
     */
    public record Outcome(
            List<Node> essential, double sufficiency, double without, double completeness, double[] minimality) {
        @Override
        public String toString() {
            return RecordText.of(this);
        }
    }

    /** Every head and MLP. */
    public static List<Node> headsAndMlps(CircuitExperiment experiment) {
        return experiment.index().senders().stream()
                .filter(node -> !(node instanceof Node.InputNode))
                .toList();
    }

    /**
     * Goes through components.
     *
     * @param components nodes that write; what is none of them is never ablated
     * @param threshold faithfulness below which the task has suffered too much, such as .9
     * @throws BadInputException if a component is the logits, there is none, or the metric is the same with every edge
     *     and with none
     */
    public static IterativeAblation run(CircuitExperiment experiment, Collection<Node> components, double threshold) {
        if (components.isEmpty() || components.contains(Node.logits())) {
            throw new BadInputException(
                    "components to ablate are nodes that write: input, heads and MLPs, found " + components);
        }
        if (!Double.isFinite(threshold)) {
            throw new BadInputException("the threshold must be a finite number, found " + threshold);
        }
        return new Search(experiment, components, threshold).run();
    }

    private static final class Search {
        private final CircuitExperiment experiment;
        private final List<Node> components;
        private final double threshold;
        private final double full;
        private final double empty;

        Search(CircuitExperiment experiment, Collection<Node> components, double threshold) {
            this.experiment = experiment;
            this.components = experiment.index().senders().stream()
                    .filter(Set.copyOf(components)::contains)
                    .toList();
            this.threshold = threshold;
            double[][] ends = experiment.measure(List.of(experiment.full(), experiment.empty()));
            full = CircuitExperiment.mean(ends[0]);
            empty = CircuitExperiment.mean(ends[1]);
        }

        IterativeAblation run() {
            double[] alone = faithfulness(
                    components.stream().map(node -> ablated(List.of(node))).toList());
            double[] necessity = Arrays.stream(alone).map(f -> 1 - f).toArray();
            List<Node> single = IntStream.range(0, alone.length)
                    .filter(i -> alone[i] < threshold)
                    .mapToObj(components::get)
                    .toList();
            List<Node> back = new ArrayList<>(components);
            Collections.reverse(back);
            List<Node> byEffect = IntStream.range(0, alone.length)
                    .boxed()
                    .sorted(Comparator.comparingDouble(i -> necessity[i]))
                    .map(components::get)
                    .toList();
            return new IterativeAblation(
                    components, necessity, outcome(single), outcome(cumulative(back)), outcome(cumulative(byEffect)));
        }

        /** The components that cannot go once all that can before them have gone. */
        private List<Node> cumulative(List<Node> order) {
            List<Node> gone = new ArrayList<>();
            Set<Node> essential = new LinkedHashSet<>();
            for (Node node : order) {
                gone.add(node);
                if (faithfulness(List.of(ablated(gone)))[0] < threshold) {
                    gone.removeLast();
                    essential.add(node);
                }
            }
            return components.stream().filter(essential::contains).toList();
        }

        private Outcome outcome(List<Node> essential) {
            Set<Node> others = new LinkedHashSet<>(components);
            others.removeAll(essential);
            Circuit circuit = ablated(others);
            List<Circuit> runs = new ArrayList<>(List.of(circuit, ablated(essential)));
            for (Node node : essential) {
                runs.add(without(circuit, List.of(node)));
                runs.add(ablated(List.of(node)));
            }
            double[] found = faithfulness(runs);
            double[] minimality = new double[essential.size()];
            double farthest = 0;
            for (int i = 0; i < minimality.length; i++) {
                minimality[i] = found[0] - found[2 + 2 * i];
                farthest = Math.max(farthest, Math.abs(found[2 + 2 * i] - found[3 + 2 * i]));
            }
            return new Outcome(essential, found[0], found[1], farthest, minimality);
        }

        /** The model with some nodes ablated. */
        private Circuit ablated(Collection<Node> nodes) {
            return without(experiment.full(), nodes);
        }

        private static Circuit without(Circuit circuit, Collection<Node> nodes) {
            Set<Node> gone = Set.copyOf(nodes);
            List<Edge> written = circuit.edges().stream()
                    .filter(edge -> gone.contains(edge.sender()))
                    .toList();
            return circuit.without(written);
        }

        private double[] faithfulness(List<Circuit> circuits) {
            return Arrays.stream(experiment.measure(circuits))
                    .mapToDouble(values ->
                            CircuitCurve.faithfulness(experiment, CircuitExperiment.mean(values), full, empty))
                    .toArray();
        }
    }

    /** The circuit that ablating all other components leaves. */
    public Circuit circuit(CircuitExperiment experiment, Collection<Node> essential) {
        Set<Node> others = new LinkedHashSet<>(components);
        others.removeAll(essential);
        return Search.without(experiment.full(), others).pruned();
    }

    /**
     * The components about which the ways disagree: most often backups, which are missed only when what they back up is
     * gone.
     */
    public List<Node> disputed() {
        return components.stream()
                .filter(node -> {
                    boolean alone = single.essential.contains(node);
                    return alone != fromLogits.essential.contains(node) || alone != byEffect.essential.contains(node);
                })
                .toList();
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
