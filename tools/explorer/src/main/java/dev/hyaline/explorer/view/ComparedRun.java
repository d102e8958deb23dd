package dev.hyaline.explorer.view;

import dev.hyaline.analysis.metric.Logits;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.run.BaseRun;
import dev.hyaline.instrument.run.Rerun;
import dev.hyaline.instrument.run.RerunResult;
import dev.hyaline.instrument.run.SequenceEdit;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A sequence of a run as it is, for comparisons with the same under edits. What they read of it is computed once, as
 * far as it is small enough to be kept. Not thread-safe.
 */
public final class ComparedRun {
    /** Logits that are kept, with as many log probabilities in double precision. */
    private static final int MAX_KEPT_LOGITS = 1 << 22;

    /** Attention values that are kept. */
    private static final int MAX_KEPT_PATTERNS = 1 << 23;

    private final BaseRun run;
    private final int sequence;
    private final Map<Integer, Row> rows = new HashMap<>();
    private final Map<Integer, float[]> patterns = new HashMap<>();

    /** The logits of a position. */
    record Row(float[] logits, double[] logProbabilities) {
        static Row of(float[] logits) {
            return new Row(logits, new Logits(new int[] {0}, logits).logProbabilities());
        }
    }

    private ComparedRun(BaseRun run, int sequence) {
        this.run = run;
        this.sequence = sequence;
    }

    /**
     * A sequence of a run.
     *
     * @throws BadInputException if there is no such sequence
     */
    public static ComparedRun of(BaseRun run, int sequence) {
        BadInputException.requireIndex("sequence", sequence, run.sequences());
        return new ComparedRun(run, sequence);
    }

    public BaseRun run() {
        return run;
    }

    public int sequence() {
        return sequence;
    }

    /**
     * The logits of a position, {@code [dVocab]}; not to be changed.
     *
     * @throws BadInputException if there is no such position
     */
    public float[] logits(int position) {
        BadInputException.requireIndex("position", position, length());
        return rows(new int[] {position})[0].logits;
    }

    int length() {
        return run.length(sequence);
    }

    Gpt2Config config() {
        return run.model().config();
    }

    /** The logits of positions, formed together where they are not kept. */
    Row[] rows(int... positions) {
        int[] missing = Arrays.stream(positions)
                .filter(position -> !rows.containsKey(position))
                .toArray();
        int vocabulary = config().dVocab();
        Map<Integer, Row> formed = new HashMap<>();
        if (missing.length > 0) {
            float[] logits = rerun(LogitSelection.rows(missing), List.of()).logits();
            Row[] made = new Row[missing.length];
            Arrays.parallelSetAll(made, i -> Row.of(Arrays.copyOfRange(logits, i * vocabulary, (i + 1) * vocabulary)));
            for (int i = 0; i < missing.length; i++) {
                formed.put(missing[i], made[i]);
            }
        }
        if ((long) (rows.size() + formed.size()) * vocabulary > MAX_KEPT_LOGITS) {
            rows.keySet().retainAll(Arrays.stream(positions).boxed().toList());
        }
        Row[] found = new Row[positions.length];
        Arrays.setAll(found, i -> {
            Row kept = rows.get(positions[i]);
            return kept != null ? kept : Objects.requireNonNull(formed.get(positions[i]));
        });
        if ((long) (rows.size() + formed.size()) * vocabulary <= MAX_KEPT_LOGITS) {
            rows.putAll(formed);
        }
        return found;
    }

    /** The attention patterns of layers, {@code [layers][nHeads * length * length]}. */
    float[][] patterns(int... layers) {
        int[] missing = Arrays.stream(layers)
                .filter(layer -> !patterns.containsKey(layer))
                .toArray();
        Map<Integer, float[]> formed = new HashMap<>();
        if (missing.length > 0) {
            List<HookPoint> points = points(missing);
            RerunResult result = rerun(LogitSelection.none(), points);
            for (int i = 0; i < missing.length; i++) {
                formed.put(missing[i], result.values(points.get(i)));
            }
        }
        float[][] found = new float[layers.length][];
        Arrays.setAll(found, i -> {
            float @Nullable [] kept = patterns.get(layers[i]);
            return kept != null ? kept : Objects.requireNonNull(formed.get(layers[i]));
        });
        long perLayer = (long) config().nHeads() * length() * length();
        if ((patterns.size() + formed.size()) * perLayer <= MAX_KEPT_PATTERNS) {
            patterns.putAll(formed);
        }
        return found;
    }

    /** The points of patterns. */
    static List<HookPoint> points(int... layers) {
        return IntStream.of(layers)
                .mapToObj(layer -> HookPoint.of(Site.PATTERN, layer))
                .toList();
    }

    private RerunResult rerun(LogitSelection logits, List<HookPoint> points) {
        Rerun rerun = run.rerun(List.of(SequenceEdit.of(sequence))).logits(logits);
        return (points.isEmpty() ? rerun : rerun.reading(Capture.of(points)))
                .results()
                .getFirst();
    }

    @Override
    public String toString() {
        return "sequence " + sequence + " of " + run;
    }
}
