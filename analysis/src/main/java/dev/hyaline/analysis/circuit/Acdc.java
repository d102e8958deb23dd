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
 * @param work multiply-adds of all partial reruns, also of those that were tried too early, and of a full one for each
 *     edge that was tried
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
        /** Edges that are tried together at most. */
        private static final int MAX_AHEAD = 32;

        private final CircuitExperiment experiment;
        private final GraphIndex index;
        private final double threshold;
        private final boolean absolute;
        private final SweepOptions options;
        private final SearchJournal journal;
        /** Edges in the order of the search. */
        private final int[] order;

        private Circuit now;
        private double loss;
        private double closest = Double.POSITIVE_INFINITY;
        private MultiplyAdds work = MultiplyAdds.NONE;
        private int tested;
        /** Edges that need no more thought: these and no others, in the order of the search. */
        private int decided;
        /**
         * Edges that are tried together, each as if those before it had been left out, as most are. What follows one
         * that is kept after all is tried anew, so that this decides nothing but the time.
         */
        private int ahead = 1;
        /** Senders that a kept edge leaves. */
        private final BitSet leaves = new BitSet();

        /** An edge to try: its place in the order, and the circuit without it and all that go before it. */
        private record Candidate(int place, Circuit without) {}

        Search(CircuitExperiment experiment, double threshold, boolean absolute, SweepOptions options) {
            this.experiment = experiment;
            this.threshold = threshold;
            this.absolute = absolute;
            this.options = options;
            index = experiment.index();
            order = order(index);
            now = experiment.full();
            journal = new SearchJournal(experiment, options, "ACDC, threshold " + threshold + ", absolute " + absolute);
        }

        Acdc run() {
            journal.read().ifPresentOrElse(this::resume, () -> {
                SweepResult start = experiment.run(List.of(now), SweepOptions.none());
                work = start.work();
                loss = loss(start, 0);
            });
            while (decided < order.length) {
                List<Candidate> candidates = candidates();
                if (!candidates.isEmpty()) {
                    decide(candidates);
                    journal.save(this::state);
                    options.progress().measured(decided, order.length);
                }
            }
            return new Acdc(now, loss, tested, closest, work);
        }

        /** The next edges to try. If none is left that can matter, the search is done. */
        private List<Candidate> candidates() {
            List<Candidate> candidates = new ArrayList<>();
            BitSet kept = now.keptEdges();
            for (int place = decided; place < order.length && candidates.size() < ahead; place++) {
                kept.clear(order[place]);
                Node node =
                        index.receivers().get(index.receiverOf(order[place])).node();
                if (node instanceof Node.LogitsNode || leaves.get(index.sender(node))) {
                    candidates.add(new Candidate(place, Circuit.of(index, kept)));
                }
            }
            if (candidates.isEmpty()) {
                now = Circuit.of(index, kept);
                decided = order.length;
            }
            return candidates;
        }

        private void decide(List<Candidate> candidates) {
            SweepResult result =
                    experiment.run(candidates.stream().map(Candidate::without).toList(), SweepOptions.none());
            int used = 0;
            boolean kept = false;
            while (used < candidates.size() && !kept) {
                Candidate candidate = candidates.get(used);
                double change = loss(result, used) - loss;
                double size = absolute ? Math.abs(change) : change;
                closest = Math.min(closest, Math.abs(size - threshold));
                kept = !(size < threshold);
                now = candidate.without;
                if (kept) {
                    int edge = order[candidate.place];
                    now = now.with(edge);
                    leaves.set(index.senderOf(edge));
                } else {
                    loss += change;
                }
                decided = candidate.place + 1;
                used++;
            }
            tested += used;
            work = work.plus(
                    new MultiplyAdds(result.work().done(), result.work().full() / candidates.size() * used));
            ahead = kept ? Math.max(1, ahead / 2) : Math.min(MAX_AHEAD, 2 * ahead);
        }

        private double loss(SweepResult result, int circuit) {
            double mean = result.table().mean(circuit);
            return experiment.metric().isLowerBetter() ? mean : -mean;
        }

        private Map<String, String> state() {
            return Map.of(
                    "decided",
                    String.valueOf(decided),
                    "ahead",
                    String.valueOf(ahead),
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
            ahead = state.count("ahead");
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

    /**
     * Edges by receiver from the logits back: of each layer the MLP, then values, keys and queries, the last head
     * first. Those of a receiver from the latest sender back, of a layer the MLP and then the last head first.
     */
    private static int[] order(GraphIndex index) {
        List<Integer> receivers = new ArrayList<>();
        int heads = index.config().nHeads();
        receivers.add(index.receiver(Receiver.of(Node.logits())));
        for (int layer = index.config().nLayers() - 1; layer >= 0; layer--) {
            receivers.add(index.receiver(Receiver.of(new Node.Mlp(layer))));
            for (Receiver.HeadInput part : List.of(Receiver.HeadInput.V, Receiver.HeadInput.K, Receiver.HeadInput.Q)) {
                for (int head = heads - 1; head >= 0; head--) {
                    receivers.add(index.receiver(new Receiver(new Node.Head(layer, head), part)));
                }
            }
        }
        int[] order = new int[index.size()];
        int place = 0;
        for (int receiver : receivers) {
            for (int sender = index.senderCount(receiver) - 1; sender >= 0; sender--) {
                order[place++] = index.edge(sender, receiver);
            }
        }
        return order;
    }
}
