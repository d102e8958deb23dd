package dev.hyaline.analysis.circuit;

import dev.hyaline.analysis.causal.MetricObjective;
import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.Tape;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * Runs in which every edge carries a mixture, {@code z} of what its sender writes and {@code 1 - z} of the ablated
 * value, and the derivatives of the loss with respect to every {@code z}. Each receiver reads a sum of its own, so
 * nothing goes through the residual stream: the gradient at a sender is the sum over the receivers of the masks times
 * the gradients there.
 */
final class MaskedRun {
    private final CircuitExperiment experiment;
    private final CircuitEdits edits;
    private final GraphIndex index;
    private final Gpt2Config config;
    private final MetricObjective objective;
    /** By point, the receivers that read there: one of an MLP or the logits, one a head else. */
    private final Map<HookPoint, int[]> receivers;

    MaskedRun(CircuitExperiment experiment) {
        this.experiment = experiment;
        edits = experiment.edits();
        index = experiment.index();
        config = experiment.config();
        objective = MetricObjective.of(
                experiment.experiment().runs().model(), experiment.pairs(), Side.CLEAN, experiment.metric());
        receivers = index.receiversByPoint();
    }

    /**
     * Runs all pairs forward and back.
     *
     * @param masks by edge, from 0, which is ablated, to 1
     * @param gradient to which the derivatives of the mean loss are added, by edge
     * @return the mean loss: the metric, or minus one of which more is better
     */
    double addGradient(double[] masks, double[] gradient) {
        int pairs = experiment.pairs().size();
        double loss = 0;
        for (int pair = 0; pair < pairs; pair++) {
            loss += addGradient(pair, masks, 1.0 / pairs, gradient) / pairs;
        }
        return loss;
    }

    /**
     * Runs one pair forward and back.
     *
     * @param share of its derivatives that is added to the gradient
     * @return the pair's loss
     */
    double addGradient(int pair, double[] masks, double share, double[] gradient) {
        double sign = experiment.metric().isLowerBetter() ? 1 : -1;
        int[] positions = objective.positions(pair);
        Forward forward = new Forward(pair, masks);
        Tape tape = experiment
                .experiment()
                .runs()
                .model()
                .record(ForwardRequest.of(
                                List.of(Sequence.of(experiment.pairs().get(pair).clean())))
                        .logits(LogitSelection.rows(positions))
                        .probe(forward));
        float[] logits = tape.result().logits();
        float[] back = objective.gradient(pair, logits);
        for (int i = 0; i < back.length; i++) {
            back[i] = (float) (sign * share * back[i]);
        }
        Backward backward = new Backward(forward, masks);
        tape.backward(back, backward);
        backward.addTo(gradient);
        return sign * objective.measure(pair, logits);
    }

    private boolean isSender(HookPoint point) {
        return point.site() == Site.Z || point.site() == Site.MLP_OUT;
    }

    /** Mixes what receivers read; one sequence a pass. */
    private final class Forward implements Probe {
        private final int pair;
        private final double[] masks;
        private final NodeValues own;

        Forward(int pair, double[] masks) {
            this.pair = pair;
            this.masks = masks;
            own = edits.clean(pair).continued();
        }

        @Override
        public boolean wants(HookPoint point) {
            return isSender(point) || receivers.containsKey(point);
        }

        @Override
        public void at(HookPoint point, Activation activation) {
            float[] values = activation.values();
            int length = own.length();
            if (isSender(point)) {
                int first = index.sender(
                        point.site() == Site.Z ? new Node.Head(point.layer(), 0) : new Node.Mlp(point.layer()));
                int nodes = point.site() == Site.Z ? config.nHeads() : 1;
                int width = config.dModel() / nodes;
                for (int position = 0; position < length; position++) {
                    for (int node = 0; node < nodes; node++) {
                        int from = position * config.dModel() + node * width;
                        own.record(first + node, position, Arrays.copyOfRange(values, from, from + width));
                    }
                }
                return;
            }
            int[] there = Objects.requireNonNull(receivers.get(point));
            float[] row = new float[config.dModel()];
            for (int position = 0; position < length; position++) {
                for (int i = 0; i < there.length; i++) {
                    int from = (position * there.length + i) * row.length;
                    System.arraycopy(values, from, row, 0, row.length);
                    edits.mix(there[i], position, own, edits.ablated(pair), masks, row);
                    System.arraycopy(row, 0, values, from, row.length);
                }
            }
        }

        @Override
        public boolean pullBack(HookPoint point, Activation gradient) {
            if (receivers.containsKey(point)) {
                Arrays.fill(gradient.values(), gradient.offset(0), gradient.offset(0) + gradient.size(0), 0);
            }
            return true;
        }
    }

    /** Takes gradients at receivers, and gives senders their sums. */
    private final class Backward implements Probe {
        private final Forward forward;
        private final double[] masks;
        /** By receiver, {@code [tokens, dModel]}. */
        private final float[][] gradients = new float[index.receivers().size()][];

        Backward(Forward forward, double[] masks) {
            this.forward = forward;
            this.masks = masks;
        }

        @Override
        public boolean wants(HookPoint point) {
            return forward.wants(point);
        }

        @Override
        public void at(HookPoint point, Activation activation) {
            int d = config.dModel();
            int length = forward.own.length();
            float[] values = activation.values();
            if (!isSender(point)) {
                int[] there = Objects.requireNonNull(receivers.get(point));
                for (int i = 0; i < there.length; i++) {
                    float[] gradient = new float[length * d];
                    for (int position = 0; position < length; position++) {
                        System.arraycopy(values, (position * there.length + i) * d, gradient, position * d, d);
                    }
                    gradients[there[i]] = gradient;
                }
                return;
            }
            int nodes = point.site() == Site.Z ? config.nHeads() : 1;
            int first = index.sender(
                    point.site() == Site.Z ? new Node.Head(point.layer(), 0) : new Node.Mlp(point.layer()));
            for (int position = 0; position < length; position++) {
                for (int node = 0; node < nodes; node++) {
                    double[] sum = new double[d];
                    for (int r = index.firstReceiver(first + node); r < gradients.length; r++) {
                        double mask = masks[index.edge(first + node, r)];
                        for (int i = 0; i < d && mask != 0; i++) {
                            sum[i] += mask * gradients[r][position * d + i];
                        }
                    }
                    if (nodes == 1) {
                        for (int i = 0; i < d; i++) {
                            values[position * d + i] = (float) sum[i];
                        }
                    } else {
                        edits.weights()
                                .pullBack(point.layer(), node, sum, values, position * d + node * config.dHead());
                    }
                }
            }
        }

        void addTo(double[] gradient) {
            int d = config.dModel();
            NodeValues ablated = edits.ablated(forward.pair);
            IntStream.range(0, index.senders().size()).forEach(s -> {
                for (int position = 0; position < forward.own.length(); position++) {
                    if (forward.own.same(ablated, s, position)) {
                        continue;
                    }
                    float[] own = forward.own.written(s, position);
                    float[] other = ablated.written(s, position);
                    for (int r = index.firstReceiver(s); r < gradients.length; r++) {
                        double sum = 0;
                        for (int i = position * d; i < (position + 1) * d; i++) {
                            sum += ((double) own[i] - other[i]) * gradients[r][i];
                        }
                        gradient[index.edge(s, r)] += sum;
                    }
                }
            });
        }
    }
}
