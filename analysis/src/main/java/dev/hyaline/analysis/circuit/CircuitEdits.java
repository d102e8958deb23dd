package dev.hyaline.analysis.circuit;

import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.PairRuns;
import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.run.RerunResult;
import dev.hyaline.instrument.run.SequenceEdit;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Circuits as interventions on clean runs. A receiver with an edge left out reads the sum, in the order of the senders,
 * of what each writes in this very run where the edge is kept, and of the ablated values where it is not. A row at
 * which no ablated value differs from what its sender has reads the residual stream itself, so that what cannot matter
 * changes no bit.
 */
final class CircuitEdits {
    private final GraphIndex index;
    private final PairRuns runs;
    private final Ablation ablation;
    private final InputMeaning input;
    private final OutputWeights weights;
    private final NodeValues[] clean;
    private final NodeValues[] ablated;
    /** By pair and sender, the first position at which the ablated values differ; the length if none does. */
    private final int[][] firstDifference;

    CircuitEdits(GraphIndex index, PairRuns runs, Ablation ablation, InputMeaning input) {
        this.index = index;
        this.runs = runs;
        this.ablation = ablation;
        this.input = input;
        require(ablation, runs);
        int pairs = runs.pairs().size();
        requireMemory();
        weights = new OutputWeights(runs.model().weights());
        clean = values(pair -> List.of());
        ablated = values(pair -> points().stream()
                .map(point -> ablation.intervention(Target.of(point), runs))
                .toList());
        firstDifference = new int[pairs][index.senders().size()];
        for (int pair = 0; pair < pairs; pair++) {
            for (int s = 0; s < firstDifference[pair].length; s++) {
                firstDifference[pair][s] = clean[pair].firstDifference(ablated[pair], s);
            }
        }
    }

    private static void require(Ablation ablation, PairRuns runs) {
        switch (ablation) {
            case Ablation.NoiseAblation noise ->
                throw new BadInputException("edges are not ablated by noise: what a node would write with noise added"
                        + " depends on its own values, which change with the circuit");
            case Ablation.MeanAblation mean -> {
                if (mean.byPosition()) {
                    runs.pairs().commonLength();
                }
            }
            default -> {}
        }
    }

    /** Each run's values and what its heads write are kept, about three times the residual stream per head. */
    private void requireMemory() {
        long perToken = (long) index.senders().size() * index.config().dModel() * Float.BYTES;
        long tokens =
                runs.pairs().list().stream().mapToLong(pair -> pair.length()).sum();
        if (2 * perToken * tokens > Runtime.getRuntime().maxMemory()) {
            throw new BadInputException("circuits on " + runs.pairs().size() + " pairs of " + tokens
                    + " tokens in all keep " + 2 * perToken * tokens + " bytes, but Java may use "
                    + Runtime.getRuntime().maxMemory() + "; take fewer pairs");
        }
    }

    private interface PairEdits {
        List<Intervention> of(int pair);
    }

    /** The point of the input's values. */
    HookPoint inputPoint() {
        return input == InputMeaning.TOKENS ? HookPoint.of(Site.EMBED) : HookPoint.of(Site.RESID_PRE, 0);
    }

    /** The points of the senders' values: the input, then z and the MLP's output of each layer. */
    private List<HookPoint> points() {
        List<HookPoint> points = new ArrayList<>();
        points.add(inputPoint());
        for (int layer = 0; layer < index.config().nLayers(); layer++) {
            points.add(HookPoint.of(Site.Z, layer));
            points.add(HookPoint.of(Site.MLP_OUT, layer));
        }
        return points;
    }

    /** The senders' values in clean runs with edits at their points. */
    private NodeValues[] values(PairEdits edits) {
        List<SequenceEdit> reruns = IntStream.range(0, runs.pairs().size())
                .mapToObj(pair -> new SequenceEdit(pair, Interventions.of(edits.of(pair))))
                .toList();
        NodeValues[] values = new NodeValues[reruns.size()];
        for (RerunResult result : runs.run(Side.CLEAN)
                .rerun(reruns)
                .logits(LogitSelection.none())
                .reading(Capture.of(points()))
                .results()) {
            values[result.sequence()] = values(result);
        }
        return values;
    }

    private NodeValues values(RerunResult result) {
        Gpt2Config config = index.config();
        int length = runs.pairs().get(result.sequence()).length();
        float[][] own = new float[index.senders().size()][];
        for (int s = 0; s < own.length; s++) {
            own[s] = switch (index.senders().get(s)) {
                case Node.InputNode first -> result.values(inputPoint());
                case Node.Mlp mlp -> result.values(HookPoint.of(Site.MLP_OUT, mlp.layer()));
                case Node.Head head -> {
                    float[] all = result.values(HookPoint.of(Site.Z, head.layer()));
                    float[] z = new float[length * config.dHead()];
                    for (int p = 0; p < length; p++) {
                        System.arraycopy(
                                all,
                                p * config.dModel() + head.head() * config.dHead(),
                                z,
                                p * config.dHead(),
                                config.dHead());
                    }
                    yield z;
                }
                case Node.LogitsNode logits -> throw new AssertionError();
            };
        }
        return new NodeValues(index, weights, length, own);
    }

    GraphIndex index() {
        return index;
    }

    PairRuns runs() {
        return runs;
    }

    Ablation ablation() {
        return ablation;
    }

    InputMeaning input() {
        return input;
    }

    OutputWeights weights() {
        return weights;
    }

    /** The senders' values in a pair's clean run. */
    NodeValues clean(int pair) {
        return clean[pair];
    }

    /** The values that ablation puts in their place. */
    NodeValues ablated(int pair) {
        return ablated[pair];
    }

    /** Bytes that the values of one circuit's run may take. */
    long bytesPerRun() {
        int longest = runs.pairs().list().stream()
                .mapToInt(pair -> pair.length())
                .max()
                .orElseThrow();
        return (long) index.senders().size() * index.config().dModel() * longest * Float.BYTES;
    }

    /**
     * The interventions on a pair's clean run that leave only a circuit's edges; none where that changes nothing. What
     * a node reads from which no kept edges lead to the logits is left as it is: nobody reads what comes of it.
     */
    List<Intervention> of(Circuit circuit, int pair) {
        BitSet missing = missing(circuit);
        int length = clean[pair].length();
        int firstPosition = length;
        int firstStage = Integer.MAX_VALUE;
        int lastStage = -1;
        for (int e = missing.nextSetBit(0); e >= 0; e = missing.nextSetBit(e + 1)) {
            int difference = firstDifference[pair][index.senderOf(e)];
            int stage = index.stageOfReceiver(index.receiverOf(e));
            lastStage = Math.max(lastStage, stage);
            if (difference < length) {
                firstPosition = Math.min(firstPosition, difference);
                firstStage = Math.min(firstStage, stage);
            }
        }
        if (firstPosition == length) {
            return List.of();
        }
        int from = firstPosition;
        IndexSelection positions =
                IndexSelection.of(IntStream.range(from, length).toArray());
        Run run = new Run(circuit, clean[pair].continued(), ablated[pair]);
        List<Intervention> interventions = new ArrayList<>();
        for (int layer = firstStage / 2; layer < index.config().nLayers(); layer++) {
            if (2 * layer >= firstStage && 2 * layer < lastStage) {
                interventions.add(record(HookPoint.of(Site.Z, layer), positions, run));
            }
            if (2 * layer + 1 >= firstStage && 2 * layer + 1 < lastStage) {
                interventions.add(record(HookPoint.of(Site.MLP_OUT, layer), positions, run));
            }
        }
        interventions.addAll(reads(missing, firstStage, positions, run));
        return interventions;
    }

    /** The edges that a circuit lacks, but for those to nodes from which no kept edges lead to the logits. */
    private BitSet missing(Circuit circuit) {
        BitSet alive = new BitSet();
        BitSet missing = new BitSet();
        for (int r = index.receivers().size() - 1; r >= 0; r--) {
            Node node = index.receivers().get(r).node();
            if (node instanceof Node.LogitsNode || alive.get(index.sender(node))) {
                for (int s = index.senderCount(r) - 1; s >= 0; s--) {
                    int edge = index.edge(s, r);
                    if (circuit.contains(edge)) {
                        alive.set(s);
                    } else {
                        missing.set(edge);
                    }
                }
            }
        }
        return missing;
    }

    private static Intervention record(HookPoint point, IndexSelection positions, Run run) {
        boolean heads = point.site() == Site.Z;
        return Intervention.function(Target.of(point).positions(positions), (slot, values) -> {
            Node node = heads ? new Node.Head(point.layer(), slot.head()) : new Node.Mlp(point.layer());
            run.own.record(run.circuit.index().sender(node), slot.position(), values);
        });
    }

    /** The input of every receiver with a missing edge, from a stage on. */
    private List<Intervention> reads(BitSet missing, int firstStage, IndexSelection positions, Run run) {
        BitSet receivers = new BitSet();
        missing.stream().forEach(e -> receivers.set(index.receiverOf(e)));
        Map<HookPoint, List<Integer>> byPoint = new LinkedHashMap<>();
        for (int r = receivers.nextSetBit(0); r >= 0; r = receivers.nextSetBit(r + 1)) {
            if (index.stageOfReceiver(r) >= firstStage) {
                byPoint.computeIfAbsent(index.point(r), p -> new ArrayList<>()).add(r);
            }
        }
        List<Intervention> reads = new ArrayList<>();
        byPoint.forEach((point, at) -> {
            Target target = Target.of(point).positions(positions);
            if (index.receivers().get(at.getFirst()).node() instanceof Node.Head) {
                int[] heads = at.stream()
                        .mapToInt(r -> ((Node.Head) index.receivers().get(r).node()).head())
                        .toArray();
                int[] receiverOfHead = new int[index.config().nHeads()];
                for (int i = 0; i < heads.length; i++) {
                    receiverOfHead[heads[i]] = at.get(i);
                }
                reads.add(Intervention.function(
                        target.heads(heads),
                        (slot, values) -> read(run, receiverOfHead[slot.head()], slot.position(), values)));
            } else {
                reads.add(Intervention.function(
                        target, (slot, values) -> read(run, at.getFirst(), slot.position(), values)));
            }
        });
        return reads;
    }

    /** One run of a circuit on its way. */
    private record Run(Circuit circuit, NodeValues own, NodeValues ablated) {}

    /** Replaces the residual stream by what a receiver reads, if that is anything else. */
    private void read(Run run, int receiver, int position, float[] values) {
        int senders = index.senderCount(receiver);
        boolean differs = false;
        for (int s = 0; s < senders && !differs; s++) {
            differs = !run.circuit.contains(index.edge(s, receiver)) && !run.own.same(run.ablated, s, position);
        }
        if (!differs) {
            return;
        }
        double[] sum = weights.constant(index.stageOfReceiver(receiver), position, input == InputMeaning.TOKENS);
        int from = position * sum.length;
        for (int s = 0; s < senders; s++) {
            NodeValues source = run.circuit.contains(index.edge(s, receiver)) ? run.own : run.ablated;
            float[] written = source.written(s, position);
            for (int i = 0; i < sum.length; i++) {
                sum[i] += written[from + i];
            }
        }
        for (int i = 0; i < sum.length; i++) {
            values[i] = (float) sum[i];
        }
    }

    /** As {@link #read}, of edges that each carry a share of what their sender writes, and the ablated value else. */
    void mix(int receiver, int position, NodeValues own, NodeValues ablated, double[] masks, float[] values) {
        int senders = index.senderCount(receiver);
        boolean differs = false;
        for (int s = 0; s < senders && !differs; s++) {
            differs = masks[index.edge(s, receiver)] != 1 && !own.same(ablated, s, position);
        }
        if (!differs) {
            return;
        }
        double[] sum = weights.constant(index.stageOfReceiver(receiver), position, input == InputMeaning.TOKENS);
        int from = position * sum.length;
        for (int s = 0; s < senders; s++) {
            double mask = masks[index.edge(s, receiver)];
            float[] kept = own.written(s, position);
            float[] other = ablated.written(s, position);
            for (int i = 0; i < sum.length; i++) {
                sum[i] += other[from + i] + mask * ((double) kept[from + i] - other[from + i]);
            }
        }
        for (int i = 0; i < sum.length; i++) {
            values[i] = (float) sum[i];
        }
    }

    /** Words that tell these edits from others, but for the circuit. */
    String key() {
        return "ablation " + ablation.description() + ", input " + input;
    }
}
