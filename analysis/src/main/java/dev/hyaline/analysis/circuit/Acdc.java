package dev.hyaline.analysis.circuit;

import dev.hyaline.analysis.causal.SweepOptions;
import dev.hyaline.analysis.causal.SweepResult;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.graph.Receiver;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.run.MultiplyAdds;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * Automatic circuit discovery (Conmy et al. 2023): beginning with the whole graph, edge by edge from the logits back,
 * an edge is left out for good if that makes the loss grow by less than a threshold. A node that nothing kept leaves
 * loses the edges that reach it untested. The loss is the experiment's metric where less is better, and minus the
 * metric otherwise; ACDC's own choice is {@link dev.hyaline.analysis.metric.Metric#klToClean}.
 *
 * @param circuit the edges that are kept
 * @param loss of the circuit, the mean over pairs
 * @param tested edges that were tried
 * @param closestDecision the least distance of a change of the loss from the threshold: where it is near the error of
 *     float arithmetic, another machine may decide otherwise
 * @param work multiply-adds of all partial reruns, and of full ones
 */
public record Acdc(Circuit circuit, double loss, int tested, double closestDecision, MultiplyAdds work) {
    /**
     * Searches.
     *
     * @param threshold by how much the loss may grow for each edge: infinity keeps nothing, minus infinity everything
     * @param absolute whether an edge whose removal makes the loss smaller is kept too; ACDC drops it
     * @param progress told how many edges were decided on
     */
    public static Acdc search(
            CircuitExperiment experiment, double threshold, boolean absolute, SweepOptions.Progress progress) {
        if (Double.isNaN(threshold)) {
            throw new BadInputException("the threshold must be a number, found NaN");
        }
        GraphIndex index = experiment.index();
        Circuit now = experiment.full();
        SweepResult start = experiment.run(List.of(now), SweepOptions.none());
        MultiplyAdds work = start.work();
        double loss = loss(experiment, start);
        double closest = Double.POSITIVE_INFINITY;
        int tested = 0;
        int decided = 0;
        BitSet leaves = new BitSet();
        for (int receiver : order(index)) {
            Node node = index.receivers().get(receiver).node();
            boolean dead = !(node instanceof Node.LogitsNode) && !leaves.get(index.sender(node));
            List<Integer> senders = senders(index, receiver);
            for (int sender : senders) {
                int edge = index.edge(sender, receiver);
                Circuit without = now.without(edge);
                decided++;
                if (dead) {
                    now = without;
                    continue;
                }
                SweepResult result = experiment.run(List.of(without), SweepOptions.none());
                work = work.plus(result.work());
                double change = loss(experiment, result) - loss;
                double size = absolute ? Math.abs(change) : change;
                tested++;
                closest = Math.min(closest, Math.abs(size - threshold));
                if (size < threshold) {
                    now = without;
                    loss += change;
                } else {
                    leaves.set(sender);
                }
                progress.measured(decided, index.size());
            }
        }
        return new Acdc(now, loss, tested, closest, work);
    }

    private static double loss(CircuitExperiment experiment, SweepResult result) {
        double mean = result.table().mean(0);
        return experiment.metric().isLowerBetter() ? mean : -mean;
    }

    /** Receivers from the logits back: of each layer the MLP, then values, keys and queries, the last head first. */
    private static List<Integer> order(GraphIndex index) {
        List<Integer> order = new ArrayList<>();
        int heads = index.config().nHeads();
        order.add(index.receiver(Receiver.of(Node.logits())));
        for (int layer = index.config().nLayers() - 1; layer >= 0; layer--) {
            order.add(index.receiver(Receiver.of(new Node.Mlp(layer))));
            for (Receiver.HeadInput part : List.of(Receiver.HeadInput.V, Receiver.HeadInput.K, Receiver.HeadInput.Q)) {
                for (int head = heads - 1; head >= 0; head--) {
                    order.add(index.receiver(new Receiver(new Node.Head(layer, head), part)));
                }
            }
        }
        return order;
    }

    /** Senders from the latest back, of a layer the MLP and then the last head first. */
    private static List<Integer> senders(GraphIndex index, int receiver) {
        List<Integer> senders = new ArrayList<>();
        for (int s = index.senderCount(receiver) - 1; s >= 0; s--) {
            senders.add(s);
        }
        return senders;
    }
}
