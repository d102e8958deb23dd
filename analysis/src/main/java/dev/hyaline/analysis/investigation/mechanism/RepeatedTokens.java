package dev.hyaline.analysis.investigation.mechanism;

import dev.hyaline.analysis.attention.AttentionTarget;
import dev.hyaline.analysis.investigation.ClaimComponent.HeadComponent;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Means;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.run.BaseRun;
import dev.hyaline.instrument.run.RerunResult;
import dev.hyaline.instrument.run.SequenceEdit;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Random prompts: different tokens given twice, and prompts of the same length in which nothing repeats. Patterns on
 * them are compared at the same queries and keys. The model must stay open. Not thread-safe.
 */
public final class RepeatedTokens {
    private static final int PROMPTS = 24;
    private static final int MOST_TOKENS = 20;
    private static final int LEAST_TOKENS = 3;

    private final BaseRun twice;
    private final BaseRun once;
    private final int begin;
    private final int tokens;

    private RepeatedTokens(BaseRun twice, BaseRun once, int begin, int tokens) {
        this.twice = twice;
        this.once = once;
        this.begin = begin;
        this.tokens = tokens;
    }

    /**
     * Draws prompts from the vocabulary.
     *
     * @param first the token that begins every prompt; negative for none
     * @throws BadInputException if the model has too few tokens or positions
     */
    static RepeatedTokens draw(Gpt2 model, int first, CounterRandom random) {
        int begin = first < 0 ? 0 : 1;
        int vocabulary = model.config().dVocab();
        int tokens = Math.min(MOST_TOKENS, Math.min((model.config().nCtx() - begin) / 2, (vocabulary - begin) / 2));
        if (tokens < LEAST_TOKENS) {
            throw new BadInputException("random repeated tokens need a model of at least " + 2 * LEAST_TOKENS
                    + " positions and tokens, found " + model.config().nCtx() + " positions and " + vocabulary
                    + " tokens");
        }
        int[][] repeated = new int[PROMPTS][];
        int[][] different = new int[PROMPTS][];
        for (int prompt = 0; prompt < PROMPTS; prompt++) {
            int[] drawn = IntStream.of(random.with(prompt).permutation(vocabulary))
                    .filter(token -> token != first)
                    .limit(2L * tokens)
                    .toArray();
            int[] start = begin == 0 ? new int[0] : new int[] {first};
            different[prompt] =
                    IntStream.concat(IntStream.of(start), IntStream.of(drawn)).toArray();
            repeated[prompt] = IntStream.concat(
                            IntStream.of(start), IntStream.range(0, 2 * tokens).map(i -> drawn[i % tokens]))
                    .toArray();
        }
        return new RepeatedTokens(
                BaseRun.record(model, Prompts.of(model.config(), repeated)),
                BaseRun.record(model, Prompts.of(model.config(), different)),
                begin,
                tokens);
    }

    /** Number of prompts of either kind. */
    public int size() {
        return twice.sequences();
    }

    /**
     * The mean attention, by prompt of repeated tokens, of a head on the keys of a kind.
     *
     * @return NaN where no query has such a key
     */
    public double[] attention(HeadComponent head, AttentionTarget target) {
        return scores(twice, List.of(), head, target);
    }

    /** The mean attention of a head on the keys after an earlier occurrence, by prompt of repeated tokens. */
    public double[] induction(HeadComponent head) {
        return scores(twice, List.of(), head, this::isAfterEarlier);
    }

    /** The same with other heads replaced by their mean by position. */
    public double[] inductionWithout(HeadComponent head, List<HeadComponent> ablated) {
        return scores(twice, ablated, head, this::isAfterEarlier);
    }

    /** The mean attention of a head from the same queries on the same keys where nothing repeats. */
    public double[] unrepeated(HeadComponent head) {
        return scores(once, List.of(), head, this::isAfterEarlier);
    }

    private boolean isAfterEarlier(int[] sequence, int query, int key) {
        return query >= begin + tokens && key == query - tokens + 1;
    }

    private static double[] scores(
            BaseRun run, List<HeadComponent> ablated, HeadComponent head, AttentionTarget target) {
        HookPoint point = HookPoint.of(Site.PATTERN, head.layer());
        Means means = Means.byPosition(run);
        List<Intervention> interventions = new ArrayList<>();
        for (HeadComponent other : ablated) {
            interventions.add(Intervention.mean(Target.of(Site.Z, other.layer()).heads(other.head()), means));
        }
        List<RerunResult> results = run.rerun(IntStream.range(0, run.sequences())
                        .mapToObj(prompt -> new SequenceEdit(prompt, Interventions.of(interventions)))
                        .toList())
                .logits(LogitSelection.none())
                .reading(Capture.of(point))
                .results();
        double[] scores = new double[results.size()];
        for (int prompt = 0; prompt < scores.length; prompt++) {
            int n = run.length(prompt);
            scores[prompt] = score(
                    results.get(prompt).values(point),
                    head.head() * n * n,
                    n,
                    run.prompts().tokens(prompt),
                    target);
        }
        return scores;
    }

    /**
     * The mean over the queries that have a key to look at of the attention on all such keys; NaN if there is none.
     *
     * @param offset of the head's {@code [queries, keys]}
     */
    static double score(float[] maps, int offset, int n, int[] tokens, AttentionTarget target) {
        double sum = 0;
        int queries = 0;
        for (int query = 0; query < n; query++) {
            boolean any = false;
            for (int key = 0; key <= query; key++) {
                if (target.looks(tokens, query, key)) {
                    any = true;
                    sum += maps[offset + query * n + key];
                }
            }
            queries += any ? 1 : 0;
        }
        return queries == 0 ? Double.NaN : sum / queries;
    }

    @Override
    public String toString() {
        return Printable.plural(tokens, "token") + ", repeated";
    }
}
