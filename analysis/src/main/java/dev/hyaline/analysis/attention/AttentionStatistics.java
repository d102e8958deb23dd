package dev.hyaline.analysis.attention;

import dev.hyaline.analysis.table.Axis;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.Prompts;
import java.util.List;

/**
 * Statistics of how each head spreads its attention, by layer and head. Means are over queries from the second position
 * on: the first sees nothing but itself.
 *
 * @param entropy in nats: 0 for a head that looks at one key, {@code ln(n)} for one that looks at n alike
 * @param entropyShare of the largest a query can have, {@code ln} of its number of keys
 * @param largestWeight the largest attention of a query
 * @param shareAbove share of a query's keys with attention above the threshold
 * @param distances attention by how far back the key is, {@code [layer, head, distance]}: of the queries that have a
 *     key so far back, the mean
 * @param halfDistance how far back a query must go to have half its attention
 */
public record AttentionStatistics(
        ResultTable entropy,
        ResultTable entropyShare,
        ResultTable largestWeight,
        ResultTable shareAbove,
        ResultTable distances,
        ResultTable halfDistance) {

    private static final String ENTROPY = "Entropy of attention";
    private static final String ENTROPY_SHARE = "Entropy of attention as a share of the largest";
    private static final String LARGEST = "Largest attention weight";
    private static final String ABOVE = "Keys with attention above ";
    private static final String DISTANCES = "Attention by distance";
    private static final String HALF_DISTANCE = "Distance at half of the attention";

    /** The tables of all statistics. */
    public List<ResultTable> tables() {
        return List.of(entropy, entropyShare, largestWeight, shareAbove, distances, halfDistance);
    }

    /** Returns whether a table of that title is one of these. */
    public static boolean isTitle(String title) {
        return title.startsWith(ABOVE)
                || List.of(ENTROPY, ENTROPY_SHARE, LARGEST, DISTANCES, HALF_DISTANCE)
                        .contains(title);
    }

    /**
     * The table of a title, measured on prompts of at least two tokens.
     *
     * @throws BadInputException if none is called so
     */
    public static ResultTable measure(Gpt2 model, Prompts prompts, String title) {
        double threshold = title.startsWith(ABOVE) ? Double.parseDouble(title.substring(ABOVE.length())) : 0;
        return measure(model, prompts, threshold).tables().stream()
                .filter(table -> table.title().equals(title))
                .findFirst()
                .orElseThrow(() -> new BadInputException("no statistic of attention is called '" + title + "'"));
    }

    /**
     * Runs prompts of at least two tokens.
     *
     * @param threshold attention above which a key counts, between 0 and 1
     * @throws BadInputException if the threshold is outside, or a prompt has one token
     */
    public static AttentionStatistics measure(Gpt2 model, Prompts prompts, double threshold) {
        Measured measured = Measured.of(model.config(), prompts, threshold);
        AttentionPatterns.read(model, prompts, measured::add);
        return measured.tables();
    }

    /** Statistics whose patterns come one by one. */
    static final class Measured {
        private final Gpt2Config config;
        private final Prompts prompts;
        private final double threshold;
        private final int reach;
        private final double[][] figures;
        private final double[] byDistance;

        private Measured(Gpt2Config config, Prompts prompts, double threshold, int reach) {
            this.config = config;
            this.prompts = prompts;
            this.threshold = threshold;
            this.reach = reach;
            int cells = config.nLayers() * config.nHeads() * prompts.size();
            figures = new double[5][cells];
            byDistance = new double[cells * reach];
        }

        static Measured of(Gpt2Config config, Prompts prompts, double threshold) {
            if (!(threshold >= 0 && threshold < 1)) {
                throw new BadInputException(
                        "the threshold of attention must be at least 0 and below 1, found " + threshold);
            }
            int longest = 0;
            for (int prompt = 0; prompt < prompts.size(); prompt++) {
                requireChoice(prompts, prompt);
                longest = Math.max(longest, prompts.length(prompt));
            }
            return new Measured(config, prompts, threshold, longest);
        }

        void add(int prompt, int layer, int head, float[] maps, int offset) {
            int n = prompts.length(prompt);
            int samples = prompts.size();
            int cell = layer * config.nHeads() + head;
            int at = cell * samples + prompt;
            Entropy entropy = Entropy.of(maps, offset, n);
            figures[0][at] = entropy.mean;
            figures[1][at] = largestWeight(maps, offset, n);
            figures[2][at] = shareAbove(maps, offset, n, threshold);
            figures[3][at] = entropy.meanShare;
            figures[4][at] = halfDistance(maps, offset, n);
            double[] profile = distances(maps, offset, n);
            for (int d = 0; d < reach; d++) {
                byDistance[(cell * reach + d) * samples + prompt] = d < n ? profile[d] : Double.NaN;
            }
        }

        AttentionStatistics tables() {
            List<Axis> axes = List.of(Axis.layers(config.nLayers()), Axis.heads(config.nHeads()));
            return new AttentionStatistics(
                    table(ENTROPY, "entropy", "nats", axes, prompts, figures[0]),
                    table(ENTROPY_SHARE, "entropy", "share of ln n", axes, prompts, figures[3]),
                    table(LARGEST, "largest weight", "probability", axes, prompts, figures[1]),
                    table(ABOVE + threshold, "share of keys", "share", axes, prompts, figures[2]),
                    table(
                            DISTANCES,
                            "attention",
                            "probability",
                            List.of(axes.get(0), axes.get(1), Axis.indices("distance", reach)),
                            prompts,
                            byDistance),
                    table(HALF_DISTANCE, "distance", "positions", axes, prompts, figures[4]));
        }
    }

    private static ResultTable table(
            String title, String quantity, String unit, List<Axis> axes, Prompts prompts, double[] values) {
        return ResultTable.of(title, quantity, unit, axes, HeadScores.names(prompts), values)
                .ofSamples("prompts")
                .ofPrompts(prompts);
    }

    static void requireChoice(Prompts prompts, int prompt) {
        if (prompts.length(prompt) < 2) {
            throw new BadInputException(prompts.name(prompt) + " has one token, from which no head has a choice");
        }
    }

    /**
     * The entropy of a head's attention, a mean over queries.
     *
     * @param meanShare the mean of each query's share of the largest that it can have
     */
    record Entropy(double mean, double meanShare) {
        static Entropy of(float[] maps, int offset, int n) {
            double sum = 0;
            double shares = 0;
            for (int query = 1; query < n; query++) {
                double entropy = rowEntropy(maps, offset + query * n, query + 1);
                sum += entropy;
                shares += entropy / Math.log(query + 1.0);
            }
            return new Entropy(sum / (n - 1), shares / (n - 1));
        }
    }

    static double halfDistance(float[] maps, int offset, int n) {
        double sum = 0;
        for (int query = 1; query < n; query++) {
            double mass = 0;
            int distance = -1;
            while (mass < 0.5 && distance < query) {
                distance++;
                mass += maps[offset + query * n + query - distance];
            }
            sum += distance;
        }
        return sum / (n - 1);
    }

    private static double rowEntropy(float[] maps, int offset, int keys) {
        double sum = 0;
        for (int key = 0; key < keys; key++) {
            double p = maps[offset + key];
            sum -= p > 0 ? p * Math.log(p) : 0;
        }
        return sum;
    }

    static double largestWeight(float[] maps, int offset, int n) {
        double sum = 0;
        for (int query = 1; query < n; query++) {
            float largest = 0;
            for (int key = 0; key <= query; key++) {
                largest = Math.max(largest, maps[offset + query * n + key]);
            }
            sum += largest;
        }
        return sum / (n - 1);
    }

    static double shareAbove(float[] maps, int offset, int n, double threshold) {
        double sum = 0;
        for (int query = 1; query < n; query++) {
            int above = 0;
            for (int key = 0; key <= query; key++) {
                above += maps[offset + query * n + key] > threshold ? 1 : 0;
            }
            sum += (double) above / (query + 1);
        }
        return sum / (n - 1);
    }

    static double[] distances(float[] maps, int offset, int n) {
        double[] profile = new double[n];
        for (int query = 1; query < n; query++) {
            int last = offset + query * n + query;
            for (int distance = 0; distance <= query; distance++) {
                profile[distance] += (double) maps[last - distance] / (n - Math.max(1, distance));
            }
        }
        return profile;
    }
}
