package dev.hyaline.explorer.view;

import dev.hyaline.analysis.metric.Logits;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.NextToken;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
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

    private final ComparedRun base;
    private final SequenceEdit edit;
    private final int position;
    private final int top;
    private final int[] compared;
    private final int @Nullable [] head;
    private final boolean whole;

    private RunComparison(
            ComparedRun base,
            SequenceEdit edit,
            int position,
            int top,
            int[] compared,
            int @Nullable [] head,
            boolean whole) {
        this.base = base;
        this.edit = edit;
        this.position = position;
        this.top = top;
        this.compared = compared;
        this.head = head;
        this.whole = whole;
    }

    /** The comparison of a sequence of a run with the same under edits, at its last position. */
    public static RunComparison of(BaseRun run, int sequence, Interventions edits) {
        return of(ComparedRun.of(run, sequence), edits);
    }

    /** The same with a sequence that others are compared with too. */
    public static RunComparison of(ComparedRun base, Interventions edits) {
        return new RunComparison(
                base, new SequenceEdit(base.sequence(), edits), base.length() - 1, TOP, new int[0], null, true);
    }

    /** Chooses the position whose next token is looked at; a negative one counts from the end. */
    public RunComparison position(int newPosition) {
        int length = base.length();
        int counted = newPosition < 0 ? newPosition + length : newPosition;
        BadInputException.requireIndex("position", counted, length);
        return new RunComparison(base, edit, counted, top, compared, head, whole);
    }

    /** Sets how many of the likeliest tokens of each run are shown, by default 10. */
    public RunComparison top(int tokens) {
        if (tokens < 1 || tokens > config().dVocab()) {
            throw new BadInputException("the number of likeliest tokens must be from 1 to the vocabulary's "
                    + config().dVocab() + ", found " + tokens);
        }
        return new RunComparison(base, edit, position, tokens, compared, head, whole);
    }

    /** Chooses two tokens, of whose logits the difference is taken; by default the two likeliest of the run. */
    public RunComparison compare(int token, int other) {
        BadInputException.requireIndex("token", token, config().dVocab());
        BadInputException.requireIndex("token", other, config().dVocab());
        return new RunComparison(base, edit, position, top, new int[] {token, other}, head, whole);
    }

    /** Chooses the head whose pattern is shown; by default the one whose pattern changes most. */
    public RunComparison head(int layer, int newHead) {
        BadInputException.requireIndex("layer", layer, config().nLayers());
        BadInputException.requireIndex("head", newHead, config().nHeads());
        return new RunComparison(base, edit, position, top, compared, new int[] {layer, newHead}, whole);
    }

    /** Leaves out what takes more than the logits of one position: divergences of all positions, and attention. */
    public RunComparison onePosition() {
        return new RunComparison(base, edit, position, top, compared, head, false);
    }

    Gpt2Config config() {
        return base.config();
    }

    int length() {
        return base.length();
    }

    int position() {
        return position;
    }

    Interventions edits() {
        return edit.interventions();
    }

    Outcome outcome() {
        int[] all = IntStream.range(0, length()).toArray();
        // One rerun for everything, where its logits fit.
        boolean atOnce = whole && (long) length() * config().dVocab() <= MAX_LOGITS;
        int[] layers = whole ? patternLayers() : new int[0];
        int[] formed = atOnce ? all : new int[] {position};
        ComparedRun.Row[] rows = base.rows(formed);
        RerunResult result = rerun(LogitSelection.rows(formed), ComparedRun.points(layers));
        int vocabulary = config().dVocab();
        int at = atOnce ? position : 0;
        float[] before = rows[at].logits();
        float[] after = Arrays.copyOfRange(result.logits(), at * vocabulary, (at + 1) * vocabulary);
        double[] p = rows[at].logProbabilities();
        double[] q = NextToken.logProbabilities(after);
        List<NextToken> baseLikeliest = NextToken.likeliest(before, p, Math.max(top, 2));
        List<NextToken> editedLikeliest = NextToken.likeliest(after, q, top);
        int[] pair = compared.length > 0
                ? compared
                : baseLikeliest.stream().limit(2).mapToInt(NextToken::token).toArray();
        Set<Integer> shown = new LinkedHashSet<>();
        baseLikeliest.stream().limit(top).forEach(token -> shown.add(token.token()));
        editedLikeliest.forEach(token -> shown.add(token.token()));
        Arrays.stream(pair).forEach(shown::add);
        List<Integer> tokens = List.copyOf(shown);
        Whole rest = null;
        if (whole) {
            Divergences divergences = new Divergences(length(), pair);
            if (atOnce) {
                divergences.add(all, rows, result.logits());
            } else {
                divergences.addAll();
            }
            rest = divergences.whole(layers.length == 0 ? null : change(layers, result));
        }
        return new Outcome(
                tokens.stream().mapToInt(token -> token).toArray(),
                floats(tokens, before),
                floats(tokens, after),
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
                result.work());
    }

    private RerunResult rerun(LogitSelection logits, List<HookPoint> points) {
        Rerun rerun = base.run().rerun(List.of(edit)).logits(logits);
        return (points.isEmpty() ? rerun : rerun.reading(Capture.of(points)))
                .results()
                .getFirst();
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

    /** What becomes of the predictions, position by position. */
    private final class Divergences {
        private final int[] pair;
        private final double[] divergence;
        private final double[] baseDifference;
        private final double[] editedDifference;

        Divergences(int length, int[] pair) {
            this.pair = pair;
            divergence = new double[length];
            baseDifference = new double[length];
            editedDifference = new double[length];
        }

        /** Adds some positions. */
        void add(int[] positions, ComparedRun.Row[] before, float[] logits) {
            Logits after = new Logits(positions, logits);
            IntStream.range(0, positions.length).parallel().forEach(i -> {
                int row = positions[i];
                divergence[row] = divergence(before[i].logProbabilities(), after.logProbabilities(row));
                if (pair.length == 2) {
                    float[] values = before[i].logits();
                    baseDifference[row] = (double) values[pair[0]] - values[pair[1]];
                    editedDifference[row] = after.at(row, pair[0]) - after.at(row, pair[1]);
                }
            });
        }

        /** Adds all positions, as many at a time as are held. */
        void addAll() {
            int step = Math.max(1, MAX_LOGITS / config().dVocab());
            for (int first = 0; first < divergence.length; first += step) {
                int[] positions = IntStream.range(first, Math.min(divergence.length, first + step))
                        .toArray();
                add(
                        positions,
                        base.rows(positions),
                        rerun(LogitSelection.rows(positions), List.of()).logits());
            }
        }

        Whole whole(@Nullable PatternChange patterns) {
            return new Whole(
                    divergence,
                    pair.length == 2 ? baseDifference : null,
                    pair.length == 2 ? editedDifference : null,
                    patterns);
        }
    }

    /** The layers whose patterns are read: from the first edited one on; none if no edit can change one. */
    private int[] patternLayers() {
        int layers = config().nLayers();
        int first = edit.interventions().list().stream()
                .map(Intervention::target)
                .mapToInt(this::firstLayer)
                .min()
                .orElse(layers);
        if (first >= layers) {
            return new int[0];
        }
        long perLayer = (long) config().nHeads() * length() * length();
        int last = layers - 1;
        if (perLayer * (layers - first) > MAX_PATTERN_VALUES) {
            first = head == null ? Math.min(first + 1, last) : Math.max(head[0], first);
            last = first;
        }
        return IntStream.rangeClosed(first, last).toArray();
    }

    private int firstLayer(Target target) {
        return switch (target.site().stage()) {
            case EMBEDDING -> 0;
            case ATTENTION, MLP -> target.layers().in(config().nLayers(), "layer")[0];
            case UNEMBEDDING -> config().nLayers();
        };
    }

    private PatternChange change(int[] layers, RerunResult edited) {
        List<HookPoint> points = ComparedRun.points(layers);
        float[][] unedited = base.patterns(layers);
        int heads = config().nHeads();
        int size = length() * length();
        float[] change = new float[layers.length * heads];
        int most = 0;
        for (int l = 0; l < layers.length; l++) {
            float[] before = unedited[l];
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
                Arrays.copyOfRange(unedited[layer], shown * size, (shown + 1) * size),
                Arrays.copyOfRange(edited.values(points.get(layer)), shown * size, (shown + 1) * size));
    }

    @Override
    public String toString() {
        return edit + " of " + base.run();
    }
}
