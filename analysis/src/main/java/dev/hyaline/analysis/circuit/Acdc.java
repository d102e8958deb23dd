package dev.hyaline.analysis.circuit;

import dev.hyaline.analysis.causal.SweepOptions;
import dev.hyaline.analysis.causal.SweepResult;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.graph.Receiver;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.run.MultiplyAdds;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

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
     * @param options a journal, with which a search that is stopped in any way goes on from there; progress is told how
     *     many edges were decided on
     * @throws BadInputException if the threshold is not a number, or the journal is of another search
     */
    public static Acdc search(CircuitExperiment experiment, double threshold, boolean absolute, SweepOptions options) {
        if (Double.isNaN(threshold)) {
            throw new BadInputException("the threshold must be a number, found NaN");
        }
        return new Search(experiment, threshold, absolute, options).run();
    }

    /** As {@link #search(CircuitExperiment, double, boolean, SweepOptions)}, with neither journal nor progress. */
    public static Acdc search(CircuitExperiment experiment, double threshold, boolean absolute) {
        return search(experiment, threshold, absolute, SweepOptions.none());
    }

    private static final class Search {
        private final CircuitExperiment experiment;
        private final GraphIndex index;
        private final double threshold;
        private final boolean absolute;
        private final SweepOptions options;
        private final SearchJournal journal;
        private Circuit now;
        private double loss;
        private double closest = Double.POSITIVE_INFINITY;
        private MultiplyAdds work = MultiplyAdds.NONE;
        private int tested;
        /** Edges that need no more thought: these and no others, in the order of the search. */
        private int decided;
        /** Senders that a kept edge leaves. */
        private final BitSet leaves = new BitSet();

        Search(CircuitExperiment experiment, double threshold, boolean absolute, SweepOptions options) {
            this.experiment = experiment;
            this.threshold = threshold;
            this.absolute = absolute;
            this.options = options;
            index = experiment.index();
            now = experiment.full();
            journal = new SearchJournal(experiment, options, "ACDC, threshold " + threshold + ", absolute " + absolute);
        }

        Acdc run() {
            journal.read().ifPresentOrElse(this::resume, () -> {
                SweepResult start = experiment.run(List.of(now), SweepOptions.none());
                work = start.work();
                loss = loss(experiment, start);
            });
            int passed = 0;
            for (int receiver : order(index)) {
                Node node = index.receivers().get(receiver).node();
                boolean dead = !(node instanceof Node.LogitsNode) && !leaves.get(index.sender(node));
                for (int sender : senders(index, receiver)) {
                    if (passed++ < decided) {
                        continue;
                    }
                    decide(sender, index.edge(sender, receiver), dead);
                    decided++;
                    if (!dead) {
                        journal.save(this::state);
                        options.progress().measured(decided, index.size());
                    }
                }
            }
            return new Acdc(now, loss, tested, closest, work);
        }

        private void decide(int sender, int edge, boolean dead) {
            Circuit without = now.without(edge);
            if (dead) {
                now = without;
                return;
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
        }

        private Map<String, String> state() {
            return Map.of(
                    "decided",
                    String.valueOf(decided),
                    "tested",
                    String.valueOf(tested),
                    "work",
                    work.done() + " " + work.full(),
                    "loss",
                    SearchJournal.text(loss, closest),
                    "kept",
                    HexFormat.of().formatHex(now.keptEdges().toByteArray()),
                    "leaves",
                    HexFormat.of().formatHex(leaves.toByteArray()));
        }

        private void resume(SearchJournal.State state) {
            decided = state.count("decided");
            tested = state.count("tested");
            String[] done = state.text("work").split(" ", -1);
            work = new MultiplyAdds(Long.parseLong(done[0]), Long.parseLong(done[1]));
            double[] numbers = state.numbers("loss");
            loss = numbers[0];
            closest = numbers[1];
            now = Circuit.of(index, BitSet.valueOf(HexFormat.of().parseHex(state.text("kept"))));
            leaves.or(BitSet.valueOf(HexFormat.of().parseHex(state.text("leaves"))));
        }
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
