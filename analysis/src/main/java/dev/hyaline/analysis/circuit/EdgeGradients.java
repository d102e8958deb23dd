package dev.hyaline.analysis.circuit;

import dev.hyaline.analysis.causal.MetricObjective;
import dev.hyaline.analysis.causal.PairRuns;
import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.causal.SweepOptions;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.internal.kernel.InputRows;
import dev.hyaline.engine.internal.kernel.KernelProvider;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.kernel.Rows;
import dev.hyaline.engine.internal.kernel.Scratch;
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
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * Linear estimates of what ablating edges does: the difference that ablation makes to what a sender writes, times the
 * gradient of the loss with respect to what a receiver reads, in one run or the mean over several. All edges are one
 * matrix product for each position at which ablation makes a difference. The bits of a pair's scores depend on nothing
 * but the pair.
 */
final class EdgeGradients {
    /** Gradients of this size are held at a time. */
    private static final long BATCH_BYTES = 128L << 20;

    private static final int MAX_BATCH_TOKENS = 512;

    /** Receivers of a task at least. */
    private static final int MIN_ROWS = 48;

    private final CircuitExperiment experiment;
    private final CircuitEdits edits;
    private final GraphIndex index;
    private final Gpt2Config config;
    private final PairRuns runs;
    private final Map<HookPoint, int[]> receiversAt;
    private final Kernels kernels = KernelProvider.provide().kernels();
    private final SweepOptions.Progress progress;
    private final long total;
    private long done;

    /**
     * Gradients of an experiment.
     *
     * @param progress told the runs of pairs that are done, again and again within a pass, so that it can end one
     * @param passes that scores are taken of in all
     */
    EdgeGradients(CircuitExperiment experiment, SweepOptions.Progress progress, int passes) {
        this.experiment = experiment;
        this.progress = progress;
        total = (long) passes * experiment.pairs().size();
        edits = experiment.edits();
        index = experiment.index();
        config = experiment.config();
        runs = experiment.experiment().runs();
        receiversAt = index.receiversByPoint();
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
        int[] from = new int[pairs];
        Arrays.setAll(from, pair -> firstDifference(pair, senders));
        for (int first = 0; first < pairs; ) {
            int end = end(first, from);
            Reader reader = new Reader(first, end, from);
            for (GradientPass pass : passes) {
                pass.forward(first, end, LogitSelection.none(), reader);
                done += end - first;
                progress.measured(done, total);
            }
            for (int pair = first; pair < end; pair++) {
                addProducts(pair, reader, senders, factor, scores[pair]);
            }
            first = end;
        }
    }

    /** Numbers from one on, without the end. */
    record IntRange(int from, int to) {
        int size() {
            return to - from;
        }
    }

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

    /** The first position at which ablation makes a difference to one of some senders. */
    private int firstDifference(int pair, IntRange senders) {
        return IntStream.range(senders.from, senders.to)
                .map(s -> edits.clean(pair).firstDifference(edits.ablated(pair), s))
                .min()
                .orElseThrow();
    }

    private int end(int first, int[] from) {
        long perToken = (long) index.receivers().size() * config.dModel() * Float.BYTES;
        long most = Math.clamp(BATCH_BYTES / perToken, 1, MAX_BATCH_TOKENS);
        long tokens = 0;
        long kept = 0;
        int end = first;
        while (end < from.length) {
            int length = runs.pairs().get(end).length();
            tokens += length;
            kept += length - from[end];
            if (end > first && (tokens > MAX_BATCH_TOKENS || kept > most)) {
                return end;
            }
            end++;
        }
        return end;
    }

    /** Sums gradients at what receivers read, where ablation makes a difference. */
    private final class Reader implements Probe {
        private final int first;
        private final int[] from;
        /** By pair and position from the first that counts, {@code [receivers, dModel]}. */
        private final float[][][] sums;

        Reader(int first, int end, int[] from) {
            this.first = first;
            this.from = from;
            sums = new float[end - first][][];
            for (int s = 0; s < sums.length; s++) {
                int positions = runs.pairs().get(first + s).length() - from[first + s];
                sums[s] = new float[positions][index.receivers().size() * config.dModel()];
            }
        }

        @Override
        public boolean wants(HookPoint point) {
            return receiversAt.containsKey(point);
        }

        @Override
        public boolean reads(HookPoint point, int sequence, int position) {
            return position >= from[first + sequence];
        }

        @Override
        public boolean changes(HookPoint point) {
            return false;
        }

        @Override
        public void at(HookPoint point, Activation gradient) {
            progress.measured(done, total);
            int[] there = Objects.requireNonNull(receiversAt.get(point));
            int d = config.dModel();
            float[] values = gradient.values();
            for (int s = 0; s < sums.length; s++) {
                float[][] rows = sums[s];
                int at = gradient.offset(s) + from[first + s] * there.length * d;
                IntStream.range(0, rows.length)
                        .parallel()
                        .forEach(p -> add(values, at + p * there.length * d, there, rows[p], d));
            }
        }

        private static void add(float[] values, int at, int[] receivers, float[] rows, int d) {
            for (int i = 0; i < receivers.length; i++) {
                int to = receivers[i] * d;
                int of = at + i * d;
                for (int c = 0; c < d; c++) {
                    rows[to + c] += values[of + c];
                }
            }
        }

        float[] of(int pair, int position) {
            return sums[pair - first][position - from[pair]];
        }

        int from(int pair) {
            return from[pair];
        }
    }

    private void addProducts(int pair, Reader reader, IntRange senders, double factor, double[] scores) {
        NodeValues clean = edits.clean(pair);
        NodeValues ablated = edits.ablated(pair);
        int receivers = index.receivers().size();
        double[][] products = new double[receivers][senders.size()];
        for (int position = reader.from(pair); position < clean.length(); position++) {
            int p = position;
            if (IntStream.range(senders.from, senders.to).allMatch(s -> clean.same(ablated, s, p))) {
                continue;
            }
            addProducts(reader.of(pair, position), differences(clean, ablated, position, senders), senders, products);
        }
        for (int s = senders.from; s < senders.to; s++) {
            for (int r = index.firstReceiver(s); r < receivers; r++) {
                scores[index.edge(s, r)] += factor * products[r][s - senders.from];
            }
        }
    }

    /** What ablation changes of what senders write at a position, as a matrix {@code [dModel, senders]}. */
    private PackedMatrix differences(NodeValues clean, NodeValues ablated, int position, IntRange senders) {
        int d = config.dModel();
        PackedMatrix packed = PackedMatrix.zeros(d, senders.size(), false);
        float[][] columns = new float[packed.panels()][];
        // What heads write is formed when first asked for, which is not for several threads.
        for (int panel = 0; panel < columns.length; panel++) {
            columns[panel] = new float[packed.columns(panel) * d];
            for (int c = 0; c < packed.columns(panel); c++) {
                int sender = senders.from + panel * PackedMatrix.PANEL + c;
                float[] own = clean.written(sender, position);
                float[] other = ablated.written(sender, position);
                for (int i = 0; i < d; i++) {
                    columns[panel][c * d + i] = other[position * d + i] - own[position * d + i];
                }
            }
        }
        IntStream.range(0, columns.length)
                .parallel()
                .forEach(panel -> packed.setColumns(panel * PackedMatrix.PANEL, packed.columns(panel), columns[panel]));
        return packed;
    }

    /**
     * Adds the products of all gradients at a position with the differences there: of each receiver with the senders
     * that it reads, which are the first so many, and some more.
     */
    private void addProducts(float[] gradients, PackedMatrix differences, IntRange senders, double[][] products) {
        int d = config.dModel();
        int receivers = products.length;
        int stride = differences.panels() * PackedMatrix.PANEL;
        float[] out = new float[receivers * stride];
        InputRows in = new InputRows();
        in.set(gradients, 0, d, d, receivers, kernels.rowsTogether());
        int block = in.group() * Math.max(1, MIN_ROWS / in.group());
        if (in.groups() > 0) {
            in.reserve();
        }
        int groupsOfBlock = block / in.group();
        int blocks = Math.ceilDiv(receivers, block);
        if (in.groups() > 0) {
            IntStream.range(0, blocks)
                    .parallel()
                    .forEach(i -> kernels.interleave(
                            in,
                            Math.min(in.groups(), i * groupsOfBlock),
                            Math.min(in.groups(), (i + 1) * groupsOfBlock)));
        }
        IntStream.range(0, blocks).parallel().forEach(i -> {
            int first = i * block;
            int end = Math.min(receivers, first + block);
            int read = Math.min(index.senderCount(end - 1) - senders.from, senders.size());
            if (read <= 0) {
                return;
            }
            kernels.product(
                    new Rows(out, 0, stride),
                    in,
                    differences,
                    first,
                    end,
                    0,
                    Math.ceilDiv(read, PackedMatrix.PANEL),
                    new Scratch());
            for (int r = first; r < end; r++) {
                for (int s = 0; s < read; s++) {
                    products[r][s] += out[r * stride + s];
                }
            }
        });
    }
}
