package dev.hyaline.analysis.attention;

import dev.hyaline.analysis.table.Axis;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.Gpt2;
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
        if (!(threshold >= 0 && threshold < 1)) {
            throw new BadInputException(
                    "the threshold of attention must be at least 0 and below 1, found " + threshold);
        }
        int samples = prompts.size();
        int layers = model.config().nLayers();
        int heads = model.config().nHeads();
        int longest = 0;
        for (int s = 0; s < samples; s++) {
            requireChoice(prompts, s);
            longest = Math.max(longest, prompts.length(s));
        }
        int reach = longest;
        double[][] figures = new double[5][layers * heads * samples];
        double[] byDistance = new double[layers * heads * reach * samples];
        AttentionPatterns.read(model, prompts, (prompt, layer, head, maps, offset) -> {
            int n = prompts.length(prompt);
            int cell = layer * heads + head;
            figures[0][cell * samples + prompt] = entropy(maps, offset, n);
            figures[1][cell * samples + prompt] = largestWeight(maps, offset, n);
            figures[2][cell * samples + prompt] = shareAbove(maps, offset, n, threshold);
            figures[3][cell * samples + prompt] = entropyShare(maps, offset, n);
            figures[4][cell * samples + prompt] = halfDistance(maps, offset, n);
            double[] profile = distances(maps, offset, n);
            for (int d = 0; d < reach; d++) {
                byDistance[(cell * reach + d) * samples + prompt] = d < n ? profile[d] : Double.NaN;
            }
        });
        List<Axis> axes = List.of(Axis.layers(layers), Axis.heads(heads));
        return new AttentionStatistics(
                table(ENTROPY, "entropy", "nats", axes, prompts, figures[0]),
                table(ENTROPY_SHARE, "entropy", "share of ln n", axes, prompts, figures[3]),
                table(LARGEST, "largest weight", "probability", axes, prompts, figures[1]),
                table(ABOVE + threshold, "share of keys", "share", axes, prompts, figures[2]),
                table(
                        DISTANCES,
                        "attention",
                        "probability",
                        List.of(Axis.layers(layers), Axis.heads(heads), Axis.indices("distance", reach)),
                        prompts,
                        byDistance),
                table(HALF_DISTANCE, "distance", "positions", axes, prompts, figures[4]));
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

    static double entropyShare(float[] maps, int offset, int n) {
        double sum = 0;
        for (int query = 1; query < n; query++) {
            sum += rowEntropy(maps, offset + query * n, query + 1) / Math.log(query + 1.0);
        }
        return sum / (n - 1);
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

    static double entropy(float[] maps, int offset, int n) {
        double sum = 0;
        for (int query = 1; query < n; query++) {
            sum += rowEntropy(maps, offset + query * n, query + 1);
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
        for (int distance = 0; distance < n; distance++) {
            int first = Math.max(1, distance);
            for (int query = first; query < n; query++) {
                profile[distance] += (double) maps[offset + query * n + query - distance] / (n - first);
            }
        }
        return profile;
    }
}
