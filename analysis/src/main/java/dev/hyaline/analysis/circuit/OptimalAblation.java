package dev.hyaline.analysis.circuit;

import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.MetricObjective;
import dev.hyaline.analysis.causal.PairRuns;
import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.causal.SweepOptions;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import dev.hyaline.files.RecordText;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.Slot;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Means;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.gradient.GradientPass;
import dev.hyaline.instrument.gradient.Objective;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * Optimal ablation (Li and Janson 2024): in place of what a node writes, one constant for all prompts and positions,
 * chosen so that the task suffers least from the ablation of that node by itself. The loss is the experiment's metric
 * where less is better, and minus the metric otherwise, on the clean prompts. The search begins at the node's mean,
 * goes by Adam, and keeps the best constant it met, zero among them; nothing is drawn.
 *
 * @param ablation puts the constants in place
 * @param losses by node, in the order of a pass
 */
public record OptimalAblation(Ablation ablation, Map<Node, AblatedLoss> losses) {
    /** Adam's rate, as a multiple of the size of what the node writes. */
    private static final double RATE = 0.05;

    private static final double BETA1 = 0.9;
    private static final double BETA2 = 0.999;
    private static final int MAX_BATCH_TOKENS = 512;

    /** The mean loss with a node ablated. */
    public record AblatedLoss(double optimal, double mean, double zero) {}

    public OptimalAblation {
        losses = Collections.unmodifiableMap(new LinkedHashMap<>(losses));
    }

    /**
     * Searches the constants of every node.
     *
     * @param input what the node {@code input} writes
     * @param steps for each node
     * @param progress told the nodes
     * @throws BadInputException if the metric has no gradient
     */
    public static OptimalAblation fit(
            Experiment experiment, InputMeaning input, int steps, SweepOptions.Progress progress) {
        if (steps < 1 || steps > EdgeScoring.MAX_STEPS) {
            throw new BadInputException(
                    "optimal ablation takes from 1 to " + EdgeScoring.MAX_STEPS + " steps, found " + steps);
        }
        GraphIndex index = new GraphIndex(experiment.config());
        Map<Node, AblatedLoss> losses = new LinkedHashMap<>();
        Map<Node, float[]> constants = new LinkedHashMap<>();
        for (Node node : index.senders()) {
            Search search = new Search(experiment, node, input);
            losses.put(node, search.run(steps));
            constants.put(node, search.best);
            progress.measured(losses.size(), index.senders().size());
        }
        ActivationSource source = new Constants(constants);
        return new OptimalAblation(
                Ablation.mean(
                        "optimal, " + steps + " steps by " + experiment.metric().name(), site -> Means.overall(source)),
                losses);
    }

    /** The constants as recorded values of a prompt of one token. */
    private record Constants(Map<Node, float[]> byNode) implements ActivationSource {
        @Override
        public int sequences() {
            return 1;
        }

        @Override
        public int length(int sequence) {
            return 1;
        }

        @Override
        public boolean holds(HookPoint point, int sequence, int position) {
            return true;
        }

        @Override
        public void read(Slot slot, float[] out) {
            Node node = switch (slot.point().site()) {
                case Z -> new Node.Head(slot.point().layer(), slot.head());
                case MLP_OUT -> new Node.Mlp(slot.point().layer());
                default -> Node.input();
            };
            System.arraycopy(Objects.requireNonNull(byNode.get(node)), 0, out, 0, out.length);
        }
    }

    /** The search for one node's constant. */
    private static final class Search {
        private final PairRuns runs;
        private final HookPoint point;
        private final Target target;
        private final int column;
        private final double sign;
        private final MetricObjective objective;
        private final double[] losses;
        private final float[] constant;
        private final double size;
        private float[] best = new float[0];
        private double least = Double.POSITIVE_INFINITY;

        Search(Experiment experiment, Node node, InputMeaning input) {
            Gpt2Config config = experiment.config();
            runs = experiment.runs();
            point = switch (node) {
                case Node.Head head -> HookPoint.of(Site.Z, head.layer());
                case Node.Mlp mlp -> HookPoint.of(Site.MLP_OUT, mlp.layer());
                default -> input == InputMeaning.TOKENS ? HookPoint.of(Site.EMBED) : HookPoint.of(Site.RESID_PRE, 0);
            };
            int head = node instanceof Node.Head of ? of.head() : 0;
            target = node instanceof Node.Head ? Target.of(point).heads(head) : Target.of(point);
            column = head * config.dHead();
            sign = experiment.metric().isLowerBetter() ? 1 : -1;
            objective = MetricObjective.of(runs.model(), runs.pairs(), Side.CLEAN, experiment.metric());
            losses = new double[runs.pairs().size()];
            constant = new float[node instanceof Node.Head ? config.dHead() : config.dModel()];
            size = mean(head);
        }

        /** Sets the constant to the mean of the clean runs, and returns the root of the mean square there. */
        private double mean(int head) {
            ActivationSource clean = runs.recorded(Side.CLEAN, point.site());
            double[] sums = new double[constant.length];
            double squares = 0;
            long count = 0;
            float[] row = new float[constant.length];
            for (int pair = 0; pair < losses.length; pair++) {
                for (int position = 0; position < clean.length(pair); position++) {
                    clean.read(new Slot(point, pair, position, target.site() == Site.Z ? head : Slot.NO_HEAD), row);
                    for (int i = 0; i < row.length; i++) {
                        sums[i] += row[i];
                        squares += (double) row[i] * row[i];
                    }
                    count++;
                }
            }
            for (int i = 0; i < sums.length; i++) {
                constant[i] = (float) (sums[i] / count);
            }
            return Math.sqrt(squares / (count * sums.length));
        }

        AblatedLoss run(int steps) {
            float[] mean = constant.clone();
            Arrays.fill(constant, 0);
            double ofZero = step(new double[constant.length]);
            System.arraycopy(mean, 0, constant, 0, mean.length);
            double ofMean = Double.NaN;
            double[] first = new double[constant.length];
            double[] second = new double[constant.length];
            for (int step = 1; step <= steps; step++) {
                double[] gradient = new double[constant.length];
                double loss = step(gradient);
                ofMean = step == 1 ? loss : ofMean;
                for (int i = 0; i < gradient.length; i++) {
                    first[i] = BETA1 * first[i] + (1 - BETA1) * gradient[i];
                    second[i] = BETA2 * second[i] + (1 - BETA2) * gradient[i] * gradient[i];
                    double direction = first[i] / (1 - StrictMath.pow(BETA1, step));
                    double length = Math.sqrt(second[i] / (1 - StrictMath.pow(BETA2, step)));
                    if (length > 0) {
                        constant[i] -= (float) (RATE * size * direction / length);
                    }
                }
            }
            step(new double[constant.length]);
            return new AblatedLoss(least, ofMean, ofZero);
        }

        /** Adds the gradient at the constant, and returns the loss. */
        private double step(double[] gradient) {
            GradientPass pass = GradientPass.of(
                            runs.model(), Side.CLEAN.prompts(runs.pairs(), runs.config()), new Measured())
                    .edited(Interventions.of(Intervention.set(target, constant)));
            Reader reader = new Reader(gradient);
            for (int pair = 0; pair < losses.length; ) {
                int end = pair + 1;
                int tokens = runs.pairs().get(pair).length();
                while (end < losses.length && tokens + runs.pairs().get(end).length() <= MAX_BATCH_TOKENS) {
                    tokens += runs.pairs().get(end++).length();
                }
                pass.forward(pair, end, LogitSelection.none(), reader);
                pair = end;
            }
            double loss = Arrays.stream(losses).sum() / losses.length;
            if (loss < least) {
                least = loss;
                best = constant.clone();
            }
            return loss;
        }

        /** The loss, noted as it is asked for its gradient. */
        private final class Measured implements Objective {
            @Override
            public int[] positions(int sequence) {
                return objective.positions(sequence);
            }

            @Override
            public float[] gradient(int sequence, float[] logits) {
                losses[sequence] = sign * objective.measure(sequence, logits);
                float[] gradient = objective.gradient(sequence, logits);
                for (int i = 0; i < gradient.length; i++) {
                    gradient[i] *= (float) (sign / losses.length);
                }
                return gradient;
            }
        }

        /** Sums the gradient over positions. */
        private final class Reader implements Probe {
            private final double[] gradient;

            Reader(double[] gradient) {
                this.gradient = gradient;
            }

            @Override
            public boolean wants(HookPoint at) {
                return at.equals(point);
            }

            @Override
            public void at(HookPoint at, Activation values) {
                int width = at.site() == Site.Z ? runs.config().dModel() : constant.length;
                for (int from = values.offset(0); from < values.offset(values.sequences()); from += width) {
                    for (int i = 0; i < gradient.length; i++) {
                        gradient[i] += values.values()[from + column + i];
                    }
                }
            }
        }
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
