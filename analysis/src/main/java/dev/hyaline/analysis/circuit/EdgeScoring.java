package dev.hyaline.analysis.circuit;

import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.causal.SweepOptions;
import dev.hyaline.analysis.causal.SweepResult;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.instrument.gradient.GradientPass;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/** A method that scores every edge. The name is that of the command line and of files. */
public sealed interface EdgeScoring {
    /** Most steps of an integrated gradient. */
    int MAX_STEPS = 10_000;

    /** The name, with what the scores depend on. */
    String name();

    /**
     * Scores every edge on every pair.
     *
     * @param options of the sweep, where the method is one: its journal; and progress, which a method of gradients
     *     tells its passes of pairs, and one that draws or needs a single pass tells nothing
     */
    EdgeScores score(CircuitExperiment experiment, SweepOptions options);

    /** As {@link #score(CircuitExperiment, SweepOptions)}, with neither journal nor progress. */
    default EdgeScores score(CircuitExperiment experiment) {
        return score(experiment, SweepOptions.none());
    }

    /**
     * The exact effect of leaving each edge out by itself: a partial rerun for each edge and pair (MIB's "activation
     * patching", {@code PathPatching.edges}).
     */
    record Exact() implements EdgeScoring {
        @Override
        public String name() {
            return "exact";
        }

        @Override
        public EdgeScores score(CircuitExperiment experiment, SweepOptions options) {
            return scores(experiment, experiment.ablateEach(options));
        }

        static EdgeScores scores(CircuitExperiment experiment, SweepResult result) {
            double[] clean = result.baselines().clean();
            double[][] pairs = new double[clean.length][experiment.index().size()];
            for (int e = 0; e < experiment.index().size(); e++) {
                double[] ablated = result.table().values(e);
                for (int pair = 0; pair < clean.length; pair++) {
                    pairs[pair][e] = experiment.loss(clean[pair], ablated[pair]);
                }
            }
            return EdgeScores.ofPairs(experiment.index(), "exact", pairs);
        }
    }

    /**
     * Information flow routes (Ferrando and Voita 2024): a sender's share of what a receiver reads, where each sender
     * counts by how much nearer to zero the sum would be without it in the L1 norm, and not at all if farther. The mean
     * over positions. One pass; no metric, and no negative scores.
     */
    record InformationFlow() implements EdgeScoring {
        @Override
        public String name() {
            return "information-flow";
        }

        @Override
        public EdgeScores score(CircuitExperiment experiment, SweepOptions options) {
            GraphIndex index = experiment.index();
            double[][] pairs = new double[experiment.pairs().size()][index.size()];
            for (int pair = 0; pair < pairs.length; pair++) {
                NodeValues clean = experiment.edits().clean(pair);
                HookPoint before = null;
                double[] shares = new double[0];
                for (int r = 0; r < index.receivers().size(); r++) {
                    HookPoint residual = index.receivers().get(r).residual(index.config());
                    if (!residual.equals(before)) {
                        shares = shares(experiment, pair, clean, residual, index.senderCount(r));
                        before = residual;
                    }
                    for (int s = 0; s < shares.length; s++) {
                        pairs[pair][index.edge(s, r)] = shares[s];
                    }
                }
            }
            return EdgeScores.ofPairs(index, name(), pairs);
        }

        /** Each sender's share at a point of the residual stream, the mean over positions. */
        private static double[] shares(
                CircuitExperiment experiment, int pair, NodeValues values, HookPoint point, int senders) {
            ActivationSource.Block residual = experiment
                    .experiment()
                    .runs()
                    .run(Side.CLEAN)
                    .block(point, pair)
                    .orElseThrow();
            int d = experiment.config().dModel();
            double[] mean = new double[senders];
            double[] near = new double[senders];
            for (int p = 0; p < values.length(); p++) {
                double whole = 0;
                for (int i = 0; i < d; i++) {
                    whole += Math.abs(residual.values()[p * d + i]);
                }
                double sum = 0;
                for (int s = 0; s < senders; s++) {
                    float[] written = values.written(s, p);
                    double without = 0;
                    for (int i = 0; i < d; i++) {
                        without += Math.abs((double) residual.values()[p * d + i] - written[p * d + i]);
                    }
                    near[s] = Math.max(0, whole - without);
                    sum += near[s];
                }
                for (int s = 0; s < senders && sum > 0; s++) {
                    mean[s] += near[s] / sum / values.length();
                }
            }
            return mean;
        }
    }

    /**
     * Edge attribution patching (Syed et al. 2023): the difference that ablation makes to what a sender writes, times
     * the gradient at what a receiver reads in the clean run. Equal to the derivative of the loss with respect to a
     * mask of the edge. Where a nonlinearity is saturated it misses what {@link InputGradients} finds.
     *
     * @param direction noising: gradients in the clean run; denoising: in the corrupted one, as TransformerLens's
     *     attribution patching
     */
    record AttributionPatching(PatchingDirection direction) implements EdgeScoring {
        @Override
        public String name() {
            return direction == PatchingDirection.NOISING ? "eap" : "eap-denoising";
        }

        @Override
        public EdgeScores score(CircuitExperiment experiment, SweepOptions options) {
            requireGradientOfCleanRun(experiment, this);
            if (direction == PatchingDirection.DENOISING) {
                requireCounterfactual(experiment, this);
            }
            EdgeGradients gradients = new EdgeGradients(experiment, options.progress(), 1);
            return scores(experiment, gradients, List.of(gradients.pass(direction.base())), name());
        }
    }

    /** Points of a path of integration. */
    enum PathRule {
        /** {@code 0, 1/m, .., (m-1)/m}: with the ablated end, without the clean one, as EAP-IG takes them for edges. */
        LEFT,
        /** {@code 1/m, .., 1}. */
        RIGHT,
        /** {@code 1/2m, 3/2m, .., (2m-1)/2m}. */
        MIDPOINT;

        double at(int step, int steps) {
            return switch (this) {
                case LEFT -> (double) step / steps;
                case RIGHT -> (step + 1.0) / steps;
                case MIDPOINT -> (step + 0.5) / steps;
            };
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * EAP-IG-inputs (Hanna et al. 2024): as edge attribution patching, with the mean gradient over runs whose input
     * lies on the way from the ablated values to the clean ones. The scores of the input's edges add up to the whole
     * effect as steps grow.
     *
     * @param steps points of the path
     */
    record InputGradients(int steps, PathRule rule) implements EdgeScoring {
        public InputGradients {
            requireSteps(steps);
        }

        @Override
        public String name() {
            return "eap-ig" + (rule == PathRule.LEFT ? "" : "-" + rule) + " of " + steps + " steps";
        }

        @Override
        public EdgeScores score(CircuitExperiment experiment, SweepOptions options) {
            EdgeGradients gradients = new EdgeGradients(experiment, options.progress(), steps);
            List<GradientPass> passes = IntStream.range(0, steps)
                    .mapToObj(step -> gradients.held(-1, rule.at(step, steps)))
                    .toList();
            return scores(experiment, gradients, passes, name());
        }
    }

    /**
     * Integrated gradients of activations: runs in which one stage at a time, the input, the heads of a layer or an
     * MLP, is held between its clean and its ablated values.
     *
     * @param steps points of each stage's path
     * @param own whether an edge takes only the runs in which its own sender's stage was held (Marks et al. 2024),
     *     which comes closest to exact effects; EAP-IG's code takes the mean over all stages
     */
    record ActivationGradients(int steps, boolean own) implements EdgeScoring {
        public ActivationGradients {
            requireSteps(steps);
        }

        @Override
        public String name() {
            return (own ? "ig-activations" : "eap-ig-activations") + " of " + steps + " steps";
        }

        @Override
        public EdgeScores score(CircuitExperiment experiment, SweepOptions options) {
            EdgeGradients gradients = new EdgeGradients(
                    experiment,
                    options.progress(),
                    steps * (2 * experiment.config().nLayers() + 1));
            double[][] scores =
                    new double[experiment.pairs().size()][experiment.index().size()];
            List<GradientPass> all = new ArrayList<>();
            for (int stage = -1; stage < 2 * experiment.config().nLayers(); stage++) {
                int held = stage;
                List<GradientPass> passes = IntStream.rangeClosed(1, steps)
                        .mapToObj(step -> gradients.held(held, (double) step / steps))
                        .toList();
                if (own) {
                    gradients.addScores(passes, gradients.sendersOf(stage), scores);
                }
                all.addAll(passes);
            }
            if (!own) {
                gradients.addScores(all, gradients.allSenders(), scores);
            }
            return EdgeScores.ofPairs(experiment.index(), name(), scores);
        }
    }

    /** As edge attribution patching, with the mean of the gradients in the clean and in the corrupted run. */
    record CleanCorrupted() implements EdgeScoring {
        @Override
        public String name() {
            return "clean-corrupted";
        }

        @Override
        public EdgeScores score(CircuitExperiment experiment, SweepOptions options) {
            requireCounterfactual(experiment, this);
            EdgeGradients gradients = new EdgeGradients(experiment, options.progress(), 2);
            return scores(
                    experiment, gradients, List.of(gradients.pass(Side.CLEAN), gradients.pass(Side.CORRUPTED)), name());
        }
    }

    /**
     * Mask gradient (auto-circuit): the derivative of the loss with respect to each edge's mask, the mean over runs in
     * which all edges together carry {@code k/steps} of the ablated values, from none to all.
     *
     * @param steps 0 for the clean run alone, which is edge attribution patching
     */
    record MaskGradient(int steps) implements EdgeScoring {
        public MaskGradient {
            if (steps < 0 || steps > MAX_STEPS) {
                throw new BadInputException("a mask gradient takes from 0 to " + MAX_STEPS + " steps, found " + steps);
            }
        }

        @Override
        public String name() {
            return "mask-gradient of " + steps + " steps";
        }

        @Override
        public EdgeScores score(CircuitExperiment experiment, SweepOptions options) {
            if (steps == 0) {
                requireGradientOfCleanRun(experiment, this);
            }
            double[] masks = new double[steps + 1];
            Arrays.setAll(masks, k -> steps == 0 ? 1 : 1 - (double) k / steps);
            return LearnedMasks.gradients(experiment, name(), options.progress(), masks);
        }
    }

    /** Learned masks as scores. */
    record Masks(LearnedMasks.Settings settings) implements EdgeScoring {
        @Override
        public String name() {
            return settings.name();
        }

        @Override
        public EdgeScores score(CircuitExperiment experiment, SweepOptions options) {
            return LearnedMasks.learn(experiment, settings, options);
        }
    }

    /** The way from a node's estimates on the pairs to one score. */
    enum NodeStatistic {
        /** Attribution patching (AtP, Nanda 2023): the mean estimate, with its sign. */
        ATP,
        /** Head importance (HISP, Michel et al. 2019), of MLPs and the input too: the mean absolute estimate. */
        HISP,
        /**
         * AtP* (Kramár et al. 2024) with GradDrop: the mean, over the pairs and the layers but the node's own, of the
         * absolute estimate with the gradient through that layer's heads and MLP cut.
         */
        ATP_STAR;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /**
     * Scores of nodes: the difference that ablation makes to what a node writes, times the gradient there. Each edge
     * has an equal share of its sender's score, so that {@link EdgeScores#bySender} and
     * {@link CircuitSelection#topNodes} give the nodes' own.
     */
    record NodeAttribution(NodeStatistic statistic) implements EdgeScoring {
        @Override
        public String name() {
            return statistic.toString();
        }

        @Override
        public EdgeScores score(CircuitExperiment experiment, SweepOptions options) {
            requireGradientOfCleanRun(experiment, this);
            EdgeGradients gradients = new EdgeGradients(
                    experiment,
                    options.progress(),
                    statistic == NodeStatistic.ATP_STAR ? experiment.config().nLayers() : 1);
            GraphIndex index = experiment.index();
            double[][] pairs = new double[experiment.pairs().size()][index.size()];
            if (statistic == NodeStatistic.ATP_STAR) {
                if (experiment.config().nLayers() < 2) {
                    throw new BadInputException(
                            "dropping one layer's gradients leaves nothing of a model of one layer");
                }
                double[][] sums = new double[pairs.length][index.senders().size()];
                int[] counted = new int[index.senders().size()];
                for (int layer = 0; layer < experiment.config().nLayers(); layer++) {
                    GradientPass cut = gradients
                            .pass(Side.CLEAN)
                            .stopping(List.of(HookPoint.of(Site.ATTN_OUT, layer), HookPoint.of(Site.MLP_OUT, layer)));
                    double[][] estimates = estimates(experiment, gradients, cut);
                    for (int s = 0; s < counted.length; s++) {
                        if (Math.floorDiv(index.stageOfSender(s), 2) != layer) {
                            counted[s]++;
                            for (int pair = 0; pair < pairs.length; pair++) {
                                sums[pair][s] += Math.abs(estimates[pair][s]);
                            }
                        }
                    }
                }
                share(index, (pair, s) -> sums[pair][s] / counted[s], pairs);
            } else {
                double[][] estimates = estimates(experiment, gradients, gradients.pass(Side.CLEAN));
                boolean absolute = statistic == NodeStatistic.HISP;
                share(index, (pair, s) -> absolute ? Math.abs(estimates[pair][s]) : estimates[pair][s], pairs);
            }
            return EdgeScores.ofPairs(index, name(), pairs);
        }

        private interface NodeScore {
            double of(int pair, int sender);
        }

        private static void share(GraphIndex index, NodeScore scores, double[][] pairs) {
            int receivers = index.receivers().size();
            for (int pair = 0; pair < pairs.length; pair++) {
                for (int e = 0; e < index.size(); e++) {
                    int s = index.senderOf(e);
                    pairs[pair][e] = scores.of(pair, s) / (receivers - index.firstReceiver(s));
                }
            }
        }

        /** The estimates of nodes, {@code [pairs][senders]}: the sums over the edges that leave each. */
        private static double[][] estimates(CircuitExperiment experiment, EdgeGradients gradients, GradientPass pass) {
            EdgeScores edges = scores(experiment, gradients, List.of(pass), "estimates");
            double[][] estimates = new double[edges.pairs()][];
            Arrays.setAll(estimates, pair -> edges.ofSome(pair).bySender());
            return estimates;
        }
    }

    /** Standard normal numbers: the control that every other method is held against. */
    record Random(long seed) implements EdgeScoring {
        @Override
        public String name() {
            return "random, seed " + seed;
        }

        @Override
        public EdgeScores score(CircuitExperiment experiment, SweepOptions options) {
            return of(experiment.index(), seed);
        }

        static EdgeScores of(GraphIndex index, long seed) {
            CounterRandom random = CounterRandom.of(seed).named("random scores");
            double[] scores = new double[index.size()];
            Arrays.setAll(scores, random::gaussian);
            return EdgeScores.of(index, "random, seed " + seed, scores);
        }
    }

    private static void requireSteps(int steps) {
        if (steps < 1 || steps > MAX_STEPS) {
            throw new BadInputException("integrated gradients need "
                    + (steps < 1 ? "at least one step" : "at most " + MAX_STEPS + " steps") + ", found " + steps);
        }
    }

    private static void requireCounterfactual(CircuitExperiment experiment, EdgeScoring scoring) {
        if (!(experiment.ablation() instanceof Ablation.CounterfactualAblation)) {
            throw new BadInputException(scoring.name() + " takes gradients in corrupted runs, which are the end only of"
                    + " counterfactual ablation, found " + experiment.ablation().description());
        }
    }

    private static void requireGradientOfCleanRun(CircuitExperiment experiment, EdgeScoring scoring) {
        if (experiment.metric().readsCleanRun()) {
            throw new BadInputException("the " + experiment.metric().quantity()
                    + " has its least value, and so no gradient, in the clean run: " + scoring.name()
                    + " would score every edge 0; take eap-ig, whose path leaves the clean run");
        }
    }

    private static EdgeScores scores(
            CircuitExperiment experiment, EdgeGradients gradients, List<GradientPass> passes, String name) {
        double[][] scores =
                new double[experiment.pairs().size()][experiment.index().size()];
        gradients.addScores(passes, gradients.allSenders(), scores);
        return EdgeScores.ofPairs(experiment.index(), name, scores);
    }
}
