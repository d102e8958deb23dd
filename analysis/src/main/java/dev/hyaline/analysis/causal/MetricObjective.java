package dev.hyaline.analysis.causal;

import dev.hyaline.analysis.metric.Logits;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.metric.Reading;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.gradient.Objective;
import java.util.function.IntFunction;

/**
 * A metric of one prompt of every pair as a backward pass sees it: sequence {@code i} is the prompt of pair {@code i}.
 */
public final class MetricObjective implements Objective {
    private final PromptPairs pairs;
    private final Side side;
    private final Metric metric;
    private final IntFunction<Logits> clean;

    private MetricObjective(PromptPairs pairs, Side side, Metric metric, IntFunction<Logits> clean) {
        this.pairs = pairs;
        this.side = side;
        this.metric = metric;
        this.clean = clean;
        metric.requireGradient();
    }

    /**
     * A metric of pairs. One that reads the clean run's logits has the clean prompts run first.
     *
     * @throws BadInputException if the metric has no gradient, as {@code accuracy} has none
     */
    public static MetricObjective of(Gpt2 model, PromptPairs pairs, Side side, Metric metric) {
        Logits[] logits = new Logits[pairs.size()];
        if (metric.readsCleanRun()) {
            for (int i = 0; i < logits.length; i++) {
                PromptPair pair = pairs.get(i);
                int[] positions = metric.positions(pair);
                logits[i] = new Logits(
                        positions,
                        model.forward(ForwardRequest.of(Side.CLEAN.tokens(pair)).logits(LogitSelection.rows(positions)))
                                .logits());
            }
        }
        return of(pairs, side, metric, i -> logits[i]);
    }

    /**
     * A metric of pairs whose clean runs' logits are at hand.
     *
     * @param clean by pair, at the metric's positions; asked for where the metric reads them
     * @throws BadInputException if the metric has no gradient
     */
    public static MetricObjective of(PromptPairs pairs, Side side, Metric metric, IntFunction<Logits> clean) {
        return new MetricObjective(pairs, side, metric, clean);
    }

    /** The metric. */
    public Metric metric() {
        return metric;
    }

    @Override
    public int[] positions(int sequence) {
        return metric.positions(pairs.get(sequence));
    }

    @Override
    public float[] gradient(int sequence, float[] logits) {
        return metric.gradient(reading(sequence, logits));
    }

    /** The metric of a run. */
    public double measure(int sequence, float[] logits) {
        return metric.measure(reading(sequence, logits));
    }

    private Reading reading(int sequence, float[] logits) {
        PromptPair pair = pairs.get(sequence);
        Logits run = new Logits(metric.positions(pair), logits);
        return new Reading(pair, side.tokens(pair), run, metric.readsCleanRun() ? clean.apply(sequence) : run);
    }

    @Override
    public String toString() {
        return metric + " of the " + side + " prompts of " + pairs;
    }
}
