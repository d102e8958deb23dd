package dev.hyaline.analysis.attention;

import dev.hyaline.analysis.table.Axis;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
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

    private HeadScores() {}

    /** As {@link #measure(Gpt2, Prompts, Map)}, for every {@link HeadType}. */
    public static ResultTable measure(Gpt2 model, Prompts prompts) {
        Map<String, AttentionTarget> targets = new LinkedHashMap<>();
        Arrays.stream(HeadType.values()).forEach(type -> targets.put(type.toString(), type));
        return measure(model, prompts, targets);
    }

    /**
     * Scores every head on every prompt: {@code [type, layer, head]}, each from 0 to 1. NaN for a type that no query of
     * a prompt has a key for, as induction in a prompt without repetition. Scores are compared with those of uniform
     * attention.
     *
     * @param targets kinds of heads by name
     */
    public static ResultTable measure(Gpt2 model, Prompts prompts, Map<String, AttentionTarget> targets) {
        if (targets.isEmpty()) {
            throw new BadInputException("there is no kind of head to score");
        }
        List<AttentionTarget> list = List.copyOf(targets.values());
        int layers = model.config().nLayers();
        int heads = model.config().nHeads();
        double[] values = new double[list.size() * layers * heads * prompts.size()];
        double[] uniform = new double[values.length];
        AttentionPatterns.read(model, prompts, (prompt, layer, head, maps, offset) -> {
            int[] tokens = prompts.tokens(prompt);
            for (int type = 0; type < list.size(); type++) {
                int cell = (type * layers + layer) * heads + head;
                Score score = score(list.get(type), tokens, maps, offset);
                values[cell * prompts.size() + prompt] = score.score();
                uniform[cell * prompts.size() + prompt] = score.uniform();
            }
        });
        return ResultTable.of(
                        TITLE,
                        "share of attention",
                        "probability",
                        List.of(
                                new Axis("type", List.copyOf(targets.keySet())),
                                Axis.layers(layers),
                                Axis.heads(heads)),
                        names(prompts),
                        values)
                .ofSamples("prompts")
                .ofPrompts(prompts)
                .comparedWith("uniform attention", uniform);
    }

    /**
     * The mean over the queries that have a key to look at of the attention on all such keys; NaN if there is no such
     * query.
     *
     * @param uniform that of a head that looks at all keys alike
     */
    record Score(double score, double uniform) {}

    static Score score(AttentionTarget target, int[] tokens, float[] maps, int offset) {
        int n = tokens.length;
        double sum = 0;
        double uniform = 0;
        int queries = 0;
        for (int query = 0; query < n; query++) {
            int keys = 0;
            for (int key = 0; key <= query; key++) {
                if (target.looks(tokens, query, key)) {
                    keys++;
                    sum += maps[offset + query * n + key];
                }
            }
            queries += keys > 0 ? 1 : 0;
            uniform += keys / (query + 1.0);
        }
        return queries == 0 ? new Score(Double.NaN, Double.NaN) : new Score(sum / queries, uniform / queries);
    }

    static List<String> names(Prompts prompts) {
        return IntStream.range(0, prompts.size()).mapToObj(prompts::name).toList();
    }
}
