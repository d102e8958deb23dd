package dev.hyaline.explorer.view;

import dev.hyaline.analysis.metric.Logits;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.NextToken;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.run.BaseRun;
import dev.hyaline.instrument.run.MultiplyAdds;
import dev.hyaline.instrument.run.Rerun;
import dev.hyaline.instrument.run.RerunResult;
import dev.hyaline.instrument.run.SequenceEdit;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A sequence of a run beside the same sequence under edits: what comes next, how far the predictions are apart, and
 * what became of the attention. Only what the edits can change is recomputed. Immutable; each method returns a changed
 * copy.
 */
public final class RunComparison {
    /** Logits that are held at a time, of the run and of the edited one each. */
    private static final int MAX_LOGITS = 1 << 24;

    /** Attention values that are held, of the run and of the edited one each. */
    private static final int MAX_PATTERN_VALUES = 1 << 24;

    private static final int TOP = 10;

    /** The parts of a comparison that take more than the logits of one position. */
    record Whole(
            double[] divergence,
            double @Nullable [] baseDifference,
            double @Nullable [] editedDifference,
            @Nullable PatternChange patterns) {}

    /**
     * The change of attention patterns.
     *
     * @param layers those that were read, ascending
     * @param change the largest absolute difference of a head's pattern, {@code [layers, nHeads]}
     * @param layer of the chosen head
     * @param head the chosen one
     * @param base its pattern without the edits, {@code [length, length]}
     * @param edited likewise, with them
     */
    record PatternChange(int[] layers, float[] change, int layer, int head, float[] base, float[] edited) {}

    /**
     * The outcome.
     *
     * @param tokens the likeliest of both runs and those that are compared
     * @param base logits of these, without the edits
     * @param edited likewise, with them
     * @param baseLogProbabilities likewise, natural logarithms
     * @param editedLogProbabilities likewise, with the edits
     * @param baseTop the likeliest without the edits, as indices into the tokens
     * @param editedTop likewise, with them
     * @param compared the two tokens whose difference is taken, as indices into the tokens; empty if none is
     * @param divergence the Kullback-Leibler divergence at the position, in nats
     * @param whole null if only one position was asked for
     */
    record Outcome(
            int[] tokens,
            float[] base,
            float[] edited,
            double[] baseLogProbabilities,
            double[] editedLogProbabilities,
            int[] baseTop,
            int[] editedTop,
            int[] compared,
            double divergence,
            @Nullable Whole whole,
            MultiplyAdds work) {}

    private final BaseRun run;
    private final SequenceEdit edit;
    private final int position;
    private final int top;
    private final int[] compared;
    private final int @Nullable [] head;
    private final boolean whole;
    /** Of the run at the position; null where they are to be formed. */
    private final float @Nullable [] baseLogits;

    private RunComparison(
            BaseRun run,
            SequenceEdit edit,
            int position,
            int top,
            int[] compared,
            int @Nullable [] head,
            boolean whole,
            float @Nullable [] baseLogits) {
        this.run = run;
        this.edit = edit;
        this.position = position;
        this.top = top;
        this.compared = compared;
        this.head = head;
        this.whole = whole;
        this.baseLogits = baseLogits;
    }

    /** The comparison of a sequence of a run with the same under edits, at its last position. */
    public static RunComparison of(BaseRun run, int sequence, Interventions edits) {
        BadInputException.requireIndex("sequence", sequence, run.sequences());
        return new RunComparison(
                run, new SequenceEdit(sequence, edits), run.length(sequence) - 1, TOP, new int[0], null, true, null);
    }

    /** Chooses the position whose next token is looked at; a negative one counts from the end. */
    public RunComparison position(int newPosition) {
        int length = run.length(edit.sequence());
        int counted = newPosition < 0 ? newPosition + length : newPosition;
        BadInputException.requireIndex("position", counted, length);
        return new RunComparison(run, edit, counted, top, compared, head, whole, null);
    }

    /** Sets how many of the likeliest tokens of each run are shown, by default 10. */
    public RunComparison top(int tokens) {
        if (tokens < 1 || tokens > config().dVocab()) {
            throw new BadInputException("the number of likeliest tokens must be from 1 to the vocabulary's "
                    + config().dVocab() + ", found " + tokens);
        }
        return new RunComparison(run, edit, position, tokens, compared, head, whole, baseLogits);
    }

    /** Chooses two tokens, of whose logits the difference is taken; by default the two likeliest of the run. */
    public RunComparison compare(int token, int other) {
        BadInputException.requireIndex("token", token, config().dVocab());
        BadInputException.requireIndex("token", other, config().dVocab());
        return new RunComparison(run, edit, position, top, new int[] {token, other}, head, whole, baseLogits);
    }

    /** Chooses the head whose pattern is shown; by default the one whose pattern changes most. */
    public RunComparison head(int layer, int newHead) {
        BadInputException.requireIndex("layer", layer, config().nLayers());
        BadInputException.requireIndex("head", newHead, config().nHeads());
        return new RunComparison(run, edit, position, top, compared, new int[] {layer, newHead}, whole, baseLogits);
    }

    /** Leaves out what takes more than the logits of one position: divergences of all positions, and attention. */
    public RunComparison onePosition() {
        return new RunComparison(run, edit, position, top, compared, head, false, baseLogits);
    }

    /**
     * Gives the logits of the run at the position, which another comparison formed.
     *
     * @param logits {@code [dVocab]}; neither copied nor to be changed
     * @throws BadShapeException if they are more or fewer
     */
    public RunComparison baseLogits(float[] logits) {
        if (logits.length != config().dVocab()) {
            throw new BadShapeException("the logits", config().dVocab() + " values", logits.length + " values");
        }
        return new RunComparison(run, edit, position, top, compared, head, whole, logits);
    }

    /** The logits of the run at the position, {@code [dVocab]}. */
    public float[] baseLogits() {
        return baseLogits != null
                ? baseLogits
                : run.rerun(List.of(SequenceEdit.of(edit.sequence())))
                        .logits(LogitSelection.rows(position))
                        .results()
                        .getFirst()
                        .logits();
    }

    Gpt2Config config() {
        return run.model().config();
    }

    int length() {
        return run.length(edit.sequence());
    }

    int position() {
        return position;
    }

    Interventions edits() {
        return edit.interventions();
    }

    Outcome outcome() {
        float[] base = baseLogits();
        RerunResult result = run.rerun(List.of(edit))
                .logits(LogitSelection.rows(position))
                .results()
                .getFirst();
        float[] edited = result.logits();
        List<NextToken> baseLikeliest = NextToken.likeliest(base, Math.max(top, 2));
        List<NextToken> editedLikeliest = NextToken.likeliest(edited, top);
        int[] pair = compared.length > 0
                ? compared
                : baseLikeliest.stream().limit(2).mapToInt(NextToken::token).toArray();
        Set<Integer> shown = new LinkedHashSet<>();
        baseLikeliest.stream().limit(top).forEach(token -> shown.add(token.token()));
        editedLikeliest.forEach(token -> shown.add(token.token()));
        Arrays.stream(pair).forEach(shown::add);
        List<Integer> tokens = List.copyOf(shown);
        int[] at = {position};
        double[] p = new Logits(at, base).logProbabilities();
        double[] q = new Logits(at, edited).logProbabilities();
        MultiplyAdds work = result.work();
        Whole rest = whole ? whole(pair) : null;
        return new Outcome(
                tokens.stream().mapToInt(token -> token).toArray(),
                floats(tokens, base),
                floats(tokens, edited),
                tokens.stream().mapToDouble(token -> p[token]).toArray(),
                tokens.stream().mapToDouble(token -> q[token]).toArray(),
                baseLikeliest.stream()
                        .limit(top)
                        .mapToInt(token -> tokens.indexOf(token.token()))
                        .toArray(),
                editedLikeliest.stream()
                        .mapToInt(token -> tokens.indexOf(token.token()))
                        .toArray(),
                Arrays.stream(pair).map(tokens::indexOf).toArray(),
                divergence(p, q),
                rest,
                work);
    }

    /** The run as it is, and under the edits. */
    private Rerun rerun() {
        return run.rerun(List.of(SequenceEdit.of(edit.sequence()), edit));
    }

    private static float[] floats(List<Integer> tokens, float[] logits) {
        float[] chosen = new float[tokens.size()];
        for (int i = 0; i < chosen.length; i++) {
            chosen[i] = logits[tokens.get(i)];
        }
        return chosen;
    }

    /** As {@link dev.hyaline.analysis.metric.Metric#klToClean}. */
    private static double divergence(double[] p, double[] q) {
        double divergence = 0;
        for (int i = 0; i < p.length; i++) {
            divergence += Math.exp(p[i]) * (p[i] - q[i]);
        }
        return divergence;
    }

    private Whole whole(int[] pair) {
        int length = length();
        int vocabulary = config().dVocab();
        int step = Math.max(1, MAX_LOGITS / vocabulary);
        double[] divergence = new double[length];
        double[] baseDifference = new double[length];
        double[] editedDifference = new double[length];
        for (int first = 0; first < length; first += step) {
            int[] rows = IntStream.range(first, Math.min(length, first + step)).toArray();
            List<RerunResult> results =
                    rerun().logits(LogitSelection.rows(rows)).results();
            Logits base = new Logits(rows, results.get(0).logits());
            Logits edited = new Logits(rows, results.get(1).logits());
            for (int row : rows) {
                divergence[row] = divergence(base.logProbabilities(row), edited.logProbabilities(row));
                if (pair.length == 2) {
                    baseDifference[row] = base.at(row, pair[0]) - base.at(row, pair[1]);
                    editedDifference[row] = edited.at(row, pair[0]) - edited.at(row, pair[1]);
                }
            }
        }
        return new Whole(
                divergence,
                pair.length == 2 ? baseDifference : null,
                pair.length == 2 ? editedDifference : null,
                patterns());
    }

    /** The patterns from the first edited layer on; null if no edit can change one. */
    private @Nullable PatternChange patterns() {
        int layers = config().nLayers();
        int first = edit.interventions().list().stream()
                .map(Intervention::target)
                .mapToInt(this::firstLayer)
                .min()
                .orElse(layers);
        if (first >= layers) {
            return null;
        }
        long perLayer = (long) config().nHeads() * length() * length();
        int last = layers - 1;
        if (perLayer * (layers - first) > MAX_PATTERN_VALUES) {
            first = head == null ? Math.min(first + 1, last) : Math.max(head[0], first);
            last = first;
        }
        int[] read = IntStream.rangeClosed(first, last).toArray();
        List<HookPoint> points = Arrays.stream(read)
                .mapToObj(layer -> HookPoint.of(Site.PATTERN, layer))
                .toList();
        List<RerunResult> results = rerun().logits(LogitSelection.none())
                .reading(Capture.of(points))
                .results();
        return change(read, points, results.get(0), results.get(1));
    }

    private int firstLayer(Target target) {
        return switch (target.site().stage()) {
            case EMBEDDING -> 0;
            case ATTENTION, MLP -> target.layers().in(config().nLayers(), "layer")[0];
            case UNEMBEDDING -> config().nLayers();
        };
    }

    private PatternChange change(int[] layers, List<HookPoint> points, RerunResult base, RerunResult edited) {
        int heads = config().nHeads();
        int size = length() * length();
        float[] change = new float[layers.length * heads];
        int most = 0;
        for (int l = 0; l < layers.length; l++) {
            float[] before = base.values(points.get(l));
            float[] after = edited.values(points.get(l));
            for (int h = 0; h < heads; h++) {
                float largest = 0;
                for (int i = h * size; i < (h + 1) * size; i++) {
                    largest = Math.max(largest, Math.abs(after[i] - before[i]));
                }
                change[l * heads + h] = largest;
                if (largest > change[most]) {
                    most = l * heads + h;
                }
            }
        }
        int layer = most / heads;
        int shown = most % heads;
        if (head != null) {
            int found = Arrays.binarySearch(layers, head[0]);
            if (found >= 0) {
                layer = found;
                shown = head[1];
            }
        }
        return new PatternChange(
                layers,
                change,
                layers[layer],
                shown,
                Arrays.copyOfRange(base.values(points.get(layer)), shown * size, (shown + 1) * size),
                Arrays.copyOfRange(edited.values(points.get(layer)), shown * size, (shown + 1) * size));
    }

    @Override
    public String toString() {
        return edit + " of " + run;
    }
}
