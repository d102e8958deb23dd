package dev.hyaline.analysis.attention;

import dev.hyaline.analysis.table.Axis;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.Prompts;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** The share of its attention that each head spends on the keys that heads of a kind look at. */
public final class HeadScores {
    /** The title of the table. */
    public static final String TITLE = "Attention heads by where they look";

    private final Gpt2Config config;
    private final Prompts prompts;
    private final List<String> names;
    private final List<AttentionTarget> targets;
    private final double[] values;
    private final double[] uniform;
    private Keys latest = new Keys(-1, List.of());

    /** The keys of one prompt, by type. */
    private record Keys(int prompt, List<LookedAt> types) {}

    private HeadScores(Gpt2Config config, Prompts prompts, Map<String, AttentionTarget> targets) {
        this.config = config;
        this.prompts = prompts;
        this.names = List.copyOf(targets.keySet());
        this.targets = List.copyOf(targets.values());
        values = new double[names.size() * config.nLayers() * config.nHeads() * prompts.size()];
        uniform = new double[values.length];
    }

    /** As {@link #measure(Gpt2, Prompts, Map)}, for every {@link HeadType}. */
    public static ResultTable measure(Gpt2 model, Prompts prompts) {
        return measure(model, prompts, types());
    }

    /**
     * Scores every head on every prompt: {@code [type, layer, head]}, each from 0 to 1. NaN for a type that no query of
     * a prompt has a key for, as induction in a prompt without repetition. Scores are compared with those of uniform
     * attention.
     *
     * @param targets kinds of heads by name
     */
    public static ResultTable measure(Gpt2 model, Prompts prompts, Map<String, AttentionTarget> targets) {
        HeadScores scores = of(model.config(), prompts, targets);
        AttentionPatterns.read(model, prompts, scores::add);
        return scores.table();
    }

    static HeadScores of(Gpt2Config config, Prompts prompts, Map<String, AttentionTarget> targets) {
        if (targets.isEmpty()) {
            throw new BadInputException("there is no kind of head to score");
        }
        return new HeadScores(config, prompts, targets);
    }

    /** Every {@link HeadType} by its name. */
    static Map<String, AttentionTarget> types() {
        Map<String, AttentionTarget> targets = new LinkedHashMap<>();
        Arrays.stream(HeadType.values()).forEach(type -> targets.put(type.toString(), type));
        return targets;
    }

    /** The keys of a prompt, found once for all heads: prompts come one after the other. */
    private synchronized List<LookedAt> keys(int prompt) {
        if (latest.prompt != prompt) {
            int[] tokens = prompts.tokens(prompt);
            latest = new Keys(
                    prompt,
                    targets.stream().map(target -> LookedAt.of(target, tokens)).toList());
        }
        return latest.types;
    }

    void add(int prompt, int layer, int head, float[] maps, int offset) {
        List<LookedAt> keys = keys(prompt);
        for (int type = 0; type < names.size(); type++) {
            int cell = (type * config.nLayers() + layer) * config.nHeads() + head;
            values[cell * prompts.size() + prompt] = keys.get(type).score(maps, offset);
            uniform[cell * prompts.size() + prompt] = keys.get(type).uniform;
        }
    }

    ResultTable table() {
        return ResultTable.of(
                        TITLE,
                        "share of attention",
                        "probability",
                        List.of(new Axis("type", names), Axis.layers(config.nLayers()), Axis.heads(config.nHeads())),
                        names(prompts),
                        values)
                .ofSamples("prompts")
                .ofPrompts(prompts)
                .comparedWith("uniform attention", uniform);
    }

    /**
     * The keys of a prompt that a kind of heads looks at.
     *
     * @param cells of a pattern {@code [queries, keys]}, query by query
     * @param queries those that have such a key
     * @param uniform score of a head that looks at all keys alike; NaN if no query has such a key
     */
    record LookedAt(int[] cells, int queries, double uniform) {
        static LookedAt of(AttentionTarget target, int[] tokens) {
            int n = tokens.length;
            int[] cells = new int[n];
            int count = 0;
            double uniform = 0;
            int queries = 0;
            for (int query = 0; query < n; query++) {
                int keys = 0;
                for (int key = 0; key <= query; key++) {
                    if (target.looks(tokens, query, key)) {
                        keys++;
                        cells = count < cells.length ? cells : Arrays.copyOf(cells, 2 * count);
                        cells[count++] = query * n + key;
                    }
                }
                queries += keys > 0 ? 1 : 0;
                uniform += keys / (query + 1.0);
            }
            return new LookedAt(Arrays.copyOf(cells, count), queries, queries == 0 ? Double.NaN : uniform / queries);
        }

        /** The mean over the queries that have such a key of the attention on all such keys; NaN if there is none. */
        double score(float[] maps, int offset) {
            double sum = 0;
            for (int cell : cells) {
                sum += maps[offset + cell];
            }
            return queries == 0 ? Double.NaN : sum / queries;
        }
    }

    static List<String> names(Prompts prompts) {
        return IntStream.range(0, prompts.size()).mapToObj(prompts::name).toList();
    }

    @Override
    public String toString() {
        return "scores of " + Printable.listed(names);
    }
}
