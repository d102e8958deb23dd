package dev.hyaline.analysis.circuit;

import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.internal.Draws;
import dev.hyaline.analysis.statistics.Adjustment;
import dev.hyaline.analysis.statistics.Proportion;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.analysis.statistics.association.Hsic;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.CounterRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Hypothesis tests of what is claimed of circuits (Shi et al. 2024), with the share of pairs where their code passes a
 * mean difference. Small p values speak against each test's null hypothesis.
 */
public final class CircuitClaims {
    /** The quantile of random circuits and edges that a claim must exceed. */
    private static final double QUANTILE = 0.9;

    private CircuitClaims() {}

    /**
     * The test whether the circuit does as well as the model.
     *
     * @param better the share of pairs on which the circuit's metric exceeds the model's, ties counting half a pair,
     *     rounded down
     * @param differenceP against the hypothesis that the chance of that is within {@code margin} of a half: small where
     *     the circuit differs
     * @param equivalenceP two one-sided tests against the hypothesis that it is not: small where the circuit is as good
     */
    public record ModelEquivalence(Proportion better, double margin, double differenceP, double equivalenceP) {}

    /**
     * Tests whether a circuit does as well as the model.
     *
     * @param margin of the chance around a half, such as .1
     * @throws BadInputException if the margin is not between 0 and a half
     */
    public static ModelEquivalence equivalence(CircuitEvaluation evaluation, double margin) {
        if (!(margin > 0 && margin < 0.5)) {
            throw new BadInputException("the margin of equivalence lies between 0 and 0.5, found " + margin);
        }
        int n = evaluation.full().length;
        int twice = 0;
        for (int pair = 0; pair < n; pair++) {
            twice += Integer.signum(
                            Double.compare(evaluation.kept()[pair], evaluation.full()[pair]))
                    + 1;
        }
        int k = Math.floorDiv(twice, 2);
        double distance = Math.abs(k - n / 2.0);
        double high = 0.5 + margin;
        int upper = (int) Math.ceil(n / 2.0 + distance);
        int lower = (int) Math.floor(n / 2.0 - distance);
        double difference = distance == 0
                ? 1
                : new Proportion(upper, n).against(high).greater()
                        + new Proportion(lower, n).against(high).less();
        Proportion better = new Proportion(k, n);
        double equivalence = Math.max(
                better.against(0.5 - margin).greater(), better.against(high).less());
        return new ModelEquivalence(better, margin, Math.min(1, difference), equivalence);
    }

    /**
     * Tests whether what the model does without the circuit depends on what it does with it: a small p says that the
     * circuit leaves some of the task behind.
     */
    public static Hsic independence(CircuitEvaluation evaluation, long seed) {
        int n = evaluation.full().length;
        return Hsic.test(
                evaluation.complement(),
                evaluation.full(),
                Units.of(Collections.nCopies(n, "all")),
                Hsic.DRAWS,
                CounterRandom.of(seed).named("independence of the complement"));
    }

    /**
     * The least number of draws with which {@link #minimality} can speak for an edge: with fewer, the p value of one
     * that exceeds every random edge stays above the level after Holm's adjustment.
     *
     * @param edges of the circuit
     * @param level such as .05
     */
    public static int minDraws(int edges, double level) {
        return (int) Math.ceil(Math.log(level / Math.max(1, edges)) / Math.log(QUANTILE)) + 1;
    }

    /**
     * Tests whether each edge of a circuit matters more than edges that have no place in it: how many of some random
     * edges, added to the circuit, change its metric by less than the edge's removal does. The hypothesis is that an
     * edge exceeds nine tenths of them at most.
     *
     * @param draws random edges
     * @return p values by edge, adjusted by Holm over the circuit's edges
     * @throws BadInputException if the circuit is empty or has every edge, or there are none or more than a million
     *     draws
     */
    public static Map<Edge, Double> minimality(CircuitExperiment experiment, Circuit circuit, int draws, long seed) {
        List<Edge> others = circuit.complement().edges();
        if (others.isEmpty() || circuit.size() == 0) {
            throw new BadInputException("minimality needs edges in the circuit and others, found " + circuit.size()
                    + " of " + circuit.graphSize());
        }
        Draws.require("minimality needs", "random edge", 1, draws);
        CounterRandom random = CounterRandom.of(seed).named("minimality");
        List<Circuit> runs = new ArrayList<>(List.of(circuit));
        circuit.edges().forEach(edge -> runs.add(circuit.without(List.of(edge))));
        for (int draw = 0; draw < draws; draw++) {
            runs.add(circuit.with(List.of(others.get(random.index(draw, others.size())))));
        }
        double[] means = means(experiment, runs);
        int size = circuit.size();
        double[] p = new double[size];
        for (int e = 0; e < size; e++) {
            double change = Math.abs(means[0] - means[e + 1]);
            int exceeded = (int) IntStream.range(size + 1, means.length)
                    .filter(run -> Math.abs(means[run] - means[0]) < change)
                    .count();
            p[e] = new Proportion(exceeded, draws).against(QUANTILE).greater();
        }
        double[] adjusted = Adjustment.HOLM.adjust(p);
        Map<Edge, Double> byEdge = new LinkedHashMap<>();
        for (int e = 0; e < size; e++) {
            byEdge.put(circuit.edges().get(e), adjusted[e]);
        }
        return byEdge;
    }

    /**
     * A circuit against random circuits of its size.
     *
     * @param sufficiency random circuits that are farther from the model by themselves
     * @param necessity random circuits without which the model loses less
     * @param sufficiencyP against the hypothesis that the circuit is nearer to the model than nine tenths at most
     * @param necessityP against the hypothesis that the model loses more without it than without nine tenths at most
     */
    public record AgainstRandom(Proportion sufficiency, Proportion necessity, double sufficiencyP, double necessityP) {}

    /**
     * Compares a circuit with random ones.
     *
     * @throws BadInputException if there are none or more than a million draws
     */
    public static AgainstRandom againstRandom(CircuitExperiment experiment, Circuit circuit, int draws, long seed) {
        Draws.require("a comparison with random circuits needs", "draw", 1, draws);
        List<Circuit> runs = new ArrayList<>(List.of(experiment.full(), circuit, circuit.complement()));
        CounterRandom random = CounterRandom.of(seed).named("random circuits");
        for (int draw = 0; draw < draws; draw++) {
            Circuit drawn = drawn(experiment, circuit.size(), random.with(draw));
            runs.add(drawn);
            runs.add(drawn.complement());
        }
        double[] means = means(experiment, runs);
        int farther = 0;
        int lessMissed = 0;
        for (int draw = 0; draw < draws; draw++) {
            farther += Math.abs(means[3 + 2 * draw] - means[0]) > Math.abs(means[1] - means[0]) ? 1 : 0;
            lessMissed += experiment.loss(means[0], means[4 + 2 * draw]) < experiment.loss(means[0], means[2]) ? 1 : 0;
        }
        Proportion sufficiency = new Proportion(farther, draws);
        Proportion necessity = new Proportion(lessMissed, draws);
        return new AgainstRandom(
                sufficiency,
                necessity,
                sufficiency.against(QUANTILE).greater(),
                necessity.against(QUANTILE).greater());
    }

    private static Circuit drawn(CircuitExperiment experiment, int size, CounterRandom random) {
        BitSet kept = new BitSet();
        Arrays.stream(random.permutation(experiment.index().size())).limit(size).forEach(kept::set);
        return Circuit.of(experiment.index(), kept);
    }

    private static double[] means(CircuitExperiment experiment, List<Circuit> runs) {
        return Arrays.stream(experiment.measure(runs))
                .mapToDouble(CircuitExperiment::mean)
                .toArray();
    }
}
