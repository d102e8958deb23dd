package dev.hyaline.analysis.causal;

import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.files.Printable;

/**
 * A model, pairs of prompts and a metric: what sweeps of edits are measured on. Both runs of every pair are kept, and
 * each edit recomputes only what it can change of them. The model must stay open. Not thread-safe.
 *
 * <p>For example: {@snippet file="dev/hyaline/analysis/ReadmeMetricTest.java" region="readme"}
 */
public final class Experiment {
    private final MeasuredRuns measured;

    private Experiment(MeasuredRuns measured) {
        this.measured = measured;
    }

    /**
     * Runs both prompts of every pair.
     *
     * @throws BadInputException if a pair lacks what the metric reads, or the runs do not fit the memory
     */
    public static Experiment start(Gpt2 model, PromptPairs pairs, Metric metric) {
        return start(PairRuns.record(model, pairs), metric);
    }

    /**
     * Measures runs that are there, as for another metric of them.
     *
     * @throws BadInputException if a pair lacks what the metric reads
     */
    public static Experiment start(PairRuns runs, Metric metric) {
        return new Experiment(new MeasuredRuns(runs, metric));
    }

    public Gpt2Config config() {
        return runs().config();
    }

    public PromptPairs pairs() {
        return runs().pairs();
    }

    /** The runs without edits. */
    public PairRuns runs() {
        return measured.runs();
    }

    public Metric metric() {
        return measured.metric();
    }

    /** The metric without edits. */
    public Baselines baselines() {
        return measured.baselines();
    }

    /** A digest of the prompts, the metric and the weights, with words for what is done with them. */
    public byte[] fingerprint(String words) {
        return measured.fingerprint(words);
    }

    /**
     * Measures every cell of a sweep on every pair.
     *
     * @throws BadInputException if the sweep was made for another model or for other pairs, an edit does not fit, or
     *     the journal belongs to another sweep
     * @throws HyalineException if the thread is interrupted, after what is done was written to the journal
     */
    public SweepResult sweep(Sweep sweep, SweepOptions options) {
        sweep.requireMadeFor(runs());
        return new SweepRun(measured, sweep, options).run();
    }

    /** As {@link #sweep(Sweep, SweepOptions)}, with neither journal nor progress. */
    public SweepResult sweep(Sweep sweep) {
        return sweep(sweep, SweepOptions.none());
    }

    /**
     * Patches clean activations into the corrupted runs, one cell after another: {@link PatchingDirection#DENOISING}
     * over all layers, heads and positions of these pairs, as far as the patch has them.
     *
     * @throws BadInputException if the patch is by position and the pairs differ in length
     * @throws HyalineException if the thread is interrupted
     */
    public SweepResult patch(ActivationPatch patch) {
        return sweep(patch.sweep(config(), PatchingDirection.DENOISING, pairs()));
    }

    @Override
    public String toString() {
        return metric().name() + " of " + Printable.plural(pairs().size(), "pair") + ": " + baselines();
    }
}
