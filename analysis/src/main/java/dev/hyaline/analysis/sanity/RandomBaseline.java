package dev.hyaline.analysis.sanity;

import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.AblationSweep;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.circuit.Circuit;
import dev.hyaline.analysis.circuit.CircuitExperiment;
import dev.hyaline.analysis.graph.ComputationGraph;
import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.instrument.edit.Target;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * The components with the best scores against random sets of as many of the same layers, an edge having two. Heads are
 * ablated together by zero, and should be missed; edges are kept alone, the others carrying the corrupted run, and
 * should be enough.
 */
final class RandomBaseline {
    private static final String NAME = "random baseline";
    private static final double ALPHA = 0.05;
    private static final int RANDOM_SETS = 199;
    private static final int HEADS = 5;
    /** One edge in so many is kept. */
    private static final int EDGES_PER_MEMBER = 20;

    private RandomBaseline() {}

    /** A method that ignores the metric is judged by the logit difference, which its effects are of. */
    static SanityCheck check(Experiment ofMetric, Subject subject, Method method, Finding finding) {
        Experiment experiment = method.ignoresMetric()
                ? Experiment.start(subject.model(), subject.pairs(), Metric.logitDifference())
                : ofMetric;
        double sign = Math.signum(experiment.baselines().gap());
        CounterRandom random = CounterRandom.of(subject.seed()).named("sanity/random-baseline");
        List<String> best = best(finding, sign);
        return best.stream().anyMatch(RandomBaseline::isEdge)
                ? ofEdges(subject, best, sign, random)
                : ofHeads(experiment, best, sign, random);
    }

    private static SanityCheck ofHeads(Experiment experiment, List<String> best, double sign, CounterRandom random) {
        Gpt2Config config = experiment.config();
        List<Node.Head> found = best.stream()
                .map(name -> Node.parse(config, name))
                .filter(Node.Head.class::isInstance)
                .map(Node.Head.class::cast)
                .limit(HEADS)
                .toList();
        if (found.size() < HEADS) {
            return SanityCheck.notApplicable(NAME, "it scores fewer than " + HEADS + " heads");
        }
        List<Node.Head> heads = IntStream.range(0, config.nLayers() * config.nHeads())
                .mapToObj(i -> new Node.Head(i / config.nHeads(), i % config.nHeads()))
                .toList();
        Map<String, List<Target>> sets = new LinkedHashMap<>();
        for (List<Node.Head> set : sets(found, heads, Node.Head::layer, random)) {
            sets.put("set " + sets.size(), set.stream().map(Node.Head::output).toList());
        }
        double[] means = experiment
                .sweep(AblationSweep.ofSets(config, Ablation.zero(), sets))
                .table()
                .means();
        return rank(
                Arrays.stream(means).map(mean -> -sign * mean).toArray(),
                "p of losing the best " + HEADS + " among random sets");
    }

    /**
     * By what they keep alone: without the embedding's edges a circuit loses all, and many random sets have one of
     * them.
     */
    private static SanityCheck ofEdges(Subject subject, List<String> best, double sign, CounterRandom random) {
        CircuitExperiment experiment = EdgeFinding.experiment(subject);
        Gpt2Config config = experiment.config();
        List<Edge> edges = new ComputationGraph(config).edges();
        int size = edges.size() / EDGES_PER_MEMBER;
        List<Edge> found = best.stream()
                .filter(RandomBaseline::isEdge)
                .map(name -> Edge.parse(config, name))
                .limit(size)
                .toList();
        if (size == 0 || found.size() < size) {
            return SanityCheck.notApplicable(NAME, "it scores fewer edges than a twentieth of all");
        }
        List<Circuit> circuits = sets(found, edges, edge -> layers(config, edge), random).stream()
                .map(set -> experiment.empty().with(set))
                .toList();
        double[] means = Arrays.stream(experiment.measure(circuits))
                .mapToDouble(values -> Arrays.stream(values).average().orElseThrow())
                .toArray();
        return rank(
                Arrays.stream(means).map(mean -> sign * mean).toArray(),
                "p of what the best " + size + " keep alone among random sets");
    }

    private static boolean isEdge(String component) {
        return component.contains("->");
    }

    private static List<String> best(Finding finding, double sign) {
        double[] scores = finding.scores();
        return IntStream.range(0, scores.length)
                .boxed()
                .sorted(Comparator.comparingDouble(c -> -sign * scores[c]))
                .map(finding.components()::get)
                .toList();
    }

    /** The found set, and after it random ones with as many members of each kind. */
    private static <T, K extends Comparable<K>> List<List<T>> sets(
            List<T> found, List<T> all, Function<T, K> kind, CounterRandom random) {
        TreeMap<K, List<T>> byKind = new TreeMap<>();
        all.forEach(member -> byKind.computeIfAbsent(kind.apply(member), k -> new ArrayList<>())
                .add(member));
        Map<K, Integer> counts = new TreeMap<>();
        found.forEach(member -> counts.merge(kind.apply(member), 1, Integer::sum));
        List<Map.Entry<K, List<T>>> pools = List.copyOf(byKind.entrySet());
        List<List<T>> sets = new ArrayList<>(List.of(found));
        for (int b = 0; b < RANDOM_SETS; b++) {
            List<T> drawn = new ArrayList<>();
            for (int k = 0; k < pools.size(); k++) {
                List<T> pool = pools.get(k).getValue();
                int[] order = random.with(b).with(k).permutation(pool.size());
                for (int i = 0; i < counts.getOrDefault(pools.get(k).getKey(), 0); i++) {
                    drawn.add(pool.get(order[i]));
                }
            }
            sets.add(drawn);
        }
        return sets;
    }

    /**
     * A number for the layers that an edge goes from and to; the input is before the first, the logits after the last.
     */
    private static int layers(Gpt2Config config, Edge edge) {
        return layer(config, edge.sender()) * (config.nLayers() + 2)
                + layer(config, edge.receiver().node());
    }

    private static int layer(Gpt2Config config, Node node) {
        return switch (node) {
            case Node.InputNode input -> 0;
            case Node.Head head -> 1 + head.layer();
            case Node.Mlp mlp -> 1 + mlp.layer();
            case Node.LogitsNode logits -> 1 + config.nLayers();
        };
    }

    /** The share of draws in which chance does as well as the first score. */
    private static SanityCheck rank(double[] scores, String words) {
        long asGood = Arrays.stream(scores)
                .skip(1)
                .filter(score -> score >= scores[0])
                .count();
        return SanityCheck.atMost(NAME, (1.0 + asGood) / (1 + RANDOM_SETS), ALPHA, words);
    }
}
