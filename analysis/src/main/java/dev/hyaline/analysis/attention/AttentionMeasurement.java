package dev.hyaline.analysis.attention;

import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.Prompts;

/**
 * Scores and statistics of heads together, from one pass of each prompt: those of {@link HeadScores} for every
 * {@link HeadType}, and {@link AttentionStatistics}.
 */
public final class AttentionMeasurement {
    private final HeadScores scores;
    private final AttentionStatistics.Measured statistics;

    private AttentionMeasurement(HeadScores scores, AttentionStatistics.Measured statistics) {
        this.scores = scores;
        this.statistics = statistics;
    }

    /**
     * A measurement that {@link #add} completes.
     *
     * @param threshold attention above which a key counts as looked at, between 0 and 1
     * @throws BadInputException if the threshold is outside, or a prompt has one token
     */
    public static AttentionMeasurement of(Gpt2Config config, Prompts prompts, double threshold) {
        return new AttentionMeasurement(
                HeadScores.of(config, prompts, HeadScores.types()),
                AttentionStatistics.Measured.of(config, prompts, threshold));
    }

    /**
     * Runs prompts of at least two tokens.
     *
     * @param threshold attention above which a key counts as looked at, between 0 and 1
     * @throws BadInputException if the threshold is outside, or a prompt has one token
     */
    public static AttentionMeasurement measure(Gpt2 model, Prompts prompts, double threshold) {
        AttentionMeasurement measurement = of(model.config(), prompts, threshold);
        AttentionPatterns.read(model, prompts, measurement::add);
        return measurement;
    }

    /**
     * Takes one head's pattern on one prompt; heads may come at once from several threads.
     *
     * @param pattern {@code [queries, keys]} from {@code offset} on; not kept
     */
    public void add(int prompt, int layer, int head, float[] pattern, int offset) {
        scores.add(prompt, layer, head, pattern, offset);
        statistics.add(prompt, layer, head, pattern, offset);
    }

    /** As {@link HeadScores#measure(Gpt2, Prompts)}, of what was added. */
    public ResultTable scores() {
        return scores.table();
    }

    /** The statistics of what was added. */
    public AttentionStatistics statistics() {
        return statistics.tables();
    }

    @Override
    public String toString() {
        return "measurement of attention, " + scores;
    }
}
