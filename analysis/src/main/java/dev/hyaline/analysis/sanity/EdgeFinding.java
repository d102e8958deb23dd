package dev.hyaline.analysis.sanity;

import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.circuit.CircuitExperiment;
import dev.hyaline.analysis.circuit.EdgeScores;
import dev.hyaline.analysis.circuit.EdgeScoring;
import dev.hyaline.analysis.graph.ComputationGraph;
import dev.hyaline.analysis.graph.Edge;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.graph.Receiver;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.engine.config.Gpt2Config;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The result of a method that scores edges. A left-out edge carries its sender's value in the corrupted run. */
final class EdgeFinding {
    private EdgeFinding() {}

    static CircuitExperiment experiment(Subject subject) {
        return CircuitExperiment.of(
                Experiment.start(subject.model(), subject.pairs(), subject.metric()), Ablation.counterfactual());
    }

    static Finding of(Subject subject, EdgeScoring scoring) {
        EdgeScores scores = scoring.score(experiment(subject));
        double[][] byPair = new double[scores.pairs()][];
        Arrays.setAll(byPair, scores::pair);
        List<Edge> edges = new ComputationGraph(subject.model().config()).edges();
        int sign = subject.metric().isLowerBetter() ? -1 : 1;
        List<String> components = new ArrayList<>();
        List<double[]> effects = new ArrayList<>();
        for (int e = 0; e < edges.size(); e++) {
            if (hasPath(subject, edges.get(e))) {
                int edge = e;
                components.add(edges.get(e).toString());
                effects.add(Arrays.stream(byPair)
                        .mapToDouble(scoresOfPair -> sign * scoresOfPair[edge])
                        .toArray());
            }
        }
        return new Finding(components, effects.toArray(double[][]::new), null);
    }

    /**
     * Returns whether what an edge carries can reach the metric. The embedding of a token differs only where the
     * prompts do, and what the last layer reads for a query, its MLP and the logits stays at its position.
     */
    private static boolean hasPath(Subject subject, Edge edge) {
        return !(edge.sender() instanceof Node.InputNode)
                || !staysInPlace(subject.model().config(), edge.receiver())
                || subject.pairs().list().stream().anyMatch(pair -> differs(pair, subject));
    }

    private static boolean staysInPlace(Gpt2Config config, Receiver receiver) {
        int last = config.nLayers() - 1;
        return switch (receiver.node()) {
            case Node.LogitsNode logits -> true;
            case Node.Mlp mlp -> mlp.layer() == last;
            case Node.Head head -> head.layer() == last && receiver.part() == Receiver.HeadInput.Q;
            case Node.InputNode input -> false;
        };
    }

    private static boolean differs(PromptPair pair, Subject subject) {
        return Arrays.stream(subject.metric().positions(pair)).anyMatch(p -> pair.clean()[p] != pair.corrupted()[p]);
    }
}
