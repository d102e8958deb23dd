package dev.hyaline.analysis.attention;

import dev.hyaline.analysis.statistics.TTest;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.Prompts;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * How every head attends on prompts of one kind, natural or random: the share of attention on the keys of each pattern,
 * and its excess over uniform attention, {@code (score - u) / (1 - u)}. Means over prompts of means over the queries,
 * from the second position on, that have such a key.
 */
public final class PatternEvidence {
    /** Keys that are punctuation. */
    static final String SEPARATOR = "separator";

    /** Begins the name of a pattern from the last position to that of a role. */
    static final String ROLE = "role:";

    /** Cells of all heads' patterns of which a mean is kept. */
    private static final long MAX_CELLS = 1L << 24;

    /**
     * A pattern's mean figures of one head.
     *
     * @param score share of attention on its keys; NaN if no prompt has any
     * @param standardError of the score, by units; NaN of one
     * @param excess over uniform attention
     * @param share of uniform attention
     */
    record Figure(double score, double standardError, double excess, double share) {}

    private final Gpt2Config config;
    private final List<String> types;
    /** {@code [heads, types, 3, prompts]} */
    private final double[][][][] values;
    /** {@code [heads, prompts]} */
    private final double[][] entropyShares;

    private final double @Nullable [] positional;
    private final Units units;

    private PatternEvidence(
            Gpt2Config config,
            List<String> types,
            double[][][][] values,
            double[][] entropyShares,
            double @Nullable [] positional,
            Units units) {
        this.config = config;
        this.types = types;
        this.values = values;
        this.entropyShares = entropyShares;
        this.positional = positional;
        this.units = units;
    }

    /**
     * The same evidence, of which it is known which prompts belong together; else each counts as one.
     *
     * @throws BadShapeException if the units are of more or fewer prompts
     */
    public PatternEvidence ofUnits(Units newUnits) {
        if (newUnits.prompts() != units.prompts()) {
            throw new BadShapeException(
                    "units of patterns", "those of " + units.prompts() + " prompts", "units of " + newUnits.prompts());
        }
        return new PatternEvidence(config, types, values, entropyShares, positional, newUnits);
    }

    /**
     * Measures prompts of at least two tokens without roles.
     *
     * @param punctuation tells the tokens that separate
     */
    public static PatternEvidence measure(Gpt2 model, Prompts prompts, IntPredicate punctuation) {
        return measure(model, prompts, punctuation, List.of());
    }

    /**
     * Measures prompts of at least two tokens.
     *
     * @param punctuation tells the tokens that separate
     * @param roles positions by role of every prompt, or none at all
     * @throws BadInputException if a prompt has one token, or roles are of more or fewer prompts
     */
    public static PatternEvidence measure(
            Gpt2 model, Prompts prompts, IntPredicate punctuation, List<Map<String, Integer>> roles) {
        return measure(
                model.config(), prompts, punctuation, roles, reader -> AttentionPatterns.read(model, prompts, reader));
    }

    /** Gives every head's pattern on every prompt. */
    interface Source {
        void read(AttentionPatterns.Reader reader);
    }

    static PatternEvidence measure(
            Gpt2Config config,
            Prompts prompts,
            IntPredicate punctuation,
            List<Map<String, Integer>> roles,
            Source source) {
        if (!roles.isEmpty() && roles.size() != prompts.size()) {
            throw new BadInputException(
                    "roles are of every prompt, " + prompts.size() + ", found those of " + roles.size());
        }
        List<String> types = new ArrayList<>();
        List<PromptTarget> targets = new ArrayList<>();
        for (HeadType type : HeadType.values()) {
            types.add(type.toString());
            targets.add((prompt, tokens, query, key) -> type.looks(tokens, query, key));
        }
        types.add(SEPARATOR);
        targets.add((prompt, tokens, query, key) -> query > 0 && punctuation.test(tokens[key]));
        TreeSet<String> names = new TreeSet<>();
        roles.forEach(of -> names.addAll(of.keySet()));
        for (String role : names) {
            types.add(ROLE + role);
            targets.add((prompt, tokens, query, key) -> query == tokens.length - 1
                    && query > 0
                    && roles.get(prompt).getOrDefault(role, query) == key
                    && key != query);
        }
        int heads = config.nLayers() * config.nHeads();
        double[][][][] values = new double[heads][types.size()][3][prompts.size()];
        double[][] entropies = new double[heads][prompts.size()];
        Variance[] variances = variances(prompts, heads);
        for (int prompt = 0; prompt < prompts.size(); prompt++) {
            AttentionStatistics.requireChoice(prompts, prompt);
        }
        source.read((prompt, layer, head, maps, offset) -> {
            int cell = layer * config.nHeads() + head;
            int[] tokens = prompts.tokens(prompt);
            for (int type = 0; type < targets.size(); type++) {
                double[] of = figures(targets.get(type), prompt, tokens, maps, offset);
                for (int i = 0; i < of.length; i++) {
                    values[cell][type][i][prompt] = of[i];
                }
            }
            entropies[cell][prompt] =
                    AttentionStatistics.Entropy.of(maps, offset, tokens.length).meanShare();
            if (variances.length > 0) {
                variances[cell].add(maps, offset);
            }
        });
        double[] explained = variances.length == 0
                ? null
                : Arrays.stream(variances).mapToDouble(Variance::explained).toArray();
        return new PatternEvidence(
                config, List.copyOf(types), values, entropies, explained, Units.each(prompts.size()));
    }

    /** The keys of a pattern, which may depend on the prompt. */
    interface PromptTarget {
        boolean looks(int prompt, int[] tokens, int query, int key);
    }

    /** Score, excess and share of one head on one prompt; NaN where no query has a key. */
    static double[] figures(PromptTarget target, int prompt, int[] tokens, float[] maps, int offset) {
        int n = tokens.length;
        double score = 0;
        double share = 0;
        int queries = 0;
        for (int query = 1; query < n; query++) {
            int keys = 0;
            double sum = 0;
            for (int key = 0; key <= query; key++) {
                if (target.looks(prompt, tokens, query, key)) {
                    keys++;
                    sum += maps[offset + query * n + key];
                }
            }
            if (keys > 0) {
                queries++;
                score += sum;
                share += keys / (query + 1.0);
            }
        }
        score /= queries;
        share /= queries;
        return new double[] {score, (score - share) / (1 - share), share};
    }

    private static Variance[] variances(Prompts prompts, int heads) {
        int n = prompts.length(0);
        boolean alike = prompts.size() > 1;
        for (int prompt = 1; prompt < prompts.size(); prompt++) {
            alike &= prompts.length(prompt) == n;
        }
        if (!alike || (long) heads * n * n > MAX_CELLS) {
            return new Variance[0];
        }
        Variance[] variances = new Variance[heads];
        Arrays.setAll(variances, head -> new Variance(n));
        return variances;
    }

    /** The share of the variance of weights over keys and prompts that the mean pattern explains. */
    static final class Variance {
        private final int n;
        private final double[] sums;
        private double squares;
        private int prompts;

        Variance(int n) {
            this.n = n;
            sums = new double[n * n];
        }

        void add(float[] maps, int offset) {
            for (int query = 1; query < n; query++) {
                for (int key = 0; key <= query; key++) {
                    double p = maps[offset + query * n + key];
                    sums[query * n + key] += p;
                    squares += p * p;
                }
            }
            prompts++;
        }

        /** Each query's weights have the mean of uniform attention, about which they vary. */
        double explained() {
            double uniform = 0;
            for (int query = 1; query < n; query++) {
                uniform += prompts / (query + 1.0);
            }
            double ofMeans = 0;
            for (double sum : sums) {
                ofMeans += sum * sum / prompts;
            }
            return squares - uniform <= 0 ? 1 : (ofMeans - uniform) / (squares - uniform);
        }
    }

    Gpt2Config config() {
        return config;
    }

    List<String> types() {
        return types;
    }

    /** The means over the prompts that have such keys. */
    Figure figure(int head, int type) {
        double[][] of = values[head][type];
        return new Figure(mean(of[0]), standardError(of[0]), mean(of[1]), mean(of[2]));
    }

    private double standardError(double[] scores) {
        int[] measured = IntStream.range(0, scores.length)
                .filter(prompt -> !Double.isNaN(scores[prompt]))
                .toArray();
        if (measured.length == 0) {
            return Double.NaN;
        }
        double[] of =
                IntStream.of(measured).mapToDouble(prompt -> scores[prompt]).toArray();
        Units some = units.of(measured);
        return some.count() < 2
                ? Double.NaN
                : TTest.of(of, some).map(TTest::standardError).orElse(0.0);
    }

    private static double mean(double[] values) {
        return Arrays.stream(values)
                .filter(value -> !Double.isNaN(value))
                .average()
                .orElse(Double.NaN);
    }

    /** Entropy as a share of that of uniform attention. */
    double entropyShare(int head) {
        return mean(entropyShares[head]);
    }

    /** The share of variance that the mean pattern explains; NaN unless prompts are of one length and not too long. */
    double positional(int head) {
        return positional == null ? Double.NaN : positional[head];
    }

    @Override
    public String toString() {
        return "attention on " + Printable.plural(units.count(), "prompt") + ": " + Printable.listed(types);
    }
}
