package dev.hyaline.analysis.circuit;

import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.causal.SweepOptions;
import dev.hyaline.analysis.causal.SweepResult;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.instrument.ActivationSource;

/** A method that scores every edge. The name is that of the command line and of files. */
public sealed interface EdgeScoring {
    /** What it is called, with what it depends on. */
    String name();

    /**
     * Scores every edge on every pair.
     *
     * @param options of the sweep, where the method is one: its journal and progress
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
}
