package dev.hyaline.analysis.circuit;

import dev.hyaline.analysis.causal.MetricObjective;
import dev.hyaline.analysis.causal.PairRuns;
import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.graph.Receiver;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.Slot;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.gradient.GradientPass;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Linear estimates of what ablating edges does: the difference that ablation makes to what a sender writes, times the
 * gradient of the loss with respect to what a receiver reads, in one run or the mean over several. All edges are one
 * matrix product for each position. The bits of a pair's scores depend on nothing but the pair.
 */
final class EdgeGradients {
    /** Gradients of this size are held at a time. */
    private static final long BATCH_BYTES = 128L << 20;

    private static final int MAX_BATCH_TOKENS = 512;

    private final CircuitExperiment experiment;
    private final CircuitEdits edits;
    private final GraphIndex index;
    private final Gpt2Config config;
    private final PairRuns runs;

    EdgeGradients(CircuitExperiment experiment) {
        this.experiment = experiment;
        edits = experiment.edits();
        index = experiment.index();
        config = experiment.config();
        runs = experiment.experiment().runs();
    }

    /** Passes back from the metric of one prompt of every pair. */
    GradientPass pass(Side side) {
        return GradientPass.of(
                runs.model(),
                side.prompts(runs.pairs(), config),
                MetricObjective.of(runs.model(), runs.pairs(), side, experiment.metric()));
    }

    /**
     * Clean passes in which the senders of a stage have something between their own values and the ablated ones.
     *
     * @param stage as {@link GraphIndex} counts them; -1 for the input
     * @param own the share of their own values
     */
    GradientPass held(int stage, double own) {
        HookPoint point =
                stage < 0 ? edits.inputPoint() : HookPoint.of(stage % 2 == 0 ? Site.Z : Site.MLP_OUT, stage / 2);
        return pass(Side.CLEAN).edited(Interventions.of(Intervention.patch(Target.of(point), new Mixed(point, own))));
    }

    /** Values between the senders' own and the ablated ones, {@code [tokens, ...]} of every pair. */
    private final class Mixed implements ActivationSource {
        private final HookPoint point;
        private final double own;

        Mixed(HookPoint point, double own) {
            this.point = point;
            this.own = own;
        }

        @Override
        public int sequences() {
            return runs.pairs().size();
        }

        @Override
        public int length(int sequence) {
            return runs.pairs().get(sequence).length();
        }

        @Override
        public boolean holds(HookPoint asked, int sequence, int position) {
            return asked.equals(point);
        }

        @Override
        public void read(Slot slot, float[] out) {
            int sender = index.sender(
                    switch (point.site()) {
                        case Z -> new Node.Head(point.layer(), slot.head());
                        case MLP_OUT -> new Node.Mlp(point.layer());
                        default -> Node.input();
                    });
            float[] clean = edits.clean(slot.sequence()).row(sender, slot.position());
            float[] ablated = edits.ablated(slot.sequence()).row(sender, slot.position());
            for (int i = 0; i < out.length; i++) {
                out[i] = (float) (ablated[i] + own * ((double) clean[i] - ablated[i]));
            }
        }
    }

    /**
     * Adds scores of the edges that leave some senders, by the mean gradient over passes.
     *
     * @param scores {@code [pairs][edges]}
     */
    void addScores(List<GradientPass> passes, IntRange senders, double[][] scores) {
        double factor = (experiment.metric().isLowerBetter() ? 1.0 : -1.0) / passes.size();
        int pairs = runs.pairs().size();
        for (int first = 0; first < pairs; ) {
            int end = end(first);
            Reader reader = new Reader(first, end);
            for (GradientPass pass : passes) {
                pass.forward(first, end, LogitSelection.none(), reader);
            }
            for (int pair = first; pair < end; pair++) {
                addProducts(pair, reader, senders, factor, scores[pair]);
            }
            first = end;
        }
    }

    /** Numbers from one on, without the end. */
    record IntRange(int from, int to) {}

    /** Every sender. */
    IntRange allSenders() {
        return new IntRange(0, index.senders().size());
    }

    /** The senders of a stage. */
    IntRange sendersOf(int stage) {
        int[] of = IntStream.range(0, index.senders().size())
                .filter(s -> index.stageOfSender(s) == stage)
                .toArray();
        return new IntRange(of[0], of[of.length - 1] + 1);
    }

    private int end(int first) {
        long perToken = (long) index.receivers().size() * config.dModel() * Float.BYTES;
        long most = Math.clamp(BATCH_BYTES / perToken, 1, MAX_BATCH_TOKENS);
        long tokens = 0;
        int end = first;
        while (end < runs.pairs().size()
                && (end == first || tokens + runs.pairs().get(end).length() <= most)) {
            tokens += runs.pairs().get(end).length();
            end++;
        }
        return end;
    }

    /** Sums gradients at what receivers read. */
    private final class Reader implements Probe {
        private final int first;
        private final Set<HookPoint> points = new HashSet<>();
        /** By point and sequence, {@code [tokens, width]}. */
        private final Map<HookPoint, float[][]> sums = new HashMap<>();

        Reader(int first, int end) {
            this.first = first;
            for (int r = 0; r < index.receivers().size(); r++) {
                points.add(point(r));
            }
            points.forEach(point -> sums.put(point, new float[end - first][]));
        }

        @Override
        public boolean wants(HookPoint point) {
            return points.contains(point);
        }

        @Override
        public void at(HookPoint point, Activation gradient) {
            float[][] sum = Objects.requireNonNull(sums.get(point));
            for (int s = 0; s < sum.length; s++) {
                int size = gradient.size(s);
                int offset = gradient.offset(s);
                if (sum[s] == null) {
                    sum[s] = new float[size];
                }
                for (int i = 0; i < size; i++) {
                    sum[s][i] += gradient.values()[offset + i];
                }
            }
        }

        float[] of(int receiver, int pair) {
            return Objects.requireNonNull(sums.get(point(receiver)))[pair - first];
        }
    }

    private HookPoint point(int receiver) {
        Receiver of = index.receivers().get(receiver);
        Target input = of.input(config);
        return switch (of.node()) {
            case Node.Head head -> HookPoint.of(input.site(), head.layer());
            case Node.Mlp mlp -> HookPoint.of(input.site(), mlp.layer());
            default -> HookPoint.of(input.site(), config.nLayers() - 1);
        };
    }

    private void addProducts(int pair, Reader reader, IntRange senders, double factor, double[] scores) {
        int d = config.dModel();
        int receivers = index.receivers().size();
        NodeValues clean = edits.clean(pair);
        NodeValues ablated = edits.ablated(pair);
        float[] transposed = new float[d * receivers];
        double[][] products = new double[senders.to - senders.from][receivers];
        for (int position = 0; position < clean.length(); position++) {
            int p = position;
            if (IntStream.range(senders.from, senders.to).allMatch(s -> clean.same(ablated, s, p))) {
                continue;
            }
            transpose(reader, pair, position, transposed);
            // What heads write is formed when first asked for, which is not for several threads.
            for (int s = senders.from; s < senders.to; s++) {
                clean.written(s, position);
                ablated.written(s, position);
            }
            IntStream.range(senders.from, senders.to)
                    .parallel()
                    .forEach(s -> addProduct(
                            clean.written(s, p),
                            ablated.written(s, p),
                            p * d,
                            transposed,
                            index.firstReceiver(s),
                            products[s - senders.from]));
        }
        for (int s = senders.from; s < senders.to; s++) {
            for (int r = index.firstReceiver(s); r < receivers; r++) {
                scores[index.edge(s, r)] += factor * products[s - senders.from][r];
            }
        }
    }

    /**
     * Gradients at a position as {@code [dModel, receivers]}, so that a row is added to all receivers' sums at once.
     */
    private void transpose(Reader reader, int pair, int position, float[] transposed) {
        int d = config.dModel();
        int receivers = index.receivers().size();
        for (int r = 0; r < receivers; r++) {
            float[] gradient = reader.of(r, pair);
            int from = index.receivers().get(r).node() instanceof Node.Head head
                    ? (position * config.nHeads() + head.head()) * d
                    : position * d;
            for (int i = 0; i < d; i++) {
                transposed[i * receivers + r] = gradient[from + i];
            }
        }
    }

    private static void addProduct(
            float[] clean, float[] ablated, int from, float[] transposed, int firstReceiver, double[] products) {
        int receivers = products.length;
        int d = transposed.length / receivers;
        float[] sums = new float[receivers];
        for (int i = 0; i < d; i++) {
            float difference = ablated[from + i] - clean[from + i];
            int row = i * receivers;
            for (int r = firstReceiver; r < receivers; r++) {
                sums[r] += difference * transposed[row + r];
            }
        }
        for (int r = firstReceiver; r < receivers; r++) {
            products[r] += sums[r];
        }
    }
}
