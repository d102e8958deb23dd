package dev.hyaline.analysis.circuit;

import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.causal.MetricObjective;
import dev.hyaline.analysis.causal.Side;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.gradient.GradientPass;
import dev.hyaline.instrument.gradient.Gradients;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Attribution patching (AtP and AtP*, Kramár et al. 2024): linear estimates of what patching activations of the clean
 * run from the corrupted one does, at every position, with the sign of all scores here: positive where it makes the
 * task worse. Two passes forward and one back; the corrections take a pass back for each layer more.
 *
 * <p>Queries and keys pass through a softmax, whose gradient vanishes where attention is sharp. Their fixed estimates
 * put the patched query or key through the softmax itself, and are linear only after it.
 */
public final class AttributionPatches {
    /** The activations that are patched. */
    public enum Part {
        /** {@code [layers, heads, positions]}. */
        Q(Site.Q),
        /** {@code [layers, heads, positions]}. */
        K(Site.K),
        /** {@code [layers, heads, positions]}. */
        V(Site.V),
        /** {@code [layers, heads, positions]}: what a head writes. */
        Z(Site.Z),
        /** Rows of attention patterns, {@code [layers, heads, queries]}. */
        PATTERN(Site.PATTERN),
        /** {@code [layers, positions]}. */
        MLP_OUT(Site.MLP_OUT);

        private final Site site;

        Part(Site site) {
            this.site = site;
        }
    }

    private final Gpt2Config config;
    private final int[] lengths;
    private final double sign;
    private final ActivationCache clean;
    private final ActivationCache corrupted;
    private final Gradients gradients;
    private final Gpt2 model;
    private final Prompts prompts;
    private final MetricObjective objective;

    private AttributionPatches(Experiment experiment) {
        config = experiment.config();
        if (experiment.metric().readsCleanRun()) {
            throw new BadInputException("the " + experiment.metric().quantity()
                    + " has its least value, and so no gradient, in the clean run; attribution patching would score"
                    + " everything 0");
        }
        sign = experiment.metric().isLowerBetter() ? 1 : -1;
        model = experiment.runs().model();
        prompts = experiment.pairs().clean(config);
        lengths = prompts.lengths();
        objective = MetricObjective.of(model, experiment.pairs(), Side.CLEAN, experiment.metric());
        List<HookPoint> points = new ArrayList<>();
        for (int layer = 0; layer < config.nLayers(); layer++) {
            for (Part part : Part.values()) {
                points.add(HookPoint.of(part.site, layer));
            }
            points.add(HookPoint.of(Site.MLP_POST, layer));
        }
        Capture capture = Capture.of(points);
        clean = ActivationCache.record(model, prompts, capture);
        corrupted = ActivationCache.record(model, experiment.pairs().corrupted(config), capture);
        gradients = Gradients.of(model, prompts, objective, capture);
    }

    /**
     * Runs both prompts of every pair, and the clean ones back.
     *
     * @throws BadInputException if the metric has no gradient in the clean run
     */
    public static AttributionPatches measure(Experiment experiment) {
        return new AttributionPatches(experiment);
    }

    /** The estimates of one pair, in the shape that the part says. */
    public double[] of(Part part, int pair) {
        return of(part, pair, gradients, -1);
    }

    private double[] of(Part part, int pair, Gradients by, int dropped) {
        int length = lengths[BadInputException.requireIndex("pair", pair, lengths.length)];
        int heads = part == Part.MLP_OUT ? 1 : config.nHeads();
        double[] estimates = new double[config.nLayers() * heads * length];
        for (int layer = 0; layer < config.nLayers(); layer++) {
            if (layer == dropped) {
                continue;
            }
            HookPoint point = HookPoint.of(part.site, layer);
            float[] own = clean.values(point, pair);
            float[] other = corrupted.values(point, pair);
            float[] gradient = by.values(point, pair);
            int width = own.length / (heads * length);
            for (int head = 0; head < heads; head++) {
                for (int position = 0; position < length; position++) {
                    // Maps hold a block for each head, all else a row for each position.
                    int from = part == Part.PATTERN
                            ? (head * length + position) * width
                            : (position * heads + head) * width;
                    double sum = 0;
                    for (int i = from; i < from + width; i++) {
                        sum += ((double) other[i] - own[i]) * gradient[i];
                    }
                    estimates[(layer * heads + head) * length + position] = sign * sum;
                }
            }
        }
        return estimates;
    }

    /** The fixed estimates of queries, {@code [layers, heads, positions]}. */
    public double[] fixedQueries(int pair) {
        return fixed(pair, (row, i) -> {
            double[] scores = new double[i + 1];
            double largest = Double.NEGATIVE_INFINITY;
            for (int j = 0; j <= i; j++) {
                scores[j] = row.score(row.otherQuery, row.ownKey, i, j);
                largest = Math.max(largest, scores[j]);
            }
            double sum = 0;
            for (int j = 0; j <= i; j++) {
                scores[j] = Math.exp(scores[j] - largest);
                sum += scores[j];
            }
            double estimate = 0;
            for (int j = 0; j <= i; j++) {
                estimate += (scores[j] / sum - row.pattern(i, j)) * row.gradient(i, j);
            }
            return estimate;
        });
    }

    /** The fixed estimates of keys, {@code [layers, heads, positions]}. */
    public double[] fixedKeys(int pair) {
        return fixed(pair, (row, j) -> {
            double estimate = 0;
            for (int i = j; i < row.length; i++) {
                double whole = 0;
                for (int m = 0; m <= i; m++) {
                    whole += row.pattern(i, m) * row.gradient(i, m);
                }
                // One score of the row changes, and with it the sum that all are divided by.
                double own = row.pattern(i, j);
                double grown = own
                        * Math.exp(row.score(row.ownQuery, row.otherKey, i, j)
                                - row.score(row.ownQuery, row.ownKey, i, j));
                estimate += (whole + (grown - own) * row.gradient(i, j)) / (1 - own + grown) - whole;
            }
            return estimate;
        });
    }

    private interface Estimate {
        double of(Rows rows, int position);
    }

    /** One head's queries, keys and patterns on one pair. */
    private record Rows(
            int length,
            int dHead,
            int heads,
            int head,
            double scale,
            float[] ownQuery,
            float[] otherQuery,
            float[] ownKey,
            float[] otherKey,
            float[] patterns,
            float[] gradients) {
        double score(float[] query, float[] key, int i, int j) {
            double sum = 0;
            for (int c = 0; c < dHead; c++) {
                sum += (double) query[(i * heads + head) * dHead + c] * key[(j * heads + head) * dHead + c];
            }
            return scale * sum;
        }

        double pattern(int i, int j) {
            return patterns[(head * length + i) * length + j];
        }

        double gradient(int i, int j) {
            return gradients[(head * length + i) * length + j];
        }
    }

    private double[] fixed(int pair, Estimate estimate) {
        int length = lengths[BadInputException.requireIndex("pair", pair, lengths.length)];
        double[] estimates = new double[config.nLayers() * config.nHeads() * length];
        for (int layer = 0; layer < config.nLayers(); layer++) {
            HookPoint query = HookPoint.of(Site.Q, layer);
            HookPoint key = HookPoint.of(Site.K, layer);
            HookPoint pattern = HookPoint.of(Site.PATTERN, layer);
            for (int head = 0; head < config.nHeads(); head++) {
                Rows rows = new Rows(
                        length,
                        config.dHead(),
                        config.nHeads(),
                        head,
                        config.attnScale(layer),
                        clean.values(query, pair),
                        corrupted.values(query, pair),
                        clean.values(key, pair),
                        corrupted.values(key, pair),
                        clean.values(pattern, pair),
                        gradients.values(pattern, pair));
                for (int position = 0; position < length; position++) {
                    estimates[(layer * config.nHeads() + head) * length + position] =
                            sign * estimate.of(rows, position);
                }
            }
        }
        return estimates;
    }

    /**
     * The estimates with the gradient through one layer's heads and MLP cut (GradDrop), which brings to light effects
     * that cancel through that layer. Those of the layer itself are 0.
     *
     * @param part {@link Part#Z} or {@link Part#MLP_OUT}
     * @return by pair, in the shape that the part says
     */
    public double[][] dropping(int layer, Part part) {
        BadInputException.requireIndex("layer", layer, config.nLayers());
        if (part != Part.Z && part != Part.MLP_OUT) {
            throw new BadInputException("gradients are dropped for what nodes write, Z or MLP_OUT, found " + part);
        }
        List<HookPoint> points = new ArrayList<>();
        for (int l = 0; l < config.nLayers(); l++) {
            points.add(HookPoint.of(part.site, l));
        }
        Gradients cut = Gradients.of(
                model,
                prompts,
                Capture.of(points),
                GradientPass.of(model, prompts, objective)
                        .stopping(List.of(HookPoint.of(Site.ATTN_OUT, layer), HookPoint.of(Site.MLP_OUT, layer))));
        double[][] estimates = new double[lengths.length][];
        for (int pair = 0; pair < lengths.length; pair++) {
            estimates[pair] = of(part, pair, cut, layer);
        }
        return estimates;
    }

    /**
     * AtP*'s ranking of what nodes write: the mean over pairs of {@code 1/(L-1)} times the sum, over the dropped layer,
     * of the absolute estimates, each summed over positions.
     *
     * @return by part, {@code [layers, heads]} or {@code [layers]}
     */
    public Map<Part, double[]> ranking() {
        if (config.nLayers() < 2) {
            throw new BadInputException("dropping one layer's gradients leaves nothing of a model of one layer");
        }
        Map<Part, double[]> ranking = new EnumMap<>(Part.class);
        for (Part part : List.of(Part.Z, Part.MLP_OUT)) {
            int nodes = config.nLayers() * (part == Part.Z ? config.nHeads() : 1);
            double[] sums = new double[nodes];
            for (int layer = 0; layer < config.nLayers(); layer++) {
                double[][] dropped = dropping(layer, part);
                for (int pair = 0; pair < lengths.length; pair++) {
                    for (int node = 0; node < nodes; node++) {
                        sums[node] += Math.abs(sum(dropped[pair], node, lengths[pair]))
                                / ((config.nLayers() - 1.0) * lengths.length);
                    }
                }
            }
            ranking.put(part, sums);
        }
        return ranking;
    }

    private static double sum(double[] values, int node, int length) {
        return Arrays.stream(values, node * length, (node + 1) * length).sum();
    }

    /**
     * Head importance (HISP, Michel et al. 2019, against the corrupted run): the mean over pairs of the absolute
     * estimate of each head, summed over positions.
     *
     * @param byLayer whether each layer's values are divided by their L2 norm
     * @return {@code [layers, heads]}
     */
    public double[] headImportance(boolean byLayer) {
        int heads = config.nHeads();
        double[] importance = new double[config.nLayers() * heads];
        for (int pair = 0; pair < lengths.length; pair++) {
            double[] estimates = of(Part.Z, pair);
            for (int head = 0; head < importance.length; head++) {
                importance[head] += Math.abs(sum(estimates, head, lengths[pair])) / lengths.length;
            }
        }
        for (int layer = 0; byLayer && layer < config.nLayers(); layer++) {
            double squares = 0;
            for (int head = 0; head < heads; head++) {
                squares += importance[layer * heads + head] * importance[layer * heads + head];
            }
            for (int head = 0; head < heads && squares > 0; head++) {
                importance[layer * heads + head] /= Math.sqrt(squares);
            }
        }
        return importance;
    }

    /** The estimates of every neuron of the MLPs, summed over positions: {@code [layers, dMlp]} of one pair. */
    public double[] neurons(int pair) {
        int length = lengths[BadInputException.requireIndex("pair", pair, lengths.length)];
        int width = config.dMlp();
        double[] estimates = new double[config.nLayers() * width];
        for (int layer = 0; layer < config.nLayers(); layer++) {
            HookPoint point = HookPoint.of(Site.MLP_POST, layer);
            float[] own = clean.values(point, pair);
            float[] other = corrupted.values(point, pair);
            float[] gradient = gradients.values(point, pair);
            for (int i = 0; i < length * width; i++) {
                estimates[layer * width + i % width] += sign * ((double) other[i] - own[i]) * gradient[i];
            }
        }
        return estimates;
    }

    @Override
    public String toString() {
        return "attribution patching of " + prompts;
    }
}
