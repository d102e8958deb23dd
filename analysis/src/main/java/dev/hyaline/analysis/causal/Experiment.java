package dev.hyaline.analysis.causal;

import dev.hyaline.analysis.metric.Logits;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.metric.Reading;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Config;
import dev.hyaline.engine.HyalineException;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.ActivationCache;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.BaseRun;
import dev.hyaline.instrument.Capture;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.Rerun;
import dev.hyaline.instrument.RerunResult;
import dev.hyaline.instrument.SequenceEdit;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * A model, pairs of prompts and a metric: what sweeps of edits are measured on. Both runs of every pair are kept, and
 * each edit recomputes only what it can change of them. The model must stay open. Not thread-safe.
 */
public final class Experiment {
    private final Gpt2 model;
    private final PromptPairs pairs;
    private final Metric metric;
    private final Map<Side, BaseRun> runs = new EnumMap<>(Side.class);
    private final Map<Side, Map<Site, ActivationSource>> recorded = new EnumMap<>(Side.class);
    private final Logits[] cleanLogits;
    private final Baselines baselines;

    private Experiment(Gpt2 model, PromptPairs pairs, Metric metric) {
        this.model = model;
        this.pairs = pairs;
        this.metric = metric;
        runs.put(Side.CLEAN, BaseRun.of(model, pairs.clean(model.config())));
        runs.put(Side.CORRUPTED, BaseRun.of(model, pairs.corrupted(model.config())));
        cleanLogits = logits(Side.CLEAN);
        Logits[] corrupted = logits(Side.CORRUPTED);
        baselines = new Baselines(measure(Side.CLEAN, cleanLogits), measure(Side.CORRUPTED, corrupted));
    }

    /**
     * Runs both prompts of every pair.
     *
     * @throws BadInputException if a pair lacks what the metric reads, or the runs do not fit the memory
     */
    public static Experiment of(Gpt2 model, PromptPairs pairs, Metric metric) {
        return new Experiment(model, pairs, metric);
    }

    public Gpt2 model() {
        return model;
    }

    public Gpt2Config config() {
        return model.config();
    }

    public PromptPairs pairs() {
        return pairs;
    }

    public Metric metric() {
        return metric;
    }

    /** The metric without edits. */
    public Baselines baselines() {
        return baselines;
    }

    /** The runs of one prompt of every pair, a sequence a pair. */
    public BaseRun run(Side side) {
        return runs.get(side);
    }

    /** A site's values in all layers in the runs of one prompt of every pair. */
    public ActivationSource recorded(Side side, Site site) {
        if (run(side).holds(site)) {
            return run(side);
        }
        return recorded.computeIfAbsent(side, s -> new EnumMap<>(Site.class))
                .computeIfAbsent(site, s -> record(side, s));
    }

    private ActivationSource record(Side side, Site site) {
        Prompts prompts = run(side).prompts();
        return ActivationSource.of(ActivationCache.of(model, prompts, Capture.of(config(), site.localName())));
    }

    /**
     * Measures every cell of a sweep on every pair.
     *
     * @throws BadInputException if an edit does not fit, or the journal belongs to another sweep
     * @throws HyalineException if the thread is interrupted, after what is done was written to the journal
     */
    public SweepResult sweep(Sweep sweep, SweepOptions options) {
        return new SweepRun(this, sweep, options).run();
    }

    /** As {@link #sweep(Sweep, SweepOptions)}, telling nobody. */
    public SweepResult sweep(Sweep sweep) {
        return sweep(sweep, SweepOptions.none());
    }

    /** Takes the runs of one side up again with edits, forming the logits that the metric reads. */
    Rerun resume(Side side, List<SequenceEdit> edits) {
        return run(side).resume(edits).logits(this::selection);
    }

    /** The metric of an edited run. */
    double measure(Side side, RerunResult resumed) {
        PromptPair pair = pairs.get(resumed.sequence());
        Logits logits = new Logits(resumed.positions(), metric.tokens(pair), resumed.logits());
        return metric.measure(new Reading(pair, side.tokens(pair), logits, cleanLogits[resumed.sequence()]));
    }

    private LogitSelection selection(int index) {
        PromptPair pair = pairs.get(index);
        LogitSelection rows = LogitSelection.rows(metric.positions(pair));
        return metric.tokens(pair).map(rows::columns).orElse(rows);
    }

    private Logits[] logits(Side side) {
        List<SequenceEdit> none =
                IntStream.range(0, pairs.size()).mapToObj(SequenceEdit::of).toList();
        return resume(side, none).results().stream()
                .map(result ->
                        new Logits(result.positions(), metric.tokens(pairs.get(result.sequence())), result.logits()))
                .toArray(Logits[]::new);
    }

    private double[] measure(Side side, Logits[] logits) {
        return IntStream.range(0, pairs.size())
                .mapToDouble(i ->
                        metric.measure(new Reading(pairs.get(i), side.tokens(pairs.get(i)), logits[i], cleanLogits[i])))
                .toArray();
    }
}
